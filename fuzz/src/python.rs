//! docs/verify.py, in a process that is asked again and again.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::logs::{ACTIVE, Part};

pub(crate) struct Python {
    // Waits for its input to end, which it does with this process.
    _child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Python {
    /// None where there is no Python.
    pub(crate) fn start() -> Option<Self> {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut child = Command::new("python3")
            .arg(root.join("audit-jsonl/tests/tamper/driver.py"))
            .arg(root.join("docs"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let input = child.stdin.take()?;
        let output = BufReader::new(child.stdout.take()?);
        Some(Self {
            _child: child,
            input,
            output,
        })
    }

    /// What it says of these files, as the driver puts it.
    pub(crate) fn judge(&mut self, files: &[Part], heads: &[String]) -> Value {
        let sizes: Vec<_> = files
            .iter()
            .map(|part| (&part.name, part.bytes.len()))
            .collect();
        let header = json!({"files": sizes, "active": ACTIVE, "heads": heads});
        let mut message = format!("{header}\n").into_bytes();
        for part in files {
            message.extend_from_slice(&part.bytes);
        }
        self.input.write_all(&message).expect("verify.py reads");
        let mut answer = String::new();
        let read = self.output.read_line(&mut answer);
        read.expect("verify.py answers");
        serde_json::from_str(&answer).expect("verify.py has failed, see above")
    }
}
