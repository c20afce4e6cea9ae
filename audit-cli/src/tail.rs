//! `audit tail`: the last calls, and those that come.

mod reader;

use std::process::ExitCode;
use std::time::Duration;

use audit_jsonl::{DamageKind, Entry, LogFiles, LogReader};
use clap::{Args, ValueEnum};

use crate::calls::Call;
use crate::calls::filter::{FORMS, Filter};
use crate::compressed;
use crate::exit::Failure;
use crate::input::Stream;
use crate::output::Output;
use crate::scan::{Damages, Noted, Order};
use crate::table::{Row, Rows, Table};
use crate::text;

/// What `audit tail` was asked.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP.as_str())]
pub(crate) struct TailOptions {
    /// A log; `-` for stdin, which is followed to its end
    #[arg(value_name = "PATH")]
    path: std::path::PathBuf,

    /// How many of the last calls
    #[arg(short = 'n', long = "lines", value_name = "N", default_value_t = 10)]
    lines: usize,

    /// Goes on with each call that comes, through rotation, until it is interrupted
    #[arg(short, long)]
    follow: bool,

    #[command(flatten)]
    filter: Filter,

    /// How to print them
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Format {
    /// A line for each call, for people
    #[default]
    Human,
    /// The very lines of the log
    Jsonl,
}

static AFTER_HELP: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
    format!(
        "\
{FORMS}

With -f a log that isn't there yet is waited for. Records of the log's own are no
calls. Lines that can't be read are told on stderr and passed over.

Examples:
  audit tail audit.jsonl
  audit tail -f -n 50 audit.jsonl --failed
  audit tail -f audit.jsonl --tool 'shell:*' --format jsonl | while read -r call; do …

Exit code: 0; 2 when the arguments make no sense or the log can't be read. An
interrupt ends it as it ends other commands."
    )
});

/// How often to see whether whoever reads the output is still there.
const STILL_THERE: Duration = Duration::from_secs(1);

pub(crate) fn run(options: &TailOptions) -> Result<ExitCode, Failure> {
    options.filter.check()?;
    let mut tail = Tail::new(options);
    match Stream::of(&options.path) {
        Some(stream) => tail.of_stream(&stream)?,
        None => tail.of_log(options)?,
    }
    tail.damages.end();
    options.filter.end();
    tail.output.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// A call in the form in which it will be printed.
enum Shown {
    Row(Row),
    Line(Vec<u8>),
}

struct Tail<'a> {
    options: &'a TailOptions,
    output: Output,
    rows: Rows,
    table: Option<Table>,
    damages: Damages,
    /// What is there is read, and what comes will be.
    will_follow: bool,
}

impl<'a> Tail<'a> {
    fn new(options: &'a TailOptions) -> Self {
        let output = Output::new();
        Self {
            options,
            rows: Rows::new(output.width()),
            output,
            table: None,
            damages: Damages::new(Order::NewestFirst),
            will_follow: false,
        }
    }

    fn of_log(&mut self, options: &TailOptions) -> Result<(), Failure> {
        let log = match find(options)? {
            Some(log) => log,
            None => return Ok(()),
        };
        // What is written from here on is left to the follower.
        self.will_follow = options.follow;
        let mut reader = LogReader::backward(&log);
        let mut last = Vec::new();
        let mut noted = Noted::default();
        while last.len() < options.lines
            && let Some(entry) = reader.next_entry()?
        {
            last.extend(self.look_at(&entry, &mut noted));
        }
        self.damages.tell(noted);
        last.reverse();
        self.print_all(last)?;
        if options.follow {
            self.output.flush()?;
            self.follow(&log)?;
        }
        Ok(())
    }

    fn follow(&mut self, log: &LogFiles) -> Result<(), Failure> {
        let mut follower = LogReader::follow(log)?;
        self.will_follow = false;
        let mut noted = Noted::default();
        loop {
            let Some(entry) = follower.next_within(STILL_THERE)? else {
                if reader::has_gone() {
                    return Ok(());
                }
                continue;
            };
            let shown = self.look_at(&entry, &mut noted);
            self.damages.tell(std::mem::take(&mut noted));
            if let Some(shown) = shown {
                self.print_all(vec![shown])?;
                self.output.flush()?;
            }
        }
    }

    /// The last of a stream are known at its end.
    fn of_stream(&mut self, stream: &Stream) -> Result<(), Failure> {
        let mut reader = LogReader::new(stream.open()?);
        self.damages.of_stream(stream.name());
        let mut last = std::collections::VecDeque::new();
        let mut noted = Noted::default();
        while let Some(entry) = reader.next_entry()? {
            let shown = self.look_at(&entry, &mut noted);
            self.damages.tell(std::mem::take(&mut noted));
            let Some(shown) = shown else {
                continue;
            };
            if self.options.follow {
                self.print_all(vec![shown])?;
                self.output.flush()?;
                continue;
            }
            last.push_back(shown);
            if last.len() > self.options.lines {
                last.pop_front();
            }
        }
        self.print_all(last.into())
    }

    fn look_at(&mut self, entry: &Entry<'_>, noted: &mut Noted) -> Option<Shown> {
        let Entry::Line(line) = entry else {
            match entry {
                // It may be a line that is being written, and will be seen whole.
                Entry::Damage(damage)
                    if damage.kind() == DamageKind::Unfinished && self.will_follow => {}
                Entry::Damage(damage) => noted.note_damage(damage),
                _ => {}
            }
            return None;
        };
        let call = match Call::of(line) {
            Ok(call) => call?,
            Err(error) => {
                noted.note(line.position(), error.reason);
                return None;
            }
        };
        if !self.options.filter.takes(&call) {
            return None;
        }
        Some(match self.options.format {
            Format::Human => Shown::Row(self.rows.row(&call)),
            Format::Jsonl => Shown::Line(line.bytes().to_owned()),
        })
    }

    fn print_all(&mut self, all: Vec<Shown>) -> Result<(), Failure> {
        let mut rows = Vec::new();
        for shown in all {
            match shown {
                Shown::Row(row) => rows.push(row),
                Shown::Line(mut line) => {
                    line.push(b'\n');
                    if self.output.is_terminal() {
                        self.output.bytes(&text::harmless_json(&line))?;
                    } else {
                        self.output.bytes(&line)?;
                    }
                }
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        let table = match &mut self.table {
            // Columns that widen stay so, and the lines after them are even again.
            Some(table) => {
                table.widen(&rows);
                table
            }
            None => self.table.insert(Table::new(&self.output, &rows)),
        };
        rows.iter()
            .try_for_each(|row| table.row(row, &mut self.output))
    }
}

/// The log; `None` when there is no more to say than that it isn't there yet.
fn find(options: &TailOptions) -> Result<Option<LogFiles>, Failure> {
    compressed::refuse(&options.path)?;
    let mut is_waiting = false;
    loop {
        match LogFiles::find(&[&options.path]) {
            Err(audit_jsonl::ReadError::NotFound { .. }) if options.follow => {
                if !is_waiting {
                    is_waiting = true;
                    crate::output::tell(format_args!(
                        "{}: not there yet; waiting for it",
                        options.path.display()
                    ));
                }
                if reader::has_gone() {
                    return Ok(None);
                }
                // Nobody tells when somebody makes it.
                std::thread::sleep(Duration::from_millis(100));
            }
            Err(error) => return Err(error.into()),
            Ok(mut logs) if logs.len() == 1 => return Ok(logs.pop()),
            Ok(logs) => {
                return Err(Failure::could_not(format!(
                    "{}: there are {} logs in this directory; give the path of one",
                    options.path.display(),
                    logs.len()
                )));
            }
        }
    }
}
