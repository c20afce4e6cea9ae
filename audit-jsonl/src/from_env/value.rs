//! The value of a variable, and what it may mean.

use std::ffi::OsString;
use std::time::Duration;

use super::{EnvError, shown};
use crate::Durability;

/// Where values come from.
pub(super) struct Variables<'a>(pub(super) &'a dyn Fn(&str) -> Option<OsString>);

/// A variable that is set.
pub(super) struct Value {
    variable: String,
    pub(super) text: OsString,
}

impl Variables<'_> {
    pub(super) fn get(&self, variable: &str) -> Option<Value> {
        let text = (self.0)(variable)?;
        let variable = variable.to_owned();
        Some(Value { variable, text })
    }
}

const SIZES: [(&str, u64); 4] = [
    ("", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

const TIMES: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

impl Value {
    pub(super) fn wrong(&self, allowed: &'static str) -> EnvError {
        EnvError::Wrong {
            variable: self.variable.clone(),
            value: shown(&self.text),
            allowed,
        }
    }

    pub(super) fn pointless(&self, reason: &'static str) -> EnvError {
        EnvError::Pointless {
            variable: self.variable.clone(),
            value: shown(&self.text),
            reason,
        }
    }

    pub(super) fn number(&self, allowed: &'static str, least: usize) -> Result<usize, EnvError> {
        let number = self
            .of(&[("", 1)])
            .and_then(|number| usize::try_from(number).ok());
        let number = number.filter(|number| *number >= least);
        number.ok_or_else(|| self.wrong(allowed))
    }

    pub(super) fn size(&self, allowed: &'static str) -> Result<u64, EnvError> {
        self.of(&SIZES).ok_or_else(|| self.wrong(allowed))
    }

    pub(super) fn time(&self, allowed: &'static str) -> Result<Duration, EnvError> {
        let milliseconds = self.of(&TIMES);
        let time = milliseconds.map(Duration::from_millis);
        time.ok_or_else(|| self.wrong(allowed))
    }

    pub(super) fn durability(&self) -> Result<Durability, EnvError> {
        match self.text.to_str() {
            Some("written") => Ok(Durability::Written),
            Some("every-batch") => Ok(Durability::EveryBatch),
            _ => {
                let time = self.time("written, every-batch or a time, as 1s");
                time.map(Durability::Interval)
            }
        }
    }

    /// A number in one of these units.
    fn of(&self, units: &[(&str, u64)]) -> Option<u64> {
        let text = self.text.to_str()?;
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
        number.parse::<u64>().ok()?.checked_mul(*factor)
    }
}
