//! Many members' states, told as one.

use std::time::Duration;

use crate::{FlushError, Health};

/// What is known of a member of a [`Tee`](crate::Tee).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemberReport {
    /// The name that it was added under.
    pub name: String,
    /// Whether its losses are the tee's.
    pub required: bool,
    /// How many events it has lost, those that it panicked on included.
    pub drops: u64,
    /// How many events it panicked on.
    pub panics: u64,
    /// How many events it was slow to take; see
    /// [`slow_after`](crate::Tee::slow_after).
    pub slow_calls: u64,
    /// How it is.
    pub health: Health,
}

pub(super) fn health(members: &[MemberReport]) -> Health {
    let (mut in_a_row, mut total, mut reasons) = (0, 0, Vec::new());
    for member in members {
        match &member.health {
            Health::Healthy => continue,
            Health::Degraded {
                consecutive_failures,
                total_failures,
                ..
            }
            | Health::Failed {
                consecutive_failures,
                total_failures,
                ..
            } => {
                in_a_row = u64::max(in_a_row, *consecutive_failures);
                total = u64::saturating_add(total, *total_failures);
            }
        }
        reasons.push(format!("{} is {}", member.name, member.health));
    }
    if reasons.is_empty() {
        return Health::Healthy;
    }
    let reason = reasons.join("; ");
    let any_required = members.iter().any(|member| member.required);
    let mut decisive = members
        .iter()
        .filter(|member| member.required == any_required);
    match decisive.all(|member| matches!(member.health, Health::Failed { .. })) {
        true => Health::failed(in_a_row, total, reason),
        false => Health::degraded(in_a_row, total, reason),
    }
}

/// The gravest of several errors, its numbers those of all of that kind: time that
/// ran out, for more may come of it; then losses; then what isn't synced.
pub(super) fn worst(
    errors: impl Iterator<Item = FlushError>,
    timeout: Duration,
) -> Option<FlushError> {
    let (mut late, mut lost, mut unsynced, mut other) = (None, None, None, None);
    let add = |sum: &mut Option<u64>, more: u64| {
        *sum = Some(sum.unwrap_or(0).saturating_add(more));
    };
    for error in errors {
        match error {
            FlushError::Timeout { left, .. } => add(&mut late, left),
            FlushError::Lost { events } => add(&mut lost, events),
            FlushError::Unsynced { events } => add(&mut unsynced, events),
            error @ FlushError::Unusable { .. } => other = other.or(Some(error)),
        }
    }
    None.or(late.map(|left| FlushError::timeout(timeout, left)))
        .or(lost.map(FlushError::lost))
        .or(other)
        .or(unsynced.map(FlushError::unsynced))
}
