//! Running commands so that whoever reads the log can repeat them, and
//! gathering problems so that all are told at once.

use std::env;
use std::ffi::OsStr;
use std::fmt::Display;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// How a step ended that didn't fail.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Done {
    Passed,
    /// Not run, or not all of it: why, and how to have it run.
    Skipped(String),
}

pub(crate) type StepResult = Result<Done>;

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    // Cargo says at run time where the package is, which holds even when the
    // tree was moved after it was built.
    let package = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().map_or(package.clone(), Path::to_path_buf)
}

/// A command that is run in the root of the workspace and printed first.
pub(crate) struct Cmd {
    command: Command,
    printed: String,
}

/// `cargo` with these arguments: the very cargo that runs this.
pub(crate) fn cargo<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Cmd {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    Cmd::new(&program, "cargo", args)
}

/// Another program with these arguments.
pub(crate) fn program<S: AsRef<OsStr>>(name: &str, args: impl IntoIterator<Item = S>) -> Cmd {
    Cmd::new(OsStr::new(name), name, args)
}

impl Cmd {
    pub(crate) fn new<S: AsRef<OsStr>>(
        program: &OsStr,
        name: &str,
        args: impl IntoIterator<Item = S>,
    ) -> Self {
        let mut command = Command::new(program);
        command.current_dir(root());
        let mut printed = name.to_owned();
        for arg in args {
            let shown = arg.as_ref().to_string_lossy();
            let quote = if shown.contains([' ', '*', '{']) {
                "'"
            } else {
                ""
            };
            printed.push_str(&format!(" {quote}{shown}{quote}"));
            command.arg(arg);
        }
        Self { command, printed }
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self.printed = format!("{name}='{value}' {}", self.printed);
        self
    }

    /// Another toolchain must not be told which cargo started this one.
    pub(crate) fn without_own_cargo(mut self) -> Self {
        self.command.env_remove("CARGO");
        self
    }

    /// Runs it; its output goes where ours goes.
    pub(crate) fn run(mut self) -> Result<()> {
        println!("$ {}", self.printed);
        let status = self.command.status().with_context(|| self.not_started())?;
        if !status.success() {
            bail!("`{}` ended with {status}", self.printed);
        }
        Ok(())
    }

    /// Runs it, and gives the code that it ended with; its output goes where ours goes.
    pub(crate) fn code(mut self) -> Result<i32> {
        println!("$ {}", self.printed);
        let status = self.command.status().with_context(|| self.not_started())?;
        match status.code() {
            Some(code) => Ok(code),
            None => bail!("`{}` ended with {status}", self.printed),
        }
    }

    /// Runs it; its output goes where ours goes. `hear` is called with each line
    /// that it writes to stderr.
    pub(crate) fn run_listening(mut self, mut hear: impl FnMut(&str)) -> Result<()> {
        println!("$ {}", self.printed);
        let started = self.command.stderr(Stdio::piped()).spawn();
        let mut child = started.with_context(|| self.not_started())?;
        if let Some(stderr) = child.stderr.take() {
            for line in BufReader::new(stderr).lines() {
                let line = line?;
                hear(&line);
                eprintln!("{line}");
            }
        }
        let status = child.wait()?;
        if !status.success() {
            bail!("`{}` ended with {status}", self.printed);
        }
        Ok(())
    }

    /// Runs it and gives what it wrote to stdout.
    pub(crate) fn output(mut self) -> Result<String> {
        println!("$ {}", self.printed);
        let output = self
            .command
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| self.not_started())?;
        if !output.status.success() {
            bail!("`{}` ended with {}", self.printed, output.status);
        }
        String::from_utf8(output.stdout)
            .with_context(|| format!("`{}` wrote something that is not UTF-8", self.printed))
    }

    /// What it writes to stdout, without a word; `None` if it fails or isn't
    /// there. For asking what the machine has.
    pub(crate) fn probe(mut self) -> Option<String> {
        let output = self.command.stderr(Stdio::null()).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then_some(text)
    }

    fn not_started(&self) -> String {
        format!(
            "can't start `{}`: is it installed and on the PATH?",
            self.printed
        )
    }
}

/// Runs them all, even when one fails, so that one run tells everything.
pub(crate) fn run_all(commands: impl IntoIterator<Item = Cmd>) -> Result<()> {
    let mut failed = Vec::new();
    for command in commands {
        if let Err(error) = command.run() {
            failed.push(format!("{error:#}"));
        }
    }
    if !failed.is_empty() {
        bail!("{}", failed.join("; "));
    }
    Ok(())
}

/// What a check found wrong, each with its place and what to do.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<String>);

impl Problems {
    pub(crate) fn push(&mut self, place: impl Display, problem: impl Display) {
        self.0.push(format!("{place}: {problem}"));
    }

    #[cfg(test)]
    pub(crate) fn into_vec(self) -> Vec<String> {
        self.0
    }

    /// Prints them all; `looked_at` says what was checked when nothing is wrong.
    pub(crate) fn finish(mut self, looked_at: &str) -> StepResult {
        if self.0.is_empty() {
            println!("nothing wrong in {looked_at}");
            return Ok(Done::Passed);
        }
        self.0.sort_by(|a, b| place(a).cmp(&place(b)));
        for problem in &self.0 {
            println!("{problem}");
        }
        match self.0.len() {
            1 => bail!("one problem, named above"),
            several => bail!("{several} problems, listed above"),
        }
    }
}

/// The file and the line that a problem names, for sorting.
fn place(problem: &str) -> (&str, usize) {
    let mut parts = problem.split(':');
    let file = parts.next().unwrap_or_default();
    let line = parts.next().and_then(|line| line.parse().ok());
    (file, line.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn problems_are_sorted_by_line() {
        assert!(place("a.md:9: wrong") < place("a.md:10: wrong"));
        assert!(place("a.md: is missing") < place("a.md:1: wrong"));
        assert!(place("a.md:10: wrong") < place("b.md:9: wrong"));
    }
}
