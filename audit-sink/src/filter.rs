use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use audit_schema::{CallEvent, Outcome};

use crate::entrance::{Entrance, FROM_INSIDE};
use crate::glob::Glob;
use crate::held::{Held, Wary};
use crate::{AuditSink, BackpressureStrategy, FlushError, Health};

/// Hands on some events and leaves out the others: those for which every rule holds.
/// Without rules it leaves out none.
///
/// What is left out is counted in [`filtered`](Self::filtered) and is no loss: by
/// clause 4 of the contract it counts as not offered.
/// [`drops`](AuditSink::drops) is what the sink behind it has lost.
///
/// In names `*` stands for any characters and `?` for one; an upper-case letter is
/// another than its lower-case one.
///
/// ```
/// use audit_sink::{AuditSink, Filter, MemorySink, schema::{CallEvent, Outcome}};
///
/// let memory = MemorySink::new();
/// let filter = Filter::new(memory.clone())
///     .without_tools(["health:*"])
///     .successes_one_in(100);
///
/// let denied = Outcome::CapabilityDenied { missing: vec!["fs.write".into()] };
/// for (tool, outcome) in [("health:ping", Outcome::Success), ("files:write", denied)] {
///     filter.on_call(&CallEvent::new("2026-11-20T09:30:00Z", "1", tool, 0, outcome, "hot"));
/// }
/// assert_eq!((memory.count(), filter.filtered()), (1, 1));
/// ```
pub struct Filter<S> {
    entrance: Entrance,
    held: Held<S>,
    rules: Vec<Rule>,
    filtered: AtomicU64,
}

enum Rule {
    Tools(Names),
    Callers(Names),
    Tiers(Names),
    /// Kinds.
    Outcomes {
        listed: Vec<String>,
        keep: bool,
    },
    SuccessesOneIn(u32),
    If(Predicate, Wary),
}

type Predicate = Box<dyn Fn(&CallEvent) -> bool + Send + Sync>;

/// Events with such a name, or those without.
struct Names {
    globs: Vec<Glob>,
    keep: bool,
}

impl<S: AuditSink> Filter<S> {
    /// Hands on every event, until rules are added.
    pub fn new(sink: S) -> Self {
        Self {
            entrance: Entrance::new(),
            held: Held::new(sink),
            rules: Vec::new(),
            filtered: AtomicU64::new(0),
        }
    }

    /// Only calls of tools with such names.
    #[must_use]
    pub fn only_tools(self, globs: impl IntoIterator<Item: Into<String>>) -> Self {
        self.rule(Rule::Tools(Names::new(globs, true)))
    }

    /// No calls of tools with such names.
    #[must_use]
    pub fn without_tools(self, globs: impl IntoIterator<Item: Into<String>>) -> Self {
        self.rule(Rule::Tools(Names::new(globs, false)))
    }

    /// Only calls by callers with such names. One whose caller nobody knew is left
    /// out.
    #[must_use]
    pub fn only_callers(self, globs: impl IntoIterator<Item: Into<String>>) -> Self {
        self.rule(Rule::Callers(Names::new(globs, true)))
    }

    /// No calls by callers with such names.
    #[must_use]
    pub fn without_callers(self, globs: impl IntoIterator<Item: Into<String>>) -> Self {
        self.rule(Rule::Callers(Names::new(globs, false)))
    }

    /// Only calls of such tiers.
    #[must_use]
    pub fn only_tiers(self, globs: impl IntoIterator<Item: Into<String>>) -> Self {
        self.rule(Rule::Tiers(Names::new(globs, true)))
    }

    /// No calls of such tiers.
    #[must_use]
    pub fn without_tiers(self, globs: impl IntoIterator<Item: Into<String>>) -> Self {
        self.rule(Rule::Tiers(Names::new(globs, false)))
    }

    /// Only calls that ended so: [kinds](Outcome::kind) of outcomes, as
    /// `"capability_denied"`.
    #[must_use]
    pub fn only_outcomes(self, kinds: impl IntoIterator<Item: Into<String>>) -> Self {
        let listed = kinds.into_iter().map(Into::into).collect();
        self.rule(Rule::Outcomes { listed, keep: true })
    }

    /// No calls that ended so.
    #[must_use]
    pub fn without_outcomes(self, kinds: impl IntoIterator<Item: Into<String>>) -> Self {
        let listed = kinds.into_iter().map(Into::into).collect();
        self.rule(Rule::Outcomes {
            listed,
            keep: false,
        })
    }

    /// Of the calls that succeeded a sample, one in `n` on average; 0 keeps none of
    /// them, 1 all. Any other call, as one that failed or was denied, is kept.
    ///
    /// The choice is by a hash of the [`call_id`](CallEvent::call_id), so that two
    /// filters with the same `n`, in one process or in two, keep the same calls.
    #[must_use]
    pub fn successes_one_in(self, n: u32) -> Self {
        self.rule(Rule::SuccessesOneIn(n))
    }

    /// Only calls for which `keep` is true. It is called on the caller's thread; a
    /// call on which it panics is kept.
    #[must_use]
    pub fn only_if(self, keep: impl Fn(&CallEvent) -> bool + Send + Sync + 'static) -> Self {
        self.rule(Rule::If(Box::new(keep), Wary::default()))
    }

    fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// How many events were left out.
    #[must_use]
    pub fn filtered(&self) -> u64 {
        self.filtered.load(Ordering::Relaxed)
    }

    /// The sink that events are handed on to.
    #[must_use]
    pub fn sink(&self) -> &S {
        self.held.sink()
    }
}

impl Rule {
    fn keeps(&self, event: &CallEvent) -> bool {
        match self {
            Self::Tools(names) => names.keep(Some(&event.tool_id)),
            Self::Callers(names) => names.keep(event.caller_id.as_deref()),
            Self::Tiers(names) => names.keep(Some(&event.tier)),
            Self::Outcomes { listed, keep } => {
                let kind = event.outcome.kind();
                listed.iter().any(|other| other == kind) == *keep
            }
            Self::SuccessesOneIn(n) => {
                event.outcome != Outcome::Success || is_in_sample(&event.call_id, *n)
            }
            Self::If(keep, wary) => wary.catching(|| keep(event)).unwrap_or(true),
        }
    }
}

impl Names {
    fn new(globs: impl IntoIterator<Item: Into<String>>, keep: bool) -> Self {
        let globs = globs.into_iter().map(Glob::new).collect();
        Self { globs, keep }
    }

    fn keep(&self, name: Option<&str>) -> bool {
        let is_listed = |name: &str| self.globs.iter().any(|glob| glob.matches(name));
        name.is_some_and(is_listed) == self.keep
    }
}

/// The same for ever: what one process keeps, another keeps, too.
fn is_in_sample(call_id: &str, n: u32) -> bool {
    // FNV-1a, and the finalizer of SplitMix64, for FNV spreads its last bytes badly.
    let fnv = call_id
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    let hash = (fnv ^ (fnv >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let hash = hash ^ (hash >> 31);
    n != 0 && hash % u64::from(n) == 0
}

impl<S: AuditSink> AuditSink for Filter<S> {
    fn on_call(&self, event: &CallEvent) {
        let Some(_inside) = self.entrance.enter_with_event() else {
            return;
        };
        if self.rules.iter().all(|rule| rule.keeps(event)) {
            self.held.on_call(event);
        } else {
            self.filtered.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn drops(&self) -> u64 {
        self.held.drops().saturating_add(self.entrance.refused())
    }

    fn backpressure_strategy(&self) -> BackpressureStrategy {
        self.held.backpressure_strategy()
    }

    fn flush(&self, timeout: Duration) -> Result<(), FlushError> {
        match self.entrance.enter() {
            Some(_inside) => self.held.flush(timeout),
            None => Err(FlushError::unusable(FROM_INSIDE)),
        }
    }

    fn health(&self) -> Health {
        self.held.health()
    }
}

impl<S> fmt::Debug for Filter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filter")
            .field("rules", &self.rules.len())
            .field("filtered", &self.filtered)
            .finish_non_exhaustive()
    }
}
