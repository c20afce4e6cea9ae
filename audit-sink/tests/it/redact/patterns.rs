//! What the ready-made patterns find, and what they let be.

use audit_sink::redact::{Action, Pattern};
use audit_sink::{AuditSink, MemorySink, Redact};

use super::{invalid, key, message, redacted};

#[test]
fn patterns_find_what_they_are_for() {
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N";
    let github = format!("ghp_{}", "a1B2".repeat(9));
    for (text, expected) in [
        (
            "GET with Authorization: Bearer abcDEF123-._~+/=x",
            "GET with Authorization: Bearer [redacted:bearer]",
        ),
        (
            "authorization: Basic dXNlcjpwYXNzd29yZA== end",
            "authorization: Basic [redacted:bearer] end",
        ),
        ("-H 'BEARER  0123456789'", "-H 'BEARER  [redacted:bearer]'"),
        (&format!("token {github}!"), "token [redacted:token]!"),
        (
            &format!("{jwt} was refused"),
            "[redacted:token] was refused",
        ),
        ("xoxb-123456789012-abcdef", "[redacted:token]"),
        ("glpat-abcDEF_0123456789xyz", "[redacted:token]"),
        ("AKIAIOSFODNN7EXAMPLE", "[redacted:key]"),
        (
            "key sk-proj-abcdefghijklmnop1234 is wrong",
            "key [redacted:key] is wrong",
        ),
        ("rk_live_0123456789abcdefXY", "[redacted:key]"),
        (
            "{\"api_key\": \"s3cr3t-value\"}",
            "{\"api_key\": \"[redacted:key]\"}",
        ),
        (
            "password=hunter2&user=ada",
            "password=[redacted:key]&user=ada",
        ),
        (
            "DB_PASSWORD_FILE: 'pässwörd'",
            "DB_PASSWORD_FILE: '[redacted:key]'",
        ),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- x",
            "[redacted:key] x",
        ),
        (
            "-----BEGIN PRIVATE KEY-----\nMIIE and no end",
            "[redacted:key]",
        ),
        (
            "Cookie: session=abc; id=1\r\nHost: x",
            "Cookie: [redacted:cookie]\r\nHost: x",
        ),
        ("set-cookie: a=b; HttpOnly", "set-cookie: [redacted:cookie]"),
        (
            "mail ada.lovelace+x@mail.example.org, please",
            "mail [redacted:email], please",
        ),
        (
            "two: a@b.de c@d.fr",
            "two: [redacted:email] [redacted:email]",
        ),
    ] {
        let out = redacted(
            |redact| redact.patterns(Pattern::ALL, Action::Mask),
            &invalid(text),
        );
        assert_eq!(message(&out), expected, "{text}");
    }
}

#[test]
fn patterns_find_it_wherever_it_stands() {
    let github = format!("ghp_{}", "a1B2".repeat(9));
    for (text, secrets) in [
        // Quoted, with what would end it if it were not.
        (
            r#"password: "correct horse, battery""#,
            &["correct", "horse", "battery"][..],
        ),
        (
            r#"{"password":"it\"s hunter22","x":1}"#,
            &["hunter22", "it"],
        ),
        ("secret = 'a)b & c;d'", &["a)b", "& c", ";d"]),
        // JSON in JSON, and once more.
        (r#"{"body":"{\"password\":\"hunter22\"}"}"#, &["hunter22"]),
        (r#"{\\\"api_key\\\": \\\"hunter22\\\"}"#, &["hunter22"]),
        (
            r#""Authorization\": \"Bearer abcdef123456\""#,
            &["abcdef123456"],
        ),
        (
            r#"{"token": "abcdef123456", "id_token":"zyxwvu98"}"#,
            &["abcdef123456", "zyxwvu98"],
        ),
        (
            "GET /x?token=abcdef123456&page=1&sig=Zm9vYmFyCg==",
            &["abcdef123456", "Zm9v"],
        ),
        ("invalid secret: password: hunter22", &["hunter22"]),
        (r#""password" => "hunter22""#, &["hunter22"]),
        ("tool --api-key abcdef123456 --verbose", &["abcdef123456"]),
        ("tool --password 'hunter 22'", &["hunter", "22"]),
        (
            "can't reach postgres://ada:hunt@er22@db:5432/x",
            &["hunt", "er22"],
        ),
        ("redis://:hunter22@cache", &["hunter22"]),
        // Schemes that aren't Bearer.
        ("Authorization: Negotiate YIIJvwYGKwYBBQUC", &["YIIJvw"]),
        ("Authorization: SSWS 00QCjAl4MlV", &["00QCjAl4MlV"]),
        (
            r#"authorization: Digest username="ada", response="6629fae4""#,
            &["ada", "6629fae4"],
        ),
        (
            "Authorization: AWS4-HMAC-SHA256 Credential=AKx/20, Signature=fe5f80f77d5fa",
            &["AKx/20", "fe5f80"],
        ),
        (
            "HTTP_AUTHORIZATION=Bearer%20abcdef123456",
            &["abcdef123456"],
        ),
        ("url?auth=Bearer+abcdef123456", &["abcdef123456"]),
        // Cookies may be quoted, and hold apostrophes.
        (
            r#"Cookie: theme="dark x"; session=abc123"#,
            &["dark", "abc123"],
        ),
        ("Cookie: a=it's; session=abc123", &["it's", "abc123"]),
        (
            r#"{'Cookie': "a=it's; session=abc123"}"#,
            &["it's", "abc123"],
        ),
        ("HTTP_COOKIE=session=abc123", &["abc123"]),
        // Glued to what stands before.
        (&format!("key_{github}"), &["a1B2"]),
        (
            "eyJhbGciOiJkaXIifQ..48V1_ALb6US04U3b.5eym8TW_c8SuK0lt.XFBoMYUZodetZdvT",
            &["eyJ", "48V1", "5eym", "XFBo"],
        ),
        (
            "-----BEGIN PGP PRIVATE KEY BLOCK-----\nlQdG\n-----END PGP PRIVATE KEY BLOCK----- x",
            &["lQdG", "BLOCK"],
        ),
        ("/users?mail=ada%40example.org", &["ada", "example"]),
        (
            "jürgen@bücher.example and ada@例え.テスト",
            &["rgen", "cher", "ada", "例え"],
        ),
        ("o'brien@example.org", &["brien", "o'"]),
    ] {
        let out = redacted(
            |redact| redact.patterns(Pattern::ALL, Action::Mask),
            &invalid(text),
        );
        for secret in secrets {
            let left = message(&out);
            assert!(!left.contains(secret), "{secret} of {text} is left: {left}");
        }
    }
}

#[test]
fn a_value_has_one_hash_wherever_it_stands() {
    let hash = key().hash("hunter22");
    for text in [
        "password=hunter22",
        "password: 'hunter22'",
        r#"{"password":"hunter22"}"#,
        r#"{"body":"{\"password\":\"hunter22\"}"}"#,
        "postgres://ada:hunter22@db/x",
    ] {
        let out = redacted(
            |redact| redact.patterns([Pattern::Key], Action::Hash(key())),
            &invalid(text),
        );
        assert_eq!(message(&out), text.replace("hunter22", &hash));
    }
}

#[test]
fn a_long_hostile_value_is_looked_through_in_time() {
    let parts = [
        "a",
        "a@",
        "a@b.",
        "password",
        "password=",
        "secret: ",
        "\\",
        "\"",
        "password=\"\\",
        "-----BEGIN PRIVATE KEY-----",
        "eyJabcde.",
        "authorization: ",
        "cookie=\"",
        "x://a:",
        "--",
        "%40",
        "token=\\\"",
    ];
    audit_testkit::within(audit_testkit::DEADLINE, move || {
        let redact = Redact::new(MemorySink::new()).patterns(Pattern::ALL, Action::Mask);
        for part in parts {
            redact.on_call(&invalid(part.repeat((1 << 16) / part.len())));
        }
    });
}

#[test]
fn patterns_let_ordinary_text_be() {
    for text in [
        "path: must be relative to the root, and without ..",
        "the bearer of bad news",
        "files:read takes only path, page",
        "a token is missing",
        "unexpected token: identifier",
        "http://localhost:8080/mail/ada@home",
        "expected `key=value`, found \"x\"",
        "use --token or --secret",
        "password: too",
        "@example and example@",
        "01JD4Z8W3K9V2N7Q5T1R6Y0XBC",
        "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",
        "sk-1",
        "",
        "é 🦀 \u{2028} \u{202e}",
    ] {
        let event = invalid(text);
        let out = redacted(|redact| redact.patterns(Pattern::ALL, Action::Mask), &event);
        assert_eq!(message(&out), text);
    }
}

#[test]
fn a_mebibyte_of_almost_secrets_takes_no_time_to_speak_of() {
    for almost in ["a", "a@", "eyJ", "secret", "bearer ", "a.", "-----BEGIN "] {
        let event = invalid(almost.repeat((1 << 20) / almost.len()));
        drop(redacted(
            |redact| redact.patterns(Pattern::ALL, Action::Mask),
            &event,
        ));
    }
}
