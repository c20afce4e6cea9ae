use crate::support::run;

/// The verbs that the help lists.
pub(crate) fn verbs() -> Vec<String> {
    let (_, help) = run(&["--help"]).quiet();
    let commands = help.split("Commands:\n").nth(1).unwrap();
    let commands = commands.lines().take_while(|line| !line.is_empty());
    let verbs = commands.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let verbs = verbs.filter_map(|line| line.split_whitespace().next());
    verbs
        .filter(|verb| *verb != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn help_has_examples_and_exit_codes() {
    let verbs = verbs();
    assert!(verbs.contains(&"verify".into()), "{verbs:?}");
    for verb in verbs {
        for args in [[verb.as_str(), "--help"], ["help", verb.as_str()]] {
            let (code, help) = run(&args).quiet();
            assert_eq!(code, 0);
            assert!(help.contains("Examples:\n  "), "{verb}:\n{help}");
            assert!(help.contains("Exit code:"), "{verb}:\n{help}");
        }
    }
    let (code, help) = run(&["--help"]).quiet();
    assert!(
        code == 0 && help.contains("Exit code: 0 fine; 1 "),
        "{help}"
    );
}

#[test]
fn what_makes_no_sense_ends_with_2() {
    for args in [
        &[][..],
        &["veryfy"],
        &["verify"],
        &["record"],
        &["--color", "red", "schema"],
    ] {
        let ran = run(args);
        assert_eq!((ran.code, &*ran.out), (Some(2), ""), "{args:?}");
        assert!(!ran.err.is_empty());
    }
    assert!(run(&["veryfy"]).err.contains("'verify'"));
}

#[test]
fn it_says_its_version() {
    let version = format!("audit {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(run(&["--version"]).quiet(), (0, version));
}
