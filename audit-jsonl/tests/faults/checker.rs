//! Checks a log and what lies beside it by the format alone: it shares no code
//! with what wrote them. At the end the library's verifier has to agree.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use audit_jsonl::verify::{Integrity, VerifyOptions};
use audit_jsonl::{CallEvent, verify};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::head::Head;

/// What the checker found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The ids of the events, in the order of the chain, each line once.
    pub(crate) ids: Vec<String>,
    /// The leaf hash of each chained line.
    pub(crate) hashes: HashMap<(String, u64), String>,
    /// What must not be, whatever happened.
    pub(crate) problems: Vec<String>,
    /// `seq` jumps ahead, or a stream doesn't begin with 0.
    pub(crate) missing: Vec<String>,
    /// Files that end inside a line.
    pub(crate) unfinished: Vec<String>,
    pub(crate) damaged_files: Vec<String>,
    pub(crate) torn_files: usize,
    pub(crate) rotated_files: usize,
    pub(crate) streams: usize,
    pub(crate) gone: u64,
    pub(crate) lost: u64,
    pub(crate) elsewhere: u64,
    pub(crate) torn: u64,
    pub(crate) plain_lines: u64,
    /// As the links tell, each once.
    pub(crate) told_plain_lines: u64,
}

struct Link {
    place: String,
    prev: Option<String>,
    hash: String,
    id: String,
    chain: Value,
}

struct Checker {
    found: Found,
    links: BTreeMap<String, BTreeMap<u64, Link>>,
    /// Streams in the order in which they follow one another.
    order: Vec<String>,
    torn: BTreeSet<(u64, String)>,
    /// Plain lines at the end of a file, and links that tell of such.
    left_plain: BTreeSet<(u64, String)>,
    told_of_left: Vec<(String, Value)>,
    names: BTreeSet<String>,
}

/// Checks all files of a log, those that others renamed too.
pub(crate) fn check(log: &Path) -> Found {
    let mut checker = Checker {
        found: Found::default(),
        links: BTreeMap::new(),
        order: Vec::new(),
        torn: BTreeSet::new(),
        left_plain: BTreeSet::new(),
        told_of_left: Vec::new(),
        names: BTreeSet::new(),
    };
    checker.read(log);
    checker.check_links();
    checker.check_head(log);
    checker.ask_verifier(log);
    checker.found
}

impl Found {
    /// All that is wrong with a log of which nothing may be missing, but for files
    /// that end inside a line.
    pub(crate) fn wrong(&self) -> Vec<String> {
        let damaged = self
            .damaged_files
            .iter()
            .map(|name| format!("{name} was moved aside"));
        let all = self.problems.iter().chain(&self.missing);
        all.cloned().chain(damaged).collect()
    }
}

impl Checker {
    fn problem(&mut self, text: String) {
        self.found.problems.push(text);
    }

    fn read(&mut self, log: &Path) {
        let directory = log.parent().expect("a directory");
        let name = log
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let stem = name.trim_end_matches(".jsonl").to_owned();
        let entries = fs::read_dir(directory).expect("the directory is readable");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        self.names = names
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        for file in self.names.clone() {
            let bytes = |file: &str| fs::read(directory.join(file)).expect("a readable file");
            if file.contains(".torn-") {
                let bytes = bytes(&file);
                self.found.torn_files += 1;
                self.torn
                    .insert((bytes.len() as u64, hex(&Sha256::digest(&bytes))));
            } else if file.contains(".damaged-") {
                self.found.damaged_files.push(file);
            } else if file.ends_with(".head") || !file.starts_with(&stem) {
            } else {
                self.found.rotated_files += usize::from(file != name);
                self.read_chain(&file, &bytes(&file));
            }
        }
    }

    fn read_chain(&mut self, file: &str, bytes: &[u8]) {
        let mut plain = Sha256::new();
        let mut plain_lines = 0;
        let mut of_this_file = BTreeSet::new();
        for (number, line) in bytes.split_inclusive(|&byte| byte == b'\n').enumerate() {
            let place = format!("{file}:{}", number + 1);
            let Some(text) = line.strip_suffix(b"\n") else {
                self.found
                    .unfinished
                    .push(format!("{place} is no whole line"));
                break;
            };
            let value: Value = match serde_json::from_slice(text) {
                Ok(value) if serde_json::from_slice::<CallEvent>(text).is_ok() => value,
                _ => {
                    let start = String::from_utf8_lossy(&text[..text.len().min(40)]).into_owned();
                    self.problem(format!("{place} is no record: {start:?}"));
                    continue;
                }
            };
            if value.get("chain").is_none() {
                plain.update(line);
                plain_lines += 1;
                continue;
            }
            let seq = self.add_link(&place, text, &value);
            // A line at the beginning of a file may stand there for the second
            // time, after plain lines that are in the file before.
            let repeated = of_this_file.is_empty() && plain_lines == 0;
            let told = value["chain"].get("plain").filter(|_| !repeated);
            // Or the plain lines are the last of a file that was left.
            if let (0, Some(told)) = (plain_lines, told) {
                self.told_of_left.push((place.clone(), told.clone()));
                if !of_this_file.insert(seq) {
                    self.problem(format!("{place} stands twice in its file"));
                }
                continue;
            }
            let told_lines = told.map_or(0, |told| told["lines"].as_u64().unwrap_or(0));
            let hash = hex(&std::mem::take(&mut plain).finalize());
            if told_lines != plain_lines || told.is_some_and(|told| told["sha256"] != hash.as_str())
            {
                self.problem(format!(
                    "{place} tells of {told_lines} plain lines, not {plain_lines}"
                ));
            }
            self.found.plain_lines += plain_lines;
            plain_lines = 0;
            if !of_this_file.insert(seq) {
                self.problem(format!("{place} stands twice in its file"));
            }
        }
        if plain_lines > 0 {
            self.left_plain
                .insert((plain_lines, hex(&plain.finalize())));
        }
    }

    fn check_left_plain(&mut self) {
        for (place, told) in std::mem::take(&mut self.told_of_left) {
            let lines = told["lines"].as_u64().unwrap_or(0);
            let hash = told["sha256"].as_str().unwrap_or("").to_owned();
            if !self.left_plain.contains(&(lines, hash)) {
                self.problem(format!("{place} tells of {lines} plain lines, not 0"));
            }
        }
    }

    fn add_link(&mut self, place: &str, text: &[u8], value: &Value) -> (String, u64) {
        let chain = &value["chain"];
        let stream = chain["stream"].as_str().unwrap_or("").to_owned();
        let Some(seq) = chain["seq"].as_u64() else {
            self.problem(format!("{place} has no seq"));
            return (stream, u64::MAX);
        };
        let hash = Sha256::new()
            .chain_update([0])
            .chain_update(text)
            .finalize();
        let link = Link {
            place: place.to_owned(),
            prev: chain["prev"].as_str().map(String::from),
            hash: hex(&hash),
            id: value["call_id"].as_str().unwrap_or("").to_owned(),
            chain: chain.clone(),
        };
        let links = self.links.entry(stream.clone()).or_default();
        match links.get(&seq) {
            Some(other) if other.hash != link.hash => {
                let problem = format!("{place} and {} fork at seq {seq}", other.place);
                self.problem(problem);
            }
            Some(_) => {}
            None => {
                links.insert(seq, link);
            }
        }
        (stream, seq)
    }

    fn check_links(&mut self) {
        self.check_left_plain();
        self.order_streams();
        let mut ids = BTreeSet::new();
        for stream in self.order.clone() {
            let links = self.links.remove(&stream).unwrap_or_default();
            self.found.streams += 1;
            let mut before: Option<(u64, String)> = None;
            for (seq, link) in links {
                let place = &link.place;
                match &before {
                    // All that came before is told to be gone.
                    None if link.prev.is_some()
                        && link.chain["gone"]["hash"].as_str() == link.prev.as_deref() => {}
                    None if seq != 0 => {
                        self.found
                            .missing
                            .push(format!("{place}: the stream begins with {seq}"));
                    }
                    None if link.prev.is_some() => {
                        self.problem(format!("{place}: seq 0 has a prev"));
                    }
                    None => {}
                    Some((last, _)) if seq != last + 1 => {
                        self.found
                            .missing
                            .push(format!("{place}: {seq} comes after {last}"));
                    }
                    Some((_, hash)) if link.prev.as_ref() != Some(hash) => {
                        self.problem(format!("{place}: prev is another line's"));
                    }
                    Some(_) => {}
                }
                self.check_notes(&link);
                if !is_of_the_log(&link.chain) {
                    if !ids.insert(link.id.clone()) {
                        self.problem(format!("{place}: event {} is recorded twice", link.id));
                    }
                    self.found.ids.push(link.id);
                }
                self.found
                    .hashes
                    .insert((stream.clone(), seq), link.hash.clone());
                before = Some((seq, link.hash));
            }
        }
    }

    /// By what `after` says: each stream follows the one that it replaces.
    fn order_streams(&mut self) {
        let mut left: BTreeSet<String> = self.links.keys().cloned().collect();
        while !left.is_empty() {
            let next = left.iter().find(|stream| {
                let first = self.links[*stream].values().next();
                let after = first.and_then(|first| first.chain["after"]["stream"].as_str());
                after.is_none_or(|after| !left.contains(after))
            });
            let Some(next) = next.cloned() else {
                self.problem("streams that follow each other in a ring".into());
                return;
            };
            left.remove(&next);
            let first = self.links[&next].values().next();
            let announced = first.is_some_and(|first| first.chain.get("after").is_some());
            if !self.order.is_empty() && !announced {
                self.problem(format!("stream {next} is announced by nothing"));
            }
            self.order.push(next);
        }
    }

    fn check_notes(&mut self, link: &Link) {
        let chain = &link.chain;
        self.found.lost += chain["lost"].as_u64().unwrap_or(0);
        self.found.elsewhere += chain["elsewhere"].as_u64().unwrap_or(0);
        self.found.gone += u64::from(chain.get("gone").is_some());
        self.found.told_plain_lines += chain["plain"]["lines"].as_u64().unwrap_or(0);
        if let Some(torn) = chain.get("torn") {
            self.found.torn += 1;
            let bytes = torn["bytes"].as_u64().unwrap_or(0);
            let hash = torn["sha256"].as_str().unwrap_or("").to_owned();
            if !self.torn.contains(&(bytes, hash)) {
                self.problem(format!(
                    "{}: the {bytes} torn bytes lie nowhere",
                    link.place
                ));
            }
        }
        if chain.get("after").is_some() && chain["seq"] != 0 {
            self.problem(format!(
                "{}: it has an after and is no first line",
                link.place
            ));
        }
        if let Some(file) = chain["after"]["file"].as_str()
            && !self.names.contains(file)
        {
            self.problem(format!("{}: the damaged {file} isn't there", link.place));
        }
    }

    /// What is whole must never be called altered.
    fn ask_verifier(&mut self, log: &Path) {
        let others = self.names.iter().filter(|name| {
            let apart = [".torn-", ".damaged-", ".spoilt"];
            let stem = log.file_stem().unwrap_or_default().to_string_lossy();
            name.starts_with(stem.as_ref())
                && !name.ends_with(".head")
                && !apart.iter().any(|part| name.contains(part))
        });
        let mut paths = vec![log.to_owned()];
        paths.extend(others.map(|name| log.with_file_name(name)));
        match verify(&paths, &VerifyOptions::new()) {
            Err(error) => self.problem(format!("it can't be verified: {error}")),
            Ok(report) => {
                let is_whole = self.found.wrong().is_empty();
                if is_whole && report.integrity == Integrity::NotIntact {
                    self.problem(format!("the verifier says:\n{report}"));
                }
            }
        }
    }

    fn check_head(&mut self, log: &Path) {
        let Some(head) = Head::read(log) else {
            self.problem("the head file is missing or not whole".into());
            return;
        };
        let of_stream = self
            .found
            .hashes
            .iter()
            .filter(|((stream, _), _)| *stream == head.stream);
        let last = of_stream.max_by_key(|((_, seq), _)| *seq);
        if last.is_none_or(|((_, seq), hash)| *seq != head.seq || *hash != head.hash) {
            let last = last.map(|((_, seq), _)| *seq);
            self.problem(format!("the head is at {}, the log at {last:?}", head.seq));
        }
    }
}

fn is_of_the_log(chain: &Value) -> bool {
    chain.get("closed").is_some()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
