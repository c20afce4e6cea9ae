//! docs/verify.py, as a process that is asked again and again.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::judge::{Judge, Problem, Report};
use crate::logs::{ACTIVE, Part};

pub(crate) struct Python {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Python {
    /// None where there is no Python.
    pub(crate) fn start() -> Option<Self> {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let mut child = Command::new("python3")
            .arg(root.join("tests/tamper/driver.py"))
            .arg(root.join("../docs"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        Some(Self {
            child,
            input,
            output,
        })
    }
}

impl Judge for Python {
    fn judge(&mut self, files: &[Part], heads: &[&str]) -> Report {
        let sizes: Vec<_> = files
            .iter()
            .map(|part| (&part.name, part.bytes.len()))
            .collect();
        let input = self.input.as_mut().unwrap();
        let header = json!({"files": sizes, "active": ACTIVE, "heads": heads});
        let mut message = format!("{header}\n").into_bytes();
        for part in files {
            message.extend_from_slice(&part.bytes);
        }
        input.write_all(&message).unwrap();
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        let answer: Value = serde_json::from_str(&answer).expect("verify.py has failed, see above");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let problems = answer["problems"]
            .as_array()
            .unwrap()
            .iter()
            .map(|problem| Problem {
                kind: text(&problem["kind"]),
                file: text(&problem["file"]),
                line: problem["line"].as_u64(),
                seq: problem["seq"].as_u64(),
            });
        let facts = answer["facts"].as_object().unwrap().iter();
        Report {
            verdict: text(&answer["verdict"]),
            complete: answer["complete"] == true,
            problems: problems.collect(),
            facts: facts
                .map(|(name, value)| (name.clone(), value.as_u64().unwrap_or(1)))
                .collect(),
        }
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // It ends with its input.
        drop(self.input.take());
        self.child.wait().ok();
    }
}
