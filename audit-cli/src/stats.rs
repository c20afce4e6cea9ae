//! `audit stats`: how many calls there were, how they ended, and how long they took.

mod bars;
mod durations;
mod groups;
mod picture;
mod report;
mod timeline;

use std::process::ExitCode;

use audit_jsonl::LogLine;
use clap::{Args, ValueEnum};

use crate::calls::Call;
use crate::calls::filter::{FORMS, Filter};
use crate::calls::moment::Moment;
use crate::exit::Failure;
use crate::input::Paths;
use crate::output::Output;
use crate::scan::{self, Flow, Order, Visitor};
use crate::stats::groups::Groups;
use crate::stats::timeline::Timeline;

/// What `audit stats` was asked.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP.as_str())]
pub(crate) struct StatsOptions {
    #[command(flatten)]
    paths: Paths,

    /// What to count apart
    #[arg(long, value_name = "WHAT", value_enum, default_value_t)]
    by: By,

    /// How many of the groups with the most calls to show, the others as one; for
    /// hours and days the latest. By default 20, and all hours or days
    #[arg(short = 'n', long = "limit", value_name = "N")]
    limit: Option<usize>,

    #[command(flatten)]
    filter: Filter,

    /// How to print them; json and csv have all groups unless -n is given
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// By what calls are counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum By {
    #[default]
    Tool,
    Caller,
    Outcome,
    Tier,
    /// In the local time zone (`TZ`)
    Hour,
    /// In the local time zone (`TZ`)
    Day,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Format {
    /// A table, with bars, times and durations drawn
    #[default]
    Table,
    /// One object
    Json,
    /// A line for each group, with a heading
    Csv,
}

static AFTER_HELP: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
    format!(
        "\
{FORMS}

A call counts as failed when it ended as execution_failed, invalid_args or
tool_not_found, as denied when as capability_denied, as limited when as rate_limited.
p50 is the duration that half of the calls took or less. It, p95 and p99 are exact up
to 2 s, and no more than 0.1 % too high above; max is always exact. Records of the
log's own are no calls. Lines that can't be read are told on stderr and passed over.

Examples:
  audit stats audit.jsonl
  audit stats audit.jsonl --by caller --since yesterday --until today
  audit stats /var/log/audit --by hour --tool 'files:*' --format csv

Exit code: 0; 2 when the arguments make no sense or a log can't be read."
    )
});

/// What is counted of all calls.
#[derive(Debug)]
pub(crate) struct Counted {
    pub(crate) groups: Groups,
    pub(crate) timeline: Timeline,
    pub(crate) damaged_lines: u64,
}

/// Counts, on one thread.
struct Counter<'a> {
    filter: &'a Filter,
    by: By,
    counted: Counted,
}

impl Visitor for Counter<'_> {
    type Found = ();

    fn visit(&mut self, call: &Call<'_>, _: &LogLine<'_>, (): &mut ()) -> Result<bool, Failure> {
        if !self.filter.takes(call) {
            return Ok(false);
        }
        let Counted {
            groups, timeline, ..
        } = &mut self.counted;
        let outcome = call.outcome();
        let moment = Moment::of_record(&call.ts());
        let group = match self.by {
            By::Tool => groups.named(&call.tool()),
            By::Tier => groups.named(&call.tier()),
            By::Outcome => groups.named(&call.kind()),
            By::Caller => match call.caller() {
                Some(caller) => groups.named(&caller),
                None => Ok(groups.nameless()),
            },
            By::Hour | By::Day => Ok(match moment {
                Some(moment) => groups.at(moment),
                None => groups.nameless(),
            }),
        };
        group
            .map_err(Failure::could_not)?
            .add(outcome.sort(), call.duration_ms());
        if let Some(moment) = moment {
            timeline.add(moment, outcome.sort());
        }
        Ok(true)
    }
}

pub(crate) fn run(options: &StatsOptions) -> Result<ExitCode, Failure> {
    options.filter.check()?;
    let inputs = options.paths.find()?;
    let counted = || Counted {
        groups: Groups::new(options.by),
        timeline: Timeline::new(),
        damaged_lines: 0,
    };
    let make = || Counter {
        filter: &options.filter,
        by: options.by,
        counted: counted(),
    };
    let (counters, damages) = scan::scan(&inputs, Order::OldestFirst, make, |()| Ok(Flow::On))?;
    let mut all = counted();
    for counter in counters {
        let Counted {
            groups, timeline, ..
        } = counter.counted;
        all.groups.merge(groups).map_err(Failure::could_not)?;
        all.timeline.merge(&timeline);
    }
    all.damaged_lines = damages.lines();
    options.filter.end();
    let mut output = Output::new();
    match options.format {
        Format::Table => picture::print(&all, options.limit, &mut output)?,
        Format::Json => report::json(&all, options.limit, &mut output)?,
        Format::Csv => report::csv(&all, options.limit, &mut output)?,
    }
    output.flush()?;
    Ok(ExitCode::SUCCESS)
}
