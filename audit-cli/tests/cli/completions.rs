use std::process::Command;

use crate::support::{Dir, can, finish, run, usual};

#[test]
fn there_is_a_script_for_each_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let (code, out) = run(&["completions", shell]).quiet();
        assert_eq!(code, 0);
        assert!(out.contains("verify"), "{shell}");
        assert!(!out.contains("__exec"), "{shell}: what is not for people");
    }
    assert_eq!(run(&["completions", "sh"]).code, Some(2));
    assert_eq!(run(&["completions"]).code, Some(2));
}

#[test]
fn bash_completes_verbs_and_options() {
    if !can("bash_completes_verbs_and_options", &["bash"]) {
        return;
    }
    let dir = Dir::new();
    let script = dir.write("audit.bash", run(&["completions", "bash"]).out);
    for (words, wanted) in [
        ("audit ver", "verify"),
        ("audit verify --req", "--require-complete"),
        ("audit record --d", "--durable"),
        ("audit --color al", "always"),
        ("audit verify --color ne", "never"),
    ] {
        let line = format!(
            "set -eu; source '{}'; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _audit audit \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; \
             echo \"${{COMPREPLY[@]}}\"",
            script.display()
        );
        let mut bash = Command::new("bash");
        usual(bash.args(["--norc", "-c", &line]));
        let (code, out) = finish(&mut bash, "").quiet();
        assert_eq!((code, out.trim()), (0, wanted), "{words}");
    }
}

#[test]
fn other_shells_can_read_theirs() {
    let dir = Dir::new();
    for shell in ["zsh", "fish"] {
        if can("other_shells_can_read_theirs", &[shell]) {
            let script = dir.write(shell, run(&["completions", shell]).out);
            let mut command = Command::new(shell);
            let ran = finish(command.arg("-n").arg(script), "");
            assert_eq!(ran.quiet(), (0, String::new()));
        }
    }
}
