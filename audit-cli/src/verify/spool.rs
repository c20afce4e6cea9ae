//! Streams put into files, for a log is read by many threads.

use std::cell::RefCell;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use audit_jsonl::verify::Report;
use tempfile::{Builder, NamedTempFile};

use crate::exit::Failure;
use crate::input::Stream;

/// Files that go away in the end, readable by nobody else.
#[derive(Default)]
pub(crate) struct Spool {
    files: RefCell<Vec<(NamedTempFile, Stream)>>,
    /// Ctrl-C must not leave a copy of a log behind.
    stopped: Arc<AtomicBool>,
}

impl Spool {
    /// Copies a stream, to its end; once for all.
    pub(crate) fn take(&self, stream: &Stream) -> Result<PathBuf, Failure> {
        let mut files = self.files.borrow_mut();
        if let Some((file, _)) = files.iter().find(|(_, of)| of == stream) {
            return Ok(file.path().to_owned());
        }
        let fail = |error: io::Error| {
            let name = stream.name();
            Failure::could_not(format!("{name} can't be copied to a file: {error}"))
        };
        listen(&self.stopped).map_err(fail)?;
        let file = Builder::new().prefix("audit-").suffix(".jsonl").tempfile();
        let mut file = file.map_err(fail)?;
        let mut source = stream.open()?;
        self.copy(&mut *source, &mut file).map_err(fail)?;
        let path = file.path().to_owned();
        files.push((file, stream.clone()));
        Ok(path)
    }

    fn copy(&self, source: &mut dyn Read, file: &mut NamedTempFile) -> io::Result<()> {
        let mut buffer = vec![0; 256 * 1024];
        loop {
            if self.stopped.load(Ordering::Relaxed) {
                return Err(io::Error::other("interrupted"));
            }
            match source.read(&mut buffer) {
                Ok(0) => return file.flush(),
                Ok(read) => file.write_all(&buffer[..read])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Becomes true when verifying is to stop.
    pub(crate) fn cancel(&self) -> &AtomicBool {
        &self.stopped
    }

    /// Calls what was read from a stream by the stream's name.
    pub(crate) fn rename(&self, report: &mut Report) {
        for (file, stream) in self.files.borrow().iter() {
            let name = PathBuf::from(stream.name());
            let rename = |path: &mut PathBuf| {
                if path == file.path() || is_same(path, file.path()) {
                    path.clone_from(&name);
                }
            };
            for log in &mut report.logs {
                rename(&mut log.path);
                log.problems
                    .iter_mut()
                    .for_each(|problem| rename(&mut problem.file));
                let completeness = &mut log.completeness;
                let unfinished = completeness.unfinished.iter_mut();
                unfinished.for_each(|tail| rename(&mut tail.file));
            }
        }
    }
}

/// The directory may be named by a link.
fn is_same(path: &Path, file: &Path) -> bool {
    path.file_name() == file.file_name()
}

#[cfg(unix)]
fn listen(stopped: &Arc<AtomicBool>) -> io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::flag;

    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_default(signal, Arc::clone(stopped))?;
        flag::register(signal, Arc::clone(stopped))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn listen(_: &Arc<AtomicBool>) -> io::Result<()> {
    Ok(())
}
