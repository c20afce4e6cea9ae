//! The scanner reads what a parser of values reads.

use proptest::prelude::*;
use serde_json::{Map, Value};

use super::*;

const KEYS: [&str; 16] = [
    "id", "method", "params", "result", "error", "name", "isError", "content", "text", "code",
    "message", "tools", "_meta", "task", "taskId", "other",
];

/// Values made of keys that matter, at all depths.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        Just(Value::Null),
        // Escapes, quotation marks, letters of all lengths.
        "[a-z\"\\\\/\n\u{1}é…𝄞\\[{}\\]:, ]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        let key = prop::sample::select(&KEYS[..]).prop_map(String::from);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..6)
                .prop_map(|members| Value::from(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn scanned(bytes: &[u8], piece: usize) -> Vec<Message> {
    let mut scanner = Scanner::new(Marker::default());
    for piece in bytes.chunks(piece) {
        assert!(scanner.line(piece).1.is_none(), "no line ends");
    }
    scanner.end()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(String::from)
}

proptest! {
    #[test]
    fn members_are_those_of_the_value(value in values(), ascii in any::<bool>(), piece in 1_usize..40) {
        let mut line = value.to_string();
        if ascii {
            line = line.replace('é', "\\u00e9").replace('…', "\\u2026");
        }
        let messages = scanned(line.as_bytes(), piece);
        if !value.is_array() {
            prop_assert_eq!(messages.len(), usize::from(value.is_object()));
        }
        if value.is_object() {
            let message = &messages[0];
            prop_assert_eq!(message.method.clone(), text(&value["method"]));
            prop_assert_eq!(message.params.name.clone(), text(&value["params"]["name"]));
            prop_assert_eq!(message.result.is_some(), value.get("result").is_some());
            prop_assert_eq!(message.error.is_some(), value.get("error").is_some());
            let id = value.get("id").map(Value::to_string);
            let raw = message.id.as_ref().and_then(|id| id.raw.clone());
            prop_assert!(ascii || raw == id, "{:?} {:?}", raw, id);
            if let Some(reply) = &message.result {
                let result = &value["result"];
                prop_assert_eq!(reply.is_error, result["isError"] == true);
                prop_assert_eq!(reply.has_content, result.get("content").is_some());
            }
            if let Some(error) = &message.error {
                let error_value = &value["error"];
                prop_assert_eq!(error.code, error_value["code"].as_i64());
                let said = text(&error_value["message"]).unwrap_or_default();
                prop_assert_eq!(&error.message, &said);
            }
        }
    }

    #[test]
    fn what_a_parser_reads_is_a_message(
        value in values(),
        at in any::<prop::sample::Index>(),
        byte in prop::sample::select(&b"\"\\{}[]:,x1 \xff"[..]),
    ) {
        let mut line = value.to_string().into_bytes();
        let at = at.index(line.len());
        line[at] = byte;
        let parsed = serde_json::from_slice::<Value>(&line);
        let messages = scanned(&line, 7);
        if let Ok(Value::Object(_)) = parsed {
            prop_assert_eq!(messages.len(), 1);
        }
        // And it is none if its brackets don't match, whatever else is lenient.
        if let Err(error) = parsed && error.is_eof() {
            prop_assert!(messages.is_empty());
        }
    }
}
