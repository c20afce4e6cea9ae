//! The models of audit-jsonl's queue, on one checker or the other, and a table of what
//! was gone through.

use anyhow::bail;

use crate::common::{Done, StepResult, cargo};

/// One of the checkers that the models are written for.
pub(crate) struct Checker {
    pub(crate) name: &'static str,
    /// What audit-jsonl is compiled with, so that its locks are the checker's.
    pub(crate) cfg: &'static str,
}

/// A setting of the models: a variable that is told in audit-jsonl/src/models.rs, and
/// its value.
pub(crate) type Setting = (&'static str, u64);

impl Checker {
    /// Checks all models.
    pub(crate) fn run(&self, settings: &[Setting]) -> StepResult {
        // A directory of its own: all that is built with the cfg is built anew.
        let target = format!("target/{}", self.name);
        let args = "test --locked --profile models -p audit-jsonl --lib --target-dir";
        let rest = ["models::", "--", "--nocapture"];
        let args = args.split(' ').chain([target.as_str()]).chain(rest);
        let mut command = cargo(args).env("RUSTFLAGS", &format!("--cfg {}", self.cfg));
        for (variable, value) in settings {
            command = command.env(variable, &value.to_string());
        }
        let mut rows = Vec::new();
        let ended = command.run_listening(|line| rows.extend(Row::parse(line)));
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        print!("{}", table(&rows));
        ended?;
        if rows.is_empty() {
            bail!("no model said that it was checked");
        }
        Ok(Done::Passed)
    }
}

/// What a model says of itself on stderr once it has been checked.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    name: String,
    bound: String,
    executions: u64,
    seconds: String,
    complete: String,
}

impl Row {
    /// Of a line as `model: NAME; bound 3; 40 executions; 0.1 s; complete yes`.
    fn parse(line: &str) -> Option<Self> {
        // The name of the test may stand before it.
        let (_, told) = line.split_once("model: ")?;
        let mut parts = told.split("; ");
        Some(Self {
            name: parts.next()?.to_owned(),
            bound: parts.next()?.strip_prefix("bound ")?.to_owned(),
            executions: parts.next()?.strip_suffix(" executions")?.parse().ok()?,
            seconds: parts.next()?.strip_suffix(" s")?.to_owned(),
            complete: parts.next()?.strip_prefix("complete ")?.to_owned(),
        })
    }
}

fn table(rows: &[Row]) -> String {
    let mut text = String::from("\nbound  executions  seconds  complete  model\n");
    for row in rows {
        let Row {
            name,
            bound,
            executions,
            seconds,
            complete,
        } = row;
        text.push_str(&format!(
            "{bound:<5}{executions:>12}{seconds:>9}  {complete:<8}  {name}\n"
        ));
    }
    let executions: u64 = rows.iter().map(|row| row.executions).sum();
    let complete = rows.iter().filter(|row| row.complete == "yes").count();
    text.push_str(&format!(
        "\n{} models, {complete} of them complete, {executions} executions\n",
        rows.len()
    ));
    text
}

/// The numbers after these options, each of which sets a variable.
pub(crate) fn settings(
    command: &str,
    options: &[(&str, &'static str)],
    args: &[String],
) -> Result<Vec<Setting>, String> {
    let mut settings = Vec::new();
    let mut args = args.iter();
    while let Some(given) = args.next() {
        let Some((_, variable)) = options.iter().find(|(option, _)| option == given) else {
            return Err(format!("`{command}` takes no `{given}`"));
        };
        let number = args.next().and_then(|number| number.parse().ok());
        match number {
            Some(number) if number > 0 => settings.push((*variable, number)),
            _ => return Err(format!("`{given}` needs a number above 0")),
        }
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::common::root;
    use crate::{loom, shuttle};

    #[test]
    fn options_set_variables() {
        let parse = |line: &str| {
            let args: Vec<String> = line.split_whitespace().map(String::from).collect();
            settings("loom", &[("--bound", "BOUND")], &args)
        };
        assert_eq!(parse(""), Ok(vec![]));
        assert_eq!(parse("--bound 4"), Ok(vec![("BOUND", 4)]));
        for wrong in ["--bound", "--bound 0", "--bound x", "--limit 4", "4"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rows_are_read_from_lines() {
        let line = "test a ... model: a::b; bound 3; 40 executions; 0.1 s; complete yes";
        let row = Row::parse(line).unwrap();
        assert_eq!((row.name.as_str(), row.executions), ("a::b", 40));
        let text = table(&[row]);
        assert!(
            text.contains("3              40      0.1  yes       a::b\n"),
            "{text}"
        );
        assert!(text.ends_with("\n1 models, 1 of them complete, 40 executions\n"));
        assert_eq!(Row::parse("model: a::b; bound 3"), None);
    }

    #[test]
    fn variables_are_those_of_the_models() {
        let text = fs::read_to_string(root().join("audit-jsonl/src/models.rs")).unwrap();
        for (_, variable) in loom::OPTIONS.iter().chain(shuttle::OPTIONS) {
            assert!(text.contains(&format!("\"{variable}\"")), "{variable}");
        }
    }
}
