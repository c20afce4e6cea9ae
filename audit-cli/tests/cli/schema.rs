use crate::support::run;

#[test]
fn the_schema_is_that_of_a_record() {
    let (code, out) = run(&["schema"]).quiet();
    let schema: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &schema["type"]), (0, &"object".into()));
    let required = schema["required"].as_array().unwrap();
    assert!(required.contains(&"tool_id".into()), "{required:?}");
}

#[test]
fn it_takes_no_arguments() {
    let ran = run(&["schema", "call"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("unexpected argument"), "{}", ran.err);
}
