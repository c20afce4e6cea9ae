use std::fmt;

use proptest::prelude::*;
use proptest::sample::select;

use super::json::{Dice, Json, Members, PLAIN};
use super::wire::{Form, form};
use super::{call_event, nasty_string};

/// Text that stands in every string of a [`BrokenLine`], and nowhere in a
/// message that quotes no contents.
pub const CONTENTS: &str = "hunter2";

/// A line that is no record, from [`broken_wire_line`].
#[derive(Clone)]
#[non_exhaustive]
pub struct BrokenLine {
    /// The line, without an LF; not always UTF-8.
    pub line: Vec<u8>,
    /// What is wrong with it.
    pub what: &'static str,
}

/// Shows the line as ASCII with escapes.
impl fmt::Debug for BrokenLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.line.escape_ascii())
    }
}

/// Lines that are no record, each for one reason, in any of the forms of
/// [`wire_line`](super::wire_line). A reader must refuse them without a panic,
/// and without quoting them: each string in them holds [`CONTENTS`].
///
/// They are:
/// - cut off at any byte, empty, or followed by more bytes (a NUL among them, as a
///   crash leaves them);
/// - without a required member, or with a known one twice, at any level;
/// - with a member of the wrong type, at times one that is nested very deeply;
/// - with a number that is negative, fractional, too large by one, or no number of
///   JSON's;
/// - with a string that is no string of JSON's: a raw control character, an
///   escape that JSON lacks, a lone surrogate, bytes that are not UTF-8;
/// - not an object: the same values in an array, a string, `null`.
pub fn broken_wire_line() -> BoxedStrategy<BrokenLine> {
    broken(select(vec![
        Break::Cut,
        Break::More,
        Break::Missing,
        Break::Twice,
        Break::Type,
        Break::Number,
        Break::NoObject,
        Break::Control,
        Break::Escape,
        Break::Surrogate,
        Break::Utf8,
    ]))
}

/// Lines in which a string has an escape for half of a surrogate pair, as `"\ud800"`:
/// JSON's grammar has it, UTF-8 can't hold it.
///
/// Favours either half alone, two of one kind, the two the wrong way round, the
/// half at the very end, before a plain character and before another escape.
pub fn lone_surrogate_line() -> BoxedStrategy<BrokenLine> {
    broken(Just(Break::Surrogate))
}

#[derive(Debug, Clone, Copy)]
enum Break {
    Cut,
    More,
    Missing,
    Twice,
    Type,
    Number,
    NoObject,
    Control,
    Escape,
    Surrogate,
    Utf8,
}

fn broken(what: impl Strategy<Value = Break> + 'static) -> BoxedStrategy<BrokenLine> {
    (what, call_event(), form(), nasty_string())
        .prop_map(|(what, event, form, text)| {
            let form = form.with_all_members();
            let mut json = Json::from(&event);
            mark(&mut json);
            what.make(json, &form, &text)
        })
        .boxed()
}

impl Break {
    fn make(self, mut json: Json, form: &Form, text: &str) -> BrokenLine {
        let dice = &mut form.dice();
        let what = match self {
            Self::Cut | Self::More => {
                let mut line = form.apply(&mut json);
                let what = match self {
                    Self::Cut => cut(&mut line, dice),
                    _ => more(&mut line, dice),
                };
                return BrokenLine { line, what };
            }
            Self::NoObject => return no_object(json, dice),
            Self::Missing => {
                let members = pick_object(&mut json, dice);
                members.remove(pick_member(members, dice, |name| !OPTIONAL.contains(&name)));
                "a member is missing"
            }
            Self::Twice => {
                let members = pick_object(&mut json, dice);
                let again = dice.pick(members).clone();
                members.push(again);
                "a member stands twice"
            }
            Self::Type => {
                let members = pick_object(&mut json, dice);
                let at = dice.below(members.len());
                let (name, value) = &mut members[at];
                *value = wrong_type(name, dice);
                "a member has the wrong type"
            }
            Self::Number => {
                let Json::Object(members) = &mut json else {
                    unreachable!("an event is an object")
                };
                // Those of the event itself: they are always there.
                let at = pick_member(members, dice, |name| {
                    ["duration_ms", "schema_version", "cursor_page"].contains(&name)
                });
                members[at].1 = wrong_number(&members[at].0, dice);
                "a number is out of range, or none"
            }
            Self::Control | Self::Escape | Self::Surrogate | Self::Utf8 => {
                let members = pick_object(&mut json, dice);
                let at = pick_member(members, dice, |name| STRINGS.contains(&name));
                members[at].1 = self.string(text, dice);
                "a string is none of JSON's"
            }
        };
        BrokenLine {
            line: form.apply(&mut json),
            what,
        }
    }

    /// A string with something in it that JSON doesn't have in strings.
    fn string(self, text: &str, dice: &mut Dice) -> Json {
        let bad: Vec<u8> = match self {
            Self::Control => vec![*dice.pick(CONTROLS)],
            Self::Escape => dice.pick(ESCAPES).as_bytes().to_vec(),
            Self::Surrogate => dice.pick(SURROGATES).as_bytes().to_vec(),
            _ => dice.pick(NOT_UTF8).to_vec(),
        };
        // Without its quotes the text is one to stand before the bad part.
        let mut string = Json::from(text).render(PLAIN, dice);
        string.pop();
        string.extend_from_slice(CONTENTS.as_bytes());
        string.extend_from_slice(&bad);
        if dice.one_in(2) {
            string.extend_from_slice(CONTENTS.as_bytes());
        }
        string.push(b'"');
        Json::Bare(string)
    }
}

const OPTIONAL: &[&str] = &[
    "caller_id",
    "secrets_resolved",
    "cursor_page",
    "capability_provenance",
];

/// Each object has one of them, `kind` at least.
const STRINGS: &[&str] = &[
    "ts",
    "call_id",
    "tool_id",
    "caller_id",
    "tier",
    "cap",
    "kind",
    "code",
    "message",
    "issuer_did",
];

/// All but LF, for this is one line.
const CONTROLS: &[u8] = b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\t\x0b\x0c\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f";

const ESCAPES: &[&str] = &[
    r"\x41", r"\0", r"\'", r"\a", r"\U0041", r"\u12", r"\u12g4", r"\u", r"\u{41}", "\\\u{e9}",
];

const SURROGATES: &[&str] = &[
    r"\ud800",
    r"\uDBFF",
    r"\udc00",
    r"\uDFFF",
    r"\ud800\ud800",
    r"\udc00\ud800",
    r"\ud83e\\udd80",
    r"\ud83e\u0041",
    r"\ud83e\n",
    r"\ud83e ",
];

const NOT_UTF8: &[&[u8]] = &[
    b"\xff",
    b"\xfe\xff",
    b"\x80",
    b"\xc3",
    b"\xc3\x28",
    b"\xe2\x80",
    b"\xf0\x9f\xa6",
    // Longer than need be, a surrogate, beyond the last character.
    b"\xc0\x80",
    b"\xc1\xbf",
    b"\xe0\x80\xaf",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xf5\x80\x80\x80",
];

fn cut(line: &mut Vec<u8>, dice: &mut Dice) -> &'static str {
    // The last byte is the closing brace: any cut takes it.
    line.truncate(dice.below(line.len()));
    "cut off"
}

fn more(line: &mut Vec<u8>, dice: &mut Dice) -> &'static str {
    let again = line.clone();
    match dice.below(7) {
        0 => line.extend_from_slice(b"}"),
        1 => line.extend_from_slice(b","),
        2 => line.extend_from_slice(b" null"),
        3 => line.extend_from_slice(&again),
        4 => line.extend_from_slice(&vec![0; 1 + dice.below(512)]),
        5 => line.insert(0, 0),
        _ => {
            line.truncate(line.len() - 1);
            line.extend_from_slice(b",}");
        }
    }
    "bytes that don't belong"
}

fn no_object(event: Json, dice: &mut Dice) -> BrokenLine {
    let line = match (dice.below(7), event) {
        (0, _) => b"null".to_vec(),
        (1, _) => b"3".to_vec(),
        (2, _) => format!("\"{CONTENTS}\"").into_bytes(),
        (3, _) => vec![0; 1 + dice.below(4096)],
        (4, _) => CONTENTS.as_bytes().to_vec(),
        (5, event) => Json::Array(vec![event]).render(PLAIN, dice),
        // Serde's derive would read this one.
        (_, Json::Object(members)) => {
            Json::Array(members.into_iter().map(|(_, value)| value).collect()).render(PLAIN, dice)
        }
        (_, other) => other.render(PLAIN, dice),
    };
    BrokenLine {
        line,
        what: "not an object",
    }
}

fn wrong_type(member: &str, dice: &mut Dice) -> Json {
    let text = format!("\"{CONTENTS}\"");
    let texts = format!("[\"{CONTENTS}\"]");
    let depth = 20_000;
    let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let (text, texts, deep) = (text.as_str(), texts.as_str(), deep.as_str());
    let mut wrong: Vec<&str> = match member {
        "granted_capabilities" | "missing" => vec![
            "true",
            "1",
            text,
            "{}",
            deep,
            "[1]",
            "[null]",
            "[\"\",null]",
            "[[]]",
            "[{}]",
        ],
        "duration_ms" | "schema_version" | "cursor_page" | "retry_after_ms" | "chain_depth" => {
            vec!["true", text, "\"1\"", "\"\"", "[]", "[1]", "{}", deep]
        }
        "dry_run" | "retryable" | "secrets_resolved" => {
            vec!["0", "1", text, "\"true\"", "\"\"", "[]", "{}", deep]
        }
        "outcome" | "source" => vec!["true", "1", text, "\"success\"", texts, "[]", "{}", deep],
        "capability_provenance" => vec!["true", "1", text, texts, "[[]]", "[null]", "{}", deep],
        // The rest are strings.
        _ => vec!["true", "1", "[]", texts, "{}", deep],
    };
    if ![
        "caller_id",
        "cursor_page",
        "capability_provenance",
        "retry_after_ms",
    ]
    .contains(&member)
    {
        wrong.push("null");
    }
    Json::bare(dice.pick(&wrong))
}

fn wrong_number(member: &str, dice: &mut Dice) -> Json {
    let too_large = match member {
        "duration_ms" => "18446744073709551616",
        _ => "4294967296",
    };
    Json::bare(dice.pick(&[
        too_large, "-1", "1.5", "1e400", "-1e400", "01", "+1", ".5", "1.", "0x1", "1e", "-", "NaN",
        "Infinity",
    ]))
}

/// Adds [`CONTENTS`] to every string that is not a kind.
fn mark(json: &mut Json) {
    match json {
        Json::Bare(_) => {}
        Json::Text(text) => text.push_str(CONTENTS),
        Json::Array(items) => items.iter_mut().for_each(mark),
        Json::Object(members) => members
            .iter_mut()
            .filter(|(name, _)| name != "kind")
            .for_each(|(_, value)| mark(value)),
    }
}

/// One of the objects that the event consists of, itself among them.
fn pick_object<'a>(json: &'a mut Json, dice: &mut Dice) -> &'a mut Members {
    // The way to each object, by places in arrays and objects.
    let mut paths = Vec::new();
    walk(json, &mut Vec::new(), &mut paths);
    let mut at = json;
    for step in dice.pick(&paths) {
        at = match at {
            Json::Array(items) => &mut items[*step],
            Json::Object(members) => &mut members[*step].1,
            Json::Bare(_) | Json::Text(_) => unreachable!("nothing is inside"),
        };
    }
    match at {
        Json::Object(members) => members,
        _ => unreachable!("only ways to objects are kept"),
    }
}

fn walk(json: &Json, path: &mut Vec<usize>, paths: &mut Vec<Vec<usize>>) {
    let inside: Vec<&Json> = match json {
        Json::Bare(_) | Json::Text(_) => return,
        Json::Array(items) => items.iter().collect(),
        Json::Object(members) => {
            paths.push(path.clone());
            members.iter().map(|(_, value)| value).collect()
        }
    };
    for (step, value) in inside.into_iter().enumerate() {
        path.push(step);
        walk(value, path, paths);
        path.pop();
    }
}

/// The place of one of the members whose name fits; there is at least one.
fn pick_member(members: &Members, dice: &mut Dice, fits: impl Fn(&str) -> bool) -> usize {
    let places: Vec<usize> = (0..members.len())
        .filter(|place| fits(&members[*place].0))
        .collect();
    *dice.pick(&places)
}
