//! Which calls somebody asks for.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;

use crate::calls::Call;
use crate::calls::glob::Glob;
use crate::calls::moment::Moment;
use crate::calls::outcome::Kind;
use crate::exit::Failure;
use crate::output;
use crate::when;

/// The options that choose calls. Each that is given must hold; of several values
/// of one, any.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which calls")]
pub(crate) struct Filter {
    /// Of tools with such a name; more than once for any of several
    #[arg(long, value_name = "GLOB")]
    tool: Vec<Glob>,

    /// Of such a caller; '' for calls whose caller nobody knew
    #[arg(long, value_name = "GLOB")]
    caller: Vec<Glob>,

    /// That ended so
    #[arg(long, value_name = "KIND,…", value_enum, value_delimiter = ',', hide_possible_values = true, long_help = OUTCOMES)]
    outcome: Vec<Kind>,

    /// That ended in any other way than success
    #[arg(long)]
    failed: bool,

    /// That ran with such a capability, or were denied for the lack of it
    #[arg(long, value_name = "GLOB")]
    capability: Vec<Glob>,

    /// With exactly this `call_id`
    #[arg(long, value_name = "ID")]
    call_id: Option<String>,

    /// That began then or later
    #[arg(long, value_name = "TIME", value_parser = when::moment)]
    since: Option<Timestamp>,

    /// That began before then
    #[arg(long, value_name = "TIME", value_parser = when::moment)]
    until: Option<Timestamp>,

    /// That took so long or longer, as 250ms or 2s
    #[arg(long, value_name = "DURATION", value_parser = when::duration)]
    min_duration: Option<Duration>,

    /// How many could not be judged, for their time is none.
    #[arg(skip)]
    untimed: AtomicU64,
}

const OUTCOMES: &str = "\
That ended so: success, execution_failed (or failed), invalid_args (invalid),
capability_denied (denied), rate_limited (limited), tool_not_found (not_found), or
unknown, for what a later version wrote; several with commas between them";

/// How globs and times are written, for the end of a verb's help.
pub(crate) const FORMS: &str = "\
GLOB: * is any characters, ? is one, [a-z] one of a set, {read,write} one of several.
TIME: 2026-11-20T09:30:00Z; 2026-11-20 or 2026-11-20T09:30, in the local time zone
(TZ); 90m, 2h or 3d ago; now, today or yesterday.";

impl Filter {
    /// Whether there is a time at which a call may have begun.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        match (self.since, self.until) {
            (Some(since), Some(until)) if since > until => Err(Failure::could_not(format!(
                "--since {since} is after --until {until}: no call could be found"
            ))),
            _ => Ok(()),
        }
    }

    /// Whether a call is among those asked for.
    pub(crate) fn takes(&self, call: &Call<'_>) -> bool {
        let fits = |globs: &[Glob], name: &str| globs.iter().any(|glob| glob.fits(name));
        let outcome = call.outcome();
        if self.failed && outcome == Kind::Success {
            return false;
        }
        if !self.outcome.is_empty() && !self.outcome.contains(&outcome) {
            return false;
        }
        if let Some(least) = self.min_duration
            && u128::from(call.duration_ms()) * 1_000_000 < least.as_nanos()
        {
            return false;
        }
        if let Some(id) = &self.call_id
            && call.call_id() != *id
        {
            return false;
        }
        if !self.tool.is_empty() && !fits(&self.tool, &call.tool()) {
            return false;
        }
        if !self.caller.is_empty() {
            let is_one = match call.caller() {
                Some(caller) => fits(&self.caller, &caller),
                None => self.caller.iter().any(Glob::names_nobody),
            };
            if !is_one {
                return false;
            }
        }
        if !self.capability.is_empty() && !call.has_capability(|name| fits(&self.capability, name))
        {
            return false;
        }
        self.is_in_time(call)
    }

    fn is_in_time(&self, call: &Call<'_>) -> bool {
        if self.since.is_none() && self.until.is_none() {
            return true;
        }
        let Some(moment) = Moment::of_record(&call.ts()) else {
            self.untimed.fetch_add(1, Relaxed);
            return false;
        };
        self.since.is_none_or(|since| moment >= Moment::of(since))
            && self.until.is_none_or(|until| moment < Moment::of(until))
    }

    /// Tells of calls that might have been meant.
    pub(crate) fn end(&self) {
        let untimed = self.untimed.load(Relaxed);
        if untimed > 0 {
            output::warn(format_args!(
                "{untimed} calls were left out: their `ts` is no time, and --since or --until was given"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use audit_jsonl::{CallEvent, Outcome};
    use clap::{Command, FromArgMatches as _};
    use std::borrow::Cow;

    fn filter(args: &[&str]) -> Filter {
        let command = Filter::augment_args(Command::new("x").no_binary_name(true));
        Filter::from_arg_matches(&command.get_matches_from(args)).unwrap()
    }

    fn call(ts: &str, duration_ms: u64, outcome: Outcome) -> Call<'static> {
        let event = CallEvent::new(ts, "id-1", "files:read", duration_ms, outcome, "hot")
            .with_granted_capabilities(vec!["fs.read".into()]);
        Call::Event(Cow::Owned(event))
    }

    #[test]
    fn all_that_is_given_must_hold() {
        let ts = "2026-11-20T09:30:00.000000Z";
        let denied = || Outcome::CapabilityDenied {
            missing: vec!["fs.write".into()],
        };
        for (args, wanted) in [
            (&[][..], true),
            (&["--tool", "files:*", "--outcome", "denied"], true),
            (&["--tool", "x", "--tool", "*:read"], true),
            (
                &["--tool", "files:*", "--outcome", "success,limited"],
                false,
            ),
            (&["--failed"], true),
            (&["--capability", "fs.write"], true),
            (&["--capability", "fs.read"], true),
            (&["--capability", "net.*"], false),
            (&["--call-id", "id-1"], true),
            (&["--call-id", "id-*"], false),
            (&["--caller", ""], true),
            (&["--caller", "*"], false),
            (&["--caller", "{,ada}"], true),
            (&["--min-duration", "12ms"], true),
            (&["--min-duration", "13ms"], false),
            (&["--min-duration", "12000us"], true),
            (&["--min-duration", "12001us"], false),
            (&["--since", ts], true),
            (&["--until", ts], false),
            (&["--since", "2026-11-20T09:30:00.000001Z"], false),
            (&["--until", "2026-11-20T09:30:00.000001Z"], true),
        ] {
            assert_eq!(
                filter(args).takes(&call(ts, 12, denied())),
                wanted,
                "{args:?}"
            );
        }
        assert!(!filter(&["--failed"]).takes(&call(ts, 0, Outcome::Success)));
    }

    #[test]
    fn calls_without_a_time_are_counted() {
        let filter = filter(&["--since", "2d"]);
        assert!(!filter.takes(&call("noon", 1, Outcome::Success)));
        assert_eq!(filter.untimed.load(Relaxed), 1);
    }
}
