use super::{first_difference, generate};
use crate::schema::source::Source;
use crate::tree::Tree;

#[test]
fn differences_are_placed() {
    assert_eq!(first_difference("{\n}\n", "{\n}\n"), None);
    assert_eq!(first_difference("{}\n", "{\n}\n"), Some(1));
    assert_eq!(first_difference("{\n}", "{\n}\n"), Some(3));
}

const HEAD: &str = "pub const SCHEMA_VERSION: u32 = 7;\n";

const RECORD: &str = r#"
/// One call of [`Kind`].
#[derive(Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CallEvent {
    /// When.
    pub ts: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    #[serde(default)]
    pub done: bool,
    #[serde(default)]
    pub first: Option<Kind>,
    pub all: Vec<Kind>,
}
"#;

const KIND: &str = r#"
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    PlainOne,
    /// With a wait.
    Late { after_ms: Option<u64> },
    #[serde(untagged)]
    Unknown { kind: String },
}
impl<'de> Deserialize<'de> for Kind {}
"#;

fn schema(source: &str) -> Result<String, String> {
    let tree = Tree::of(&[("src/event.rs", source)]);
    Source::parse(tree.files.iter())
        .and_then(|source| generate::schema(&source))
        .map(|schema| serde_json::to_string(&schema).unwrap())
        .map_err(|error| format!("{error:#}"))
}

#[test]
fn types_become_a_schema() {
    let expected = [
        r##"{"$schema":"https://json-schema.org/draft/2020-12/schema","##,
        r##""$id":"urn:audit-schema:call-event:7","title":"CallEvent","##,
        r##""description":"One call of `Kind`.","type":"object","properties":{"##,
        r##""ts":{"description":"When.","type":"string"},"##,
        r##""page":{"type":["integer","null"],"minimum":0,"maximum":4294967295},"##,
        r##""done":{"type":"boolean"},"##,
        r##""first":{"anyOf":[{"$ref":"#/$defs/Kind"},{"type":"null"}]},"##,
        r##""all":{"type":"array","items":{"$ref":"#/$defs/Kind"}}},"##,
        r##""required":["ts","all"],"$defs":{"Kind":{"oneOf":["##,
        r##"{"type":"object","properties":{"kind":{"const":"plain_one"}},"required":["kind"]},"##,
        r##"{"description":"With a wait.","type":"object","properties":{"##,
        r##""kind":{"const":"late"},"after_ms":{"type":["integer","null"],"minimum":0,"##,
        r##""maximum":18446744073709551615}},"required":["kind","after_ms"]},"##,
        r##"{"type":"object","properties":{"kind":{"type":"string","##,
        r##""not":{"enum":["plain_one","late"]}}},"required":["kind"]}]}}}"##,
    ];
    let source = format!("{HEAD}{RECORD}{KIND}");
    assert_eq!(schema(&source).unwrap(), expected.concat());
}

#[test]
fn what_reading_by_hand_lets_be_missing_is_marked() {
    let by_hand = RECORD.replace("Serialize, Deserialize", "Serialize");
    let by_hand = format!("{by_hand}impl<'de> Deserialize<'de> for CallEvent {{}}");
    // Nothing but `default` makes a member optional there.
    let by_hand = by_hand.replace("#[serde(default)]\n    pub first", "pub first");
    let schema = schema(&format!("{HEAD}{by_hand}{KIND}")).unwrap();
    assert!(
        schema.contains(r#""required":["ts","first","all"]"#),
        "{schema}"
    );
}

#[test]
fn what_is_not_understood_is_refused_with_its_place() {
    let good = format!("{HEAD}{RECORD}{KIND}");
    for (from, to, named) in [
        ("ts: String", "ts: f64", "src/event.rs:8: the type `f64`"),
        (
            "ts: String",
            "ts: &'static str",
            "src/event.rs:8: `CallEvent`: this type",
        ),
        (
            "    /// When.",
            "    #[serde(rename = \"at\")]",
            "src/event.rs:7: `CallEvent`: this attribute of serde's",
        ),
        (
            "    /// When.",
            "    #[cfg(unix)]",
            "src/event.rs:7: `CallEvent`: this attribute",
        ),
        (
            "default, skip_serializing_if",
            "skip_serializing_if",
            "`page` may be left out on writing",
        ),
        (
            "#[serde(default)]\n    pub first",
            "pub first",
            "`first` may be missing on reading",
        ),
        (
            "struct CallEvent {",
            "struct CallEvent<T> {",
            "parameters of a type",
        ),
        (
            "Serialize, Deserialize",
            "Deserialize",
            "derives `Serialize`",
        ),
        (
            "impl<'de> Deserialize<'de> for Kind {}",
            "",
            "`Deserialize` must be derived or written out",
        ),
        ("PlainOne", "PlainOne(u8)", "`Kind`: only named fields"),
        ("snake_case", "lowercase", "rename_all"),
        (
            "Unknown { kind: String }",
            "Unknown { other: String }",
            "untagged variant must be",
        ),
        (
            "Late { after_ms",
            "Late { #[serde(skip_serializing_if = \"x\")] after_ms",
            "`after_ms` may be left out on writing",
        ),
        (
            "/// With a wait.",
            "#[serde(rename_all = \"UPPERCASE\")]",
            "serde's `rename_all` isn't understood here",
        ),
        (
            "#[non_exhaustive]",
            "#[serde(default)]",
            "serde's `default` isn't understood here",
        ),
        (
            "/// With a wait.",
            "#[serde(skip)]",
            "this attribute of serde's",
        ),
        (
            "SCHEMA_VERSION: u32 = 7",
            "SCHEMA_VERSION: u32 = 3 + 4",
            "must be a plain number",
        ),
        ("SCHEMA_VERSION", "VERSION", "no `const SCHEMA_VERSION`"),
        ("struct CallEvent", "struct Event", "no `struct CallEvent`"),
        ("enum Kind", "enum CallEvent", "is defined in"),
        ("pub ts", "pub pub ts", "src/event.rs:8"),
    ] {
        assert!(good.contains(from), "{from}");
        let refused = schema(&good.replacen(from, to, 1)).unwrap_err();
        assert!(refused.contains(named), "{from} -> {to}: {refused}");
    }
}
