//! Steps that need no quiet machine, run one after the other beside the rest: each is a
//! process of its own, whose output is kept until it has ended.

use std::env;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result};

use crate::ci::{Ended, Outcome};
use crate::common::root;

/// This program, from before a step builds it anew.
pub(super) struct Program(PathBuf);

impl Program {
    pub(super) fn keep() -> Result<Self> {
        let path = directory()?
            .join("xtask")
            .with_extension(env::consts::EXE_EXTENSION);
        fs::copy(env::current_exe()?, &path)
            .with_context(|| format!("can't write {}", path.display()))?;
        Ok(Self(path))
    }
}

fn directory() -> Result<PathBuf> {
    let directory = root().join("target").join("ci");
    fs::create_dir_all(&directory)
        .with_context(|| format!("can't make {}", directory.display()))?;
    Ok(directory)
}

/// A step that has ended, and what it wrote.
pub(super) struct Beside {
    pub(super) ended: Ended,
    pub(super) output: String,
}

/// Starts them; they come as they end.
pub(super) fn start(program: Program, steps: Vec<&'static str>) -> Receiver<Beside> {
    let (tell, ended) = channel();
    // Without a thread nobody tells, which shows.
    thread::spawn(move || run_all(&program, &steps, &tell));
    ended
}

fn run_all(program: &Program, steps: &[&'static str], tell: &Sender<Beside>) {
    for name in steps {
        let begun = Instant::now();
        let (outcome, output) = match run(program, name) {
            Ok((is_success, output)) => (outcome(name, is_success, &output), output),
            Err(error) => (Outcome::Failed(format!("{error:#}")), String::new()),
        };
        let ended = Ended {
            name,
            outcome,
            took: begun.elapsed(),
        };
        if tell.send(Beside { ended, output }).is_err() {
            return;
        }
    }
}

/// Runs a step as a maintainer would; whether it passed, and what it wrote.
fn run(Program(program): &Program, name: &str) -> Result<(bool, String)> {
    let path = directory()?.join(format!("{name}.txt"));
    let file = File::create(&path).with_context(|| format!("can't write {}", path.display()))?;
    let mut command = Command::new(program);
    command.arg(name).current_dir(root());
    command.stdout(file.try_clone()?).stderr(file);
    let status = command
        .status()
        .with_context(|| format!("can't start {}", program.display()))?;
    // Compilers write what they like.
    let output = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
    Ok((status.success(), output))
}

/// A step says last why it was skipped or has failed.
fn outcome(name: &str, is_success: bool, output: &str) -> Outcome {
    let said = |word: &str| {
        let begin = format!("{name} {word}: ");
        let at = output.rfind(&format!("\n{begin}"))? + 1;
        Some(output[at + begin.len()..].trim().to_owned())
    };
    match (is_success, said("skipped"), said("failed")) {
        (true, Some(why), _) => Outcome::Skipped(why),
        (true, None, _) => Outcome::Passed,
        (false, _, Some(why)) => Outcome::Failed(why),
        (false, _, None) => Outcome::Failed("it didn't say why; see above".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_what_a_step_says_last() {
        let of = |is_success, output| outcome("deny", is_success, output);
        assert_eq!(of(true, "$ cargo deny\nfine\n"), Outcome::Passed);
        assert_eq!(
            of(true, "$ cargo deny\ndeny skipped: not there\n"),
            Outcome::Skipped("not there".into())
        );
        assert_eq!(
            of(false, "$ cargo deny\ndeny failed: `cargo deny`\nended\n"),
            Outcome::Failed("`cargo deny`\nended".into())
        );
        assert!(matches!(of(false, "Killed\n"), Outcome::Failed(_)));
    }
}
