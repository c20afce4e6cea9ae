use audit_schema::{CallEvent, CapProvenance, Outcome, ProvSource};

/// JSON before it is text: members in order, what is not a string as written.
#[derive(Debug, Clone)]
pub(super) enum Json {
    /// Bytes to be written as they are: a number, a literal, or no JSON at all.
    Bare(Vec<u8>),
    Text(String),
    Array(Vec<Json>),
    Object(Members),
}

pub(super) type Members = Vec<(String, Json)>;

/// In which order members are written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Order {
    /// As the schema has them.
    AsWritten,
    /// By name, as `jq -S` does; it moves `kind` behind some of its members.
    Sorted,
    Shuffled,
}

/// What JSON leaves open between two texts that mean the same.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub(super) order: Order,
    pub(super) blanks: bool,
    pub(super) escapes: bool,
}

/// What `serde_json` writes.
pub(super) const PLAIN: Style = Style {
    order: Order::AsWritten,
    blanks: false,
    escapes: false,
};

/// Numbers to decide by: splitmix64, so that a value is a matter of its seed.
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Json {
    pub(super) fn bare(text: impl ToString) -> Self {
        Self::Bare(text.to_string().into_bytes())
    }

    /// The text of it, in that style.
    pub(super) fn render(&self, style: Style, dice: &mut Dice) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(style, dice, &mut out);
        out
    }

    fn write(&self, style: Style, dice: &mut Dice, out: &mut Vec<u8>) {
        match self {
            Self::Bare(bytes) => out.extend_from_slice(bytes),
            Self::Text(text) => write_text(text, style, dice, out),
            Self::Array(items) => {
                out.push(b'[');
                for (place, item) in items.iter().enumerate() {
                    separate(place, style, dice, out);
                    item.write(style, dice, out);
                }
                blanks(style, dice, out);
                out.push(b']');
            }
            Self::Object(members) => {
                let mut members: Vec<&(String, Self)> = members.iter().collect();
                match style.order {
                    Order::AsWritten => {}
                    Order::Sorted => members.sort_by(|(one, _), (other, _)| one.cmp(other)),
                    Order::Shuffled => dice.shuffle(&mut members),
                }
                out.push(b'{');
                for (place, (name, value)) in members.into_iter().enumerate() {
                    separate(place, style, dice, out);
                    write_text(name, style, dice, out);
                    blanks(style, dice, out);
                    out.push(b':');
                    blanks(style, dice, out);
                    value.write(style, dice, out);
                }
                blanks(style, dice, out);
                out.push(b'}');
            }
        }
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl<T> FromIterator<T> for Json
where
    Self: From<T>,
{
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self::Array(items.into_iter().map(Self::from).collect())
    }
}

impl From<&CallEvent> for Json {
    fn from(event: &CallEvent) -> Self {
        let granted = event.granted_capabilities.iter().map(String::as_str);
        let mut members = vec![
            ("ts", Self::from(event.ts.as_str())),
            ("call_id", Self::from(event.call_id.as_str())),
            ("tool_id", Self::from(event.tool_id.as_str())),
        ];
        if let Some(caller_id) = &event.caller_id {
            members.push(("caller_id", Self::from(caller_id.as_str())));
        }
        members.extend([
            ("granted_capabilities", granted.collect()),
            ("duration_ms", Self::bare(event.duration_ms)),
            ("outcome", Self::from(&event.outcome)),
            ("tier", Self::from(event.tier.as_str())),
            ("dry_run", Self::bare(event.dry_run)),
            ("schema_version", Self::bare(event.schema_version)),
            ("secrets_resolved", Self::bare(event.secrets_resolved)),
        ]);
        if let Some(page) = event.cursor_page {
            members.push(("cursor_page", Self::bare(page)));
        }
        if let Some(provenance) = &event.capability_provenance {
            members.push(("capability_provenance", provenance.iter().collect()));
        }
        object(members)
    }
}

impl From<&CapProvenance> for Json {
    fn from(entry: &CapProvenance) -> Self {
        object(vec![
            ("cap", Self::from(entry.cap.as_str())),
            ("source", Self::from(&entry.source)),
        ])
    }
}

impl From<&Outcome> for Json {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Success => kinded("success", vec![]),
            Outcome::ExecutionFailed { code, retryable } => kinded(
                "execution_failed",
                vec![
                    ("code", Self::from(code.as_str())),
                    ("retryable", Self::bare(retryable)),
                ],
            ),
            Outcome::InvalidArgs { message } => kinded(
                "invalid_args",
                vec![("message", Self::from(message.as_str()))],
            ),
            Outcome::CapabilityDenied { missing } => {
                let missing = missing.iter().map(String::as_str).collect();
                kinded("capability_denied", vec![("missing", missing)])
            }
            Outcome::RateLimited { retry_after_ms } => {
                let after = retry_after_ms.map_or(Self::bare("null"), Self::bare);
                kinded("rate_limited", vec![("retry_after_ms", after)])
            }
            Outcome::ToolNotFound => kinded("tool_not_found", vec![]),
            Outcome::Unknown { kind } => kinded(kind, vec![]),
            other => unreachable!("the strategies make no {other:?}"),
        }
    }
}

impl From<&ProvSource> for Json {
    fn from(source: &ProvSource) -> Self {
        match source {
            ProvSource::StringAllowList => kinded("string_allow_list", vec![]),
            ProvSource::UcanChain {
                issuer_did,
                chain_depth,
            } => kinded(
                "ucan_chain",
                vec![
                    ("issuer_did", Self::from(issuer_did.as_str())),
                    ("chain_depth", Self::bare(chain_depth)),
                ],
            ),
            ProvSource::Unknown { kind } => kinded(kind, vec![]),
            other => unreachable!("the strategies make no {other:?}"),
        }
    }
}

fn kinded(kind: &str, mut rest: Vec<(&str, Json)>) -> Json {
    rest.insert(0, ("kind", Json::from(kind)));
    object(rest)
}

fn object(members: Vec<(&str, Json)>) -> Json {
    Json::Object(
        members
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

fn separate(place: usize, style: Style, dice: &mut Dice, out: &mut Vec<u8>) {
    if place > 0 {
        blanks(style, dice, out);
        out.push(b',');
    }
    blanks(style, dice, out);
}

/// Blanks and tabs alone: an LF would end the line.
fn blanks(style: Style, dice: &mut Dice, out: &mut Vec<u8>) {
    while style.blanks && dice.one_in(3) {
        out.push(if dice.one_in(2) { b' ' } else { b'\t' });
    }
}

fn write_text(text: &str, style: Style, dice: &mut Dice, out: &mut Vec<u8>) {
    out.push(b'"');
    for c in text.chars() {
        let short = match c {
            '"' | '\\' | '/' => Some(c),
            '\u{8}' => Some('b'),
            '\u{c}' => Some('f'),
            '\n' => Some('n'),
            '\r' => Some('r'),
            '\t' => Some('t'),
            _ => None,
        };
        let must = c < ' ' || c == '"' || c == '\\';
        let may = style.escapes && dice.one_in(3);
        match short {
            _ if !must && !may => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Some(short) if !style.escapes || dice.one_in(2) => {
                out.extend_from_slice(&[b'\\', short as u8]);
            }
            _ => {
                // An astral character becomes a surrogate pair.
                let upper = style.escapes && dice.one_in(2);
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let escape = match upper {
                        true => format!("\\u{unit:04X}"),
                        false => format!("\\u{unit:04x}"),
                    };
                    out.extend_from_slice(escape.as_bytes());
                }
            }
        }
    }
    out.push(b'"');
}

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 0 up to, not including, `sides`, which is not 0.
    pub(super) fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % sides as u64) as usize
    }

    pub(super) fn one_in(&mut self, sides: usize) -> bool {
        self.below(sides) == 0
    }

    /// One of them; there is at least one.
    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}
