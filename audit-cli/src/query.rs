//! `audit query`: the calls that somebody asks for.

pub(crate) mod csv;
mod lines;
mod rows;

use std::borrow::Cow;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::calls::filter::{FORMS, Filter};
use crate::exit::Failure;
use crate::input::{Input, Paths};
use crate::output::{self, Output};
use crate::scan::{self, Flow, Order};
use crate::text;

/// What `audit query` was asked.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP.as_str())]
pub(crate) struct QueryOptions {
    #[command(flatten)]
    paths: Paths,

    #[command(flatten)]
    filter: Filter,

    /// No more than so many calls
    #[arg(short = 'n', long = "limit", value_name = "N")]
    limit: Option<u64>,

    /// The newest first: with -n, without reading the rest of the log
    #[arg(long)]
    reverse: bool,

    /// How to print them
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Format {
    /// Columns for people, cut to the width of the terminal
    #[default]
    Table,
    /// The very lines of the log
    Jsonl,
    /// All members of the record, with a heading; lists are JSON
    Csv,
}

static AFTER_HELP: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
    format!(
        "\
{FORMS}

Calls come in the order of the log, log after log as they were given. Records of the
log's own are no calls. Lines that can't be read are told on stderr and passed over.

Examples:
  audit query audit.jsonl --failed --since today
  audit query /var/log/audit --tool 'files:*' --outcome denied,limited
  audit query audit.jsonl --min-duration 2s -n 20 --reverse
  audit query audit.jsonl --caller assistant --format jsonl | jq .tool_id

Exit code: 0, whether any call was found or not; 2 when the arguments make no sense
or a log can't be read."
    )
});

/// Prints what was found in a part of the logs.
trait Printer {
    type Found;

    /// One of them, which is there; then `Flow::Enough` after the last wanted.
    fn print(&mut self, found: Self::Found, wanted: &mut Wanted) -> Result<(), Failure>;
}

/// How many calls are still wanted, and in which order.
#[derive(Debug)]
struct Wanted {
    left: u64,
    order: Order,
    printed: u64,
}

impl Wanted {
    /// Of so many calls that were found, those to print, in order.
    fn of(&mut self, found: usize) -> impl Iterator<Item = usize> + use<> {
        let count = usize::try_from(self.left).map_or(found, |left| left.min(found));
        self.left -= count as u64;
        self.printed += count as u64;
        let order = self.order;
        (0..count).map(move |nth| match order {
            Order::OldestFirst => nth,
            Order::NewestFirst => found - 1 - nth,
        })
    }
}

pub(crate) fn run(options: &QueryOptions) -> Result<ExitCode, Failure> {
    options.filter.check()?;
    let inputs = options.paths.find()?;
    let mut output = Output::new();
    let mut wanted = Wanted {
        left: options.limit.unwrap_or(u64::MAX),
        order: match options.reverse {
            true => Order::NewestFirst,
            false => Order::OldestFirst,
        },
        printed: 0,
    };
    let filter = &options.filter;
    match options.format {
        Format::Table => {
            let width = output.width();
            let make = || rows::Chosen::new(filter, width);
            let printer = rows::Table::new(&mut output);
            print(&inputs, make, printer, &mut wanted)?;
            if wanted.printed == 0 && output.is_terminal() {
                output::tell("no call fits");
            }
        }
        Format::Jsonl => {
            let make = || lines::Chosen::new(filter);
            let printer = lines::Lines::new(&mut output, text::harmless_json);
            print(&inputs, make, printer, &mut wanted)?;
        }
        Format::Csv => {
            output.bytes(csv::HEADING.as_bytes())?;
            let make = || csv::Chosen::new(filter);
            let shown = |line: &[u8]| Cow::Owned(csv::shown(line));
            let printer = lines::Lines::new(&mut output, shown);
            print(&inputs, make, printer, &mut wanted)?;
        }
    }
    filter.end();
    output.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn print<V, P>(
    inputs: &[Input],
    make: impl Fn() -> V + Sync,
    mut printer: P,
    wanted: &mut Wanted,
) -> Result<(), Failure>
where
    V: scan::Visitor,
    P: Printer<Found = V::Found>,
{
    if wanted.left == 0 {
        return Ok(());
    }
    let order = wanted.order;
    scan::scan(inputs, order, make, |found| {
        printer.print(found, wanted)?;
        Ok(match wanted.left {
            0 => Flow::Enough,
            _ => Flow::On,
        })
    })?;
    Ok(())
}
