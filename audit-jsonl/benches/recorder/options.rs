use std::env;
use std::path::PathBuf;

pub(crate) const USAGE: &str = "\
usage: cargo bench -p audit-jsonl --bench recorder -- [options]

  --rounds N        how often each load is run with each design; 3 unless given
  --quick           small loads, one round: shows that it works, measures nothing
  --only SUBSTRING  only loads with that in their name; `parts` are those of a call
  --json            one JSON object for each run as well";

#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) load: String,
    pub(crate) design: String,
    /// Where to write.
    pub(crate) path: PathBuf,
}

#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) rounds: usize,
    pub(crate) quick: bool,
    pub(crate) only: Option<String>,
    pub(crate) json: bool,
    /// Run one load in this process.
    pub(crate) child: Option<Child>,
}

impl Options {
    pub(crate) fn from_arguments() -> Result<Self, String> {
        let mut options = Self {
            rounds: 3,
            // `cargo test --all-targets` starts benches too, without `--bench`.
            quick: true,
            only: None,
            json: false,
            child: None,
        };
        let mut asked_quick = false;
        let mut arguments = env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || {
                let missing = format!("{argument} lacks its value\n\n{USAGE}");
                arguments.next().ok_or(missing)
            };
            match argument.as_str() {
                "--bench" => options.quick = false,
                "--quick" => asked_quick = true,
                "--json" => options.json = true,
                "--only" => options.only = Some(value()?),
                "--child" => {
                    options.child = Some(Child {
                        load: value()?,
                        design: value()?,
                        path: value()?.into(),
                    });
                }
                "--rounds" => {
                    options.rounds = match value()?.parse() {
                        Ok(rounds) if rounds > 0 => rounds,
                        _ => return Err(format!("--rounds takes a number\n\n{USAGE}")),
                    };
                }
                other => return Err(format!("unknown option {other}\n\n{USAGE}")),
            }
        }
        options.quick |= asked_quick;
        if options.quick {
            options.rounds = 1;
        }
        Ok(options)
    }

    pub(crate) fn wants(&self, load: &str) -> bool {
        self.only.as_ref().is_none_or(|only| load.contains(only))
    }
}
