use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::thread;

use audit_jsonl::{CallEvent, Entry, LogFiles, LogReader};
use serde::de::IgnoredAny;

/// So many calls are what `tail` shows.
pub(crate) const LAST: usize = 10;

type Run = fn(&LogFiles) -> Result<u64, Box<dyn Error>>;

/// A way of reading the log, which counts bytes or lines.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) run: Run,
    what: What,
}

enum What {
    Bytes,
    Lines,
}

impl Row {
    /// What it must have counted.
    pub(crate) fn counts(&self, lines: u64, log: &LogFiles) -> u64 {
        match self.what {
            What::Bytes => log.total_len(),
            What::Lines => lines,
        }
    }
}

const fn bytes(name: &'static str, run: Run) -> Row {
    let what = What::Bytes;
    Row { name, run, what }
}

const fn lines(name: &'static str, run: Run) -> Row {
    let what = What::Lines;
    Row { name, run, what }
}

pub(crate) const ROWS: &[Row] = &[
    bytes("read(2), 256 KiB at a time", read),
    lines("lines by BufRead", buffered),
    lines("JSON syntax, serde_json", syntax),
    lines("CallEvent, serde_json", events_by_serde),
    lines("LogReader", entries),
    lines("LogReader, 2 threads", in_parts),
    lines("LogReader, event()", events),
    lines("backward", backward),
];

fn open(log: &LogFiles) -> Result<File, Box<dyn Error>> {
    Ok(File::open(log.path())?)
}

fn read(log: &LogFiles) -> Result<u64, Box<dyn Error>> {
    let mut file = open(log)?;
    let mut block = vec![0; 256 * 1024];
    let mut count = 0;
    loop {
        match file.read(&mut block)? {
            0 => return Ok(count),
            read => count += read as u64,
        }
    }
}

fn each_line(
    log: &LogFiles,
    mut work: impl FnMut(&[u8]) -> Result<(), Box<dyn Error>>,
) -> Result<u64, Box<dyn Error>> {
    let mut reader = BufReader::with_capacity(256 * 1024, open(log)?);
    let mut line = Vec::new();
    let mut count = 0;
    while reader.read_until(b'\n', &mut line)? > 0 {
        work(&line)?;
        count += 1;
        line.clear();
    }
    Ok(count)
}

fn buffered(log: &LogFiles) -> Result<u64, Box<dyn Error>> {
    each_line(log, |_| Ok(()))
}

fn syntax(log: &LogFiles) -> Result<u64, Box<dyn Error>> {
    each_line(log, |line| {
        serde_json::from_slice::<IgnoredAny>(line)?;
        Ok(())
    })
}

fn events_by_serde(log: &LogFiles) -> Result<u64, Box<dyn Error>> {
    each_line(log, |line| {
        serde_json::from_slice::<CallEvent>(line)?;
        Ok(())
    })
}

fn count(
    mut reader: LogReader,
    work: impl Fn(&Entry<'_>) -> Result<(), Box<dyn Error>>,
) -> Result<u64, Box<dyn Error>> {
    let mut count = 0;
    while let Some(entry) = reader.next_entry()? {
        work(&entry)?;
        count += u64::from(matches!(entry, Entry::Line(_)));
    }
    Ok(count)
}

fn entries(log: &LogFiles) -> Result<u64, Box<dyn Error>> {
    count(LogReader::of(log), |_| Ok(()))
}

fn in_parts(log: &LogFiles) -> Result<u64, Box<dyn Error>> {
    let parts = LogReader::split(log, 2)?;
    let threads: Vec<_> = parts
        .into_iter()
        .map(|part| thread::spawn(|| count(part, |_| Ok(())).map_err(|error| error.to_string())))
        .collect();
    let counts = threads.into_iter().map(|thread| {
        let result = thread.join();
        result.map_err(|_| "a thread panicked".to_owned())?
    });
    Ok(counts.sum::<Result<u64, String>>()?)
}

fn events(log: &LogFiles) -> Result<u64, Box<dyn Error>> {
    count(LogReader::of(log), |entry| {
        if let Entry::Line(line) = entry {
            line.event()?;
        }
        Ok(())
    })
}

fn backward(log: &LogFiles) -> Result<u64, Box<dyn Error>> {
    let mut reader = LogReader::backward(log);
    let mut count = 0;
    while reader.next_entry()?.is_some() {
        count += 1;
    }
    Ok(count)
}

/// The last calls of a log, as a command would show them.
pub(crate) fn last(path: &Path) -> Result<(), Box<dyn Error>> {
    let log = LogFiles::find(&[path])?.remove(0);
    let mut reader = LogReader::last(&log, LAST)?;
    while reader.next_entry()?.is_some() {}
    Ok(())
}
