//! Rules, and an event to which they are applied.

use std::borrow::Cow;
use std::ops::Range;

use audit_schema::{CallEvent, CapProvenance, Outcome, ProvSource};
use regex::{Captures, Regex, RegexSet};

use super::Action;

#[derive(Debug, Default)]
pub(super) struct Rules {
    pub(super) caller_id: Option<Action>,
    pub(super) message: Option<Action>,
    pub(super) code: Option<Action>,
    pub(super) issuer: Option<Action>,
    looks: Vec<Look>,
    /// All of them at once, to see in one pass that nothing is there.
    any: Option<RegexSet>,
}

/// What a value looks like, and what becomes of it.
#[derive(Debug)]
struct Look {
    name: String,
    regex: Regex,
    /// The groups that hold the secret, each in another case; none if all of a match
    /// is secret.
    secret: Vec<usize>,
    action: Action,
}

impl Rules {
    pub(super) fn add(
        &mut self,
        name: impl Into<String>,
        regex: Regex,
        secret: Vec<usize>,
        action: Action,
    ) {
        self.looks.push(Look {
            name: name.into(),
            regex,
            secret,
            action,
        });
        let all = self.looks.iter().map(|look| look.regex.as_str());
        // A set that is too large is looked for one by one.
        self.any = RegexSet::new(all).ok();
    }

    /// The event, or what is left of it.
    pub(super) fn apply<'e>(&self, event: &'e CallEvent) -> Cow<'e, CallEvent> {
        let mut edited = Cow::Borrowed(event);
        if let Some(new) = self.look(&event.tool_id) {
            edited.to_mut().tool_id = new;
        }
        if let Some(caller_id) = &event.caller_id {
            match &self.caller_id {
                Some(Action::Drop) => edited.to_mut().caller_id = None,
                rule => {
                    if let Some(new) = self.field(rule.as_ref(), caller_id) {
                        edited.to_mut().caller_id = Some(new);
                    }
                }
            }
        }
        if let Some(new) = self.list(&event.granted_capabilities) {
            edited.to_mut().granted_capabilities = new;
        }
        if let Some(new) = self.outcome(&event.outcome) {
            edited.to_mut().outcome = new;
        }
        if let Some(sources) = &event.capability_provenance
            && let Some(new) = self.provenance(sources)
        {
            edited.to_mut().capability_provenance = Some(new);
        }
        edited
    }

    fn outcome(&self, outcome: &Outcome) -> Option<Outcome> {
        match outcome {
            Outcome::ExecutionFailed { code, retryable } => {
                let code = self.field(self.code.as_ref(), code)?;
                let retryable = *retryable;
                Some(Outcome::ExecutionFailed { code, retryable })
            }
            Outcome::InvalidArgs { message } => {
                let message = self.field(self.message.as_ref(), message)?;
                Some(Outcome::InvalidArgs { message })
            }
            Outcome::CapabilityDenied { missing } => {
                let missing = self.list(missing)?;
                Some(Outcome::CapabilityDenied { missing })
            }
            Outcome::Unknown { kind } => {
                let kind = self.look(kind)?;
                Some(Outcome::Unknown { kind })
            }
            _ => None,
        }
    }

    fn provenance(&self, sources: &[CapProvenance]) -> Option<Vec<CapProvenance>> {
        let mut edited = Cow::Borrowed(sources);
        for (at, from) in sources.iter().enumerate() {
            if let Some(cap) = self.look(&from.cap) {
                edited.to_mut()[at].cap = cap;
            }
            let source = match &from.source {
                ProvSource::UcanChain {
                    issuer_did,
                    chain_depth,
                } => {
                    let new = self.field(self.issuer.as_ref(), issuer_did);
                    let chain_depth = *chain_depth;
                    new.map(|issuer_did| ProvSource::UcanChain {
                        issuer_did,
                        chain_depth,
                    })
                }
                ProvSource::Unknown { kind } => {
                    self.look(kind).map(|kind| ProvSource::Unknown { kind })
                }
                _ => None,
            };
            if let Some(source) = source {
                edited.to_mut()[at].source = source;
            }
        }
        owned(edited)
    }

    fn list(&self, list: &[String]) -> Option<Vec<String>> {
        let mut edited = Cow::Borrowed(list);
        for (at, text) in list.iter().enumerate() {
            if let Some(new) = self.look(text) {
                edited.to_mut()[at] = new;
            }
        }
        owned(edited)
    }

    /// What stands in a field instead, by its own rule or else by the patterns.
    fn field(&self, rule: Option<&Action>, text: &str) -> Option<String> {
        match rule {
            None => self.look(text),
            Some(Action::Drop) => Some(String::new()),
            Some(Action::Mask) => Some("[redacted]".into()),
            Some(Action::Hash(key)) => Some(key.hash(text)),
        }
    }

    /// The text with all that is found in it replaced.
    fn look(&self, text: &str) -> Option<String> {
        if self.looks.is_empty() || self.any.as_ref().is_some_and(|any| !any.is_match(text)) {
            return None;
        }
        let mut found: Vec<(Range<usize>, &Look)> = Vec::new();
        for look in &self.looks {
            // A group that takes part with nothing in it hides nothing.
            let secrets = look.secrets(text).into_iter().filter(|at| !at.is_empty());
            found.extend(secrets.map(|at| (at, look)));
        }
        // All at once, so that nothing is found in what was just put there.
        found.sort_by_key(|(range, _)| (range.start, usize::MAX - range.end));
        let mut new = String::with_capacity(text.len());
        let mut done = 0;
        let mut found = found.into_iter().peekable();
        while let Some((mut range, look)) = found.next() {
            while let Some((next, _)) = found.next_if(|(next, _)| next.start < range.end) {
                range.end = range.end.max(next.end);
            }
            new.push_str(&text[done..range.start]);
            done = range.end;
            match &look.action {
                Action::Drop => {}
                Action::Mask => {
                    new.push_str("[redacted:");
                    new.push_str(&look.name);
                    new.push(']');
                }
                Action::Hash(key) => new.push_str(&key.hash(&text[range])),
            }
        }
        new.push_str(&text[done..]);
        (done > 0).then_some(new)
    }
}

impl Look {
    fn secrets(&self, text: &str) -> Vec<Range<usize>> {
        if self.secret.is_empty() {
            return self.regex.find_iter(text).map(|at| at.range()).collect();
        }
        let secret = |captures: Captures<'_>| {
            let mut groups = self.secret.iter().chain(&[0]);
            groups.find_map(|&group| captures.get(group).map(|at| at.range()))
        };
        self.regex.captures_iter(text).filter_map(secret).collect()
    }
}

fn owned<T: Clone>(list: Cow<'_, [T]>) -> Option<Vec<T>> {
    match list {
        Cow::Borrowed(_) => None,
        Cow::Owned(list) => Some(list),
    }
}
