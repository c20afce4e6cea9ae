//! What a row says of a call.

use anstyle::Style;

use crate::calls::moment::{Clock, Moment};
use crate::calls::outcome::{Kind, Sort};
use crate::calls::{Call, Detail};
use crate::output::{self, BAD, CAREFUL, GOOD};

/// A call, as it is shown. The texts are as they stand in the log.
#[derive(Debug)]
pub(crate) struct Row {
    kind: Kind,
    cells: [String; super::COLUMNS],
}

/// Makes rows.
#[derive(Debug)]
pub(crate) struct Rows {
    clock: Clock,
    speaks_unicode: bool,
    /// No cell has more characters: more could not be shown.
    most: usize,
}

impl Rows {
    /// For a terminal of so many columns, or for rows of any length.
    pub(crate) fn new(width: Option<usize>) -> Self {
        Self {
            clock: Clock::new(),
            speaks_unicode: output::speaks_unicode(),
            // Not all characters are visible.
            most: width.map_or(usize::MAX, |width| width * 4 + 256),
        }
    }

    pub(crate) fn row(&mut self, call: &Call<'_>) -> Row {
        let kind = call.outcome();
        let ts = call.ts();
        let time = match Moment::of_record(&ts) {
            Some(moment) => self.clock.show(moment),
            None => self.cut(&ts),
        };
        let caller = call.caller();
        Row {
            kind,
            cells: [
                time,
                self.outcome(kind),
                self.cut(&call.tool()),
                match caller {
                    None => "-".to_owned(),
                    // As nobody knew, it isn't.
                    Some(caller) if caller.is_empty() => "\"\"".to_owned(),
                    Some(caller) => self.cut(&caller),
                },
                took(call.duration_ms()),
                self.cut(&detail(call)),
                self.cut(&call.call_id()),
            ],
        }
    }

    fn outcome(&self, kind: Kind) -> String {
        let sign = match (kind.sort(), self.speaks_unicode) {
            (Sort::Good, true) => '✓',
            (Sort::Good, false) => '+',
            (Sort::Failed, true) => '✗',
            (Sort::Failed, false) => 'x',
            (Sort::Denied, _) => '!',
            (Sort::Limited, _) => '~',
            (Sort::Other, _) => '?',
        };
        format!("{sign} {}", kind.word())
    }

    fn cut(&self, text: &str) -> String {
        match text.char_indices().nth(self.most) {
            Some((at, _)) => text[..at].to_owned(),
            None => text.to_owned(),
        }
    }
}

impl Row {
    pub(super) fn cell(&self, column: usize) -> &str {
        &self.cells[column]
    }

    pub(super) fn style(&self) -> Style {
        match self.kind.sort() {
            Sort::Good => GOOD,
            Sort::Failed => BAD,
            Sort::Denied | Sort::Limited => CAREFUL,
            Sort::Other => Style::new().bold(),
        }
    }
}

fn detail(call: &Call<'_>) -> String {
    let mut detail = match call.detail() {
        Detail::None => match call.outcome() {
            Kind::Unknown => call.kind().into_owned(),
            _ => String::new(),
        },
        Detail::Failed { code, retryable } if retryable => format!("{code} (retryable)"),
        Detail::Failed { code, .. } => code.into_owned(),
        Detail::Invalid { message } => message.into_owned(),
        Detail::Denied { missing } if missing.is_empty() => String::new(),
        Detail::Denied { missing } => format!("lacks {}", missing.join(", ")),
        Detail::Limited { retry_after_ms } => match retry_after_ms {
            Some(ms) => format!("again in {}", took(ms)),
            None => String::new(),
        },
    };
    if call.dry_run() {
        let before = if detail.is_empty() { "" } else { "; " };
        detail.push_str(before);
        detail.push_str("dry run");
    }
    detail
}

/// A duration in a few characters: `12ms`, `1.24s`, `2m03s`, `5h07m`, `3d04h`.
pub(crate) fn took(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms}ms"),
        1_000..10_000 => format!("{}.{:02}s", ms / 1_000, ms % 1_000 / 10),
        10_000..60_000 => format!("{}.{}s", ms / 1_000, ms % 1_000 / 100),
        60_000..3_600_000 => format!("{}m{:02}s", ms / 60_000, ms % 60_000 / 1_000),
        3_600_000..86_400_000 => format!("{}h{:02}m", ms / 3_600_000, ms % 3_600_000 / 60_000),
        _ => format!("{}d{:02}h", ms / 86_400_000, ms % 86_400_000 / 3_600_000),
    }
}

#[cfg(test)]
mod tests {
    use super::took;

    #[test]
    fn durations_are_short() {
        for (ms, text) in [
            (0, "0ms"),
            (999, "999ms"),
            (1_000, "1.00s"),
            (1_249, "1.24s"),
            (59_999, "59.9s"),
            (60_000, "1m00s"),
            (3_599_999, "59m59s"),
            (18_420_000, "5h07m"),
            (86_400_000, "1d00h"),
        ] {
            assert_eq!(took(ms), text);
        }
    }
}
