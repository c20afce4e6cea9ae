use std::env;

pub(crate) const USAGE: &str = "\
usage: cargo bench -p audit-jsonl --bench verifier -- [options]

  --lines N   how many lines the log has; 1,000,000 unless given
  --rounds N  how often each row is measured; 5 unless given
  --memory    verify once, and print the peak memory; with --lines 14000000 the log
              has 10 GB
  --quick     a small log, one round: shows that it works, measures nothing";

#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) lines: u64,
    pub(crate) rounds: usize,
    pub(crate) memory: bool,
}

impl Options {
    /// `None` when help was asked for.
    pub(crate) fn from_arguments() -> Result<Option<Self>, String> {
        let mut options = Self {
            lines: 1_000_000,
            rounds: 5,
            memory: false,
        };
        // `cargo test --all-targets` starts benches too, without `--bench`.
        let mut quick = true;
        let mut asked_quick = false;
        let mut arguments = env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut number = || {
                let value = arguments.next().and_then(|value| value.parse().ok());
                let value = value.filter(|number| *number > 0);
                value.ok_or(format!("{argument} takes a number\n\n{USAGE}"))
            };
            match argument.as_str() {
                "--bench" => quick = false,
                "--quick" => asked_quick = true,
                "--memory" => options.memory = true,
                "--lines" => options.lines = number()?,
                "--rounds" => options.rounds = number()? as usize,
                "--help" => return Ok(None),
                other => return Err(format!("unknown option {other}\n\n{USAGE}")),
            }
        }
        if quick || asked_quick {
            options.lines = 1_000;
            options.rounds = 1;
        }
        Ok(Some(options))
    }
}
