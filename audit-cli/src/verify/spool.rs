//! Streams put into files, for a log is read by many threads.

use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use audit_jsonl::verify::Report;
use parking_lot::Mutex;
use tempfile::{Builder, NamedTempFile};

use crate::exit::Failure;
use crate::input::Stream;

/// Files that go away in the end, readable by nobody else.
#[derive(Default)]
pub(crate) struct Spool {
    files: RefCell<Vec<(NamedTempFile, Stream)>>,
    /// What a signal must not leave behind.
    paths: Arc<Mutex<Vec<PathBuf>>>,
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
        if files.is_empty() {
            watch(&self.paths).map_err(fail)?;
        }
        let file = Builder::new().prefix("audit-").suffix(".jsonl").tempfile();
        let mut file = file.map_err(fail)?;
        let path = file.path().to_owned();
        self.paths.lock().push(path.clone());
        io::copy(&mut *stream.open()?, &mut file).map_err(fail)?;
        files.push((file, stream.clone()));
        Ok(path)
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

/// Removes the copies when a signal ends the process.
#[cfg(unix)]
fn watch(paths: &Arc<Mutex<Vec<PathBuf>>>) -> io::Result<()> {
    use std::{fs, thread};

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    use signal_hook::low_level::emulate_default_handler;

    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    let paths = Arc::clone(paths);
    let watching = thread::Builder::new().spawn(move || {
        for signal in signals.forever() {
            for path in paths.lock().iter() {
                fs::remove_file(path).ok();
            }
            // Ends it as if nobody had listened.
            emulate_default_handler(signal).ok();
        }
    });
    watching.map(drop)
}

#[cfg(not(unix))]
fn watch(_: &Arc<Mutex<Vec<PathBuf>>>) -> io::Result<()> {
    Ok(())
}
