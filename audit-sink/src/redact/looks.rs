//! The patterns themselves.
//!
//! Each stands for a secret wherever it may be met: in a header, a query, an option of
//! a command, in JSON, and in JSON that is a string in JSON, whose quotes have
//! backslashes before them.

/// A value after its name: what is in quotes, to the end of the quotes, spaces and
/// escaped quotes included; else what the second argument says.
macro_rules! value {
    ($plain:literal) => {
        concat!(
            r#"(?: " ( (?: [^"\\\r\n] | \\. )+ )"#,
            // One level down the quotes around the value are escaped once.
            r#" | \\+" ( (?: [^"\\\r\n] | \\\\ (?: \\" )? | \\[^"\\\r\n] )+ )"#,
            r" | \\*' ( [^'\r\n]+ )",
            " | ( ",
            $plain,
            " ) )",
        )
    };
}

/// What stands between a name and its value.
macro_rules! is {
    () => {
        r#"\\* ["']? [\x20\t]* (?: := | => | [:=] ) [\x20\t]*"#
    };
}

/// What is secret by its name.
macro_rules! name {
    () => {
        r"(?i-u: (?: api | access | account | private | shared | encryption ) [_-]? key
            | secret | passw(?:or)?d | passphrase | passcode | pwd | credentials?
            | (?: access | refresh | auth | session | id | bearer ) [_-]? token
            | signature )
          (?i-u: [A-Z0-9_-]* )"
    };
}

pub(super) const BEARER: [&str; 2] = [
    r"(?x) (?i-u: \b bearer (?: [\x20\t]+ | %20 | \+ ) ) ( [A-Za-z0-9._~+/=-]{8,} )",
    concat!(
        "(?x) (?i-u: authorization )",
        is!(),
        r#"\\* ["']? (?:
            (?i-u: basic | bearer | token | negotiate | ntlm | key | api-?key ) [\x20\t]+
            ( [A-Za-z0-9._~+/=-]{8,} )"#,
        // Of a scheme with parameters, or an unknown one, any part may be the secret.
        r" | ( (?i-u: digest | hawk | oauth | signature | hmac [a-z0-9-]* | aws4 [a-z0-9-]* )
               [\x20\t]+ [^\r\n]+ )
           | ( [A-Za-z][A-Za-z0-9_-]* [\x20\t]+ [A-Za-z0-9._~+/=-]{8,} )
           | ( [A-Za-z0-9._~+/=-]{8,} ) )",
    ),
];

pub(super) const TOKEN: [&str; 1] = [r"(?x)
      gh[pousr]_ [A-Za-z0-9]{30,}
    | github_pat_ [A-Za-z0-9_]{30,}
    | glpat- [A-Za-z0-9_.-]{16,}
    | (?-u:\b) xox[a-z]- [A-Za-z0-9.-]{10,}
    | (?-u:\b) xapp- [A-Za-z0-9-]{10,}
    | npm_ [A-Za-z0-9]{30,}
    | pypi- [A-Za-z0-9_-]{30,}
    | hf_ [A-Za-z0-9]{30,}
    | (?-u:\b) ya29\. [A-Za-z0-9_-]{20,}
    | eyJ [A-Za-z0-9_-]{5,} (?: \. [A-Za-z0-9_-]* ){2,4}"];

pub(super) const KEY: [&str; 5] = [
    r"(?x)
      (?: AKIA | ASIA ) [A-Z0-9]{16}
    | AIza [A-Za-z0-9_-]{30,}
    | (?-u:\b) [rs]k_ (?: live | test ) _ [A-Za-z0-9]{16,}
    | (?-u:\b) sk- [A-Za-z0-9_-]{16,}
    | -----BEGIN\x20 [A-Z0-9\x20]* PRIVATE\x20KEY [A-Z\x20]* -----
      (?s: .*? -----END\x20 [A-Z0-9\x20]* PRIVATE\x20KEY [A-Z\x20]* ----- | .* )",
    concat!(
        // Names in a row, as in `bad secret: password: x`: the last has the value.
        "(?x) (?:",
        name!(),
        is!(),
        r#" \\*["']? )* "#,
        name!(),
        is!(),
        value!(r#"[^\x20\t\r\n"'&,;\)\}\]]{4,}"#),
    ),
    // Only where it is a name for sure: messages speak of tokens in another sense.
    concat!(
        r#"(?x) (?: (?i-u: token ) (?: \\*["'] [\x20\t]* (?: => | [:=] ) [\x20\t]* | = )
             | [?&] (?i-u: sig | key ) = )"#,
        value!(r#"[^\x20\t\r\n"'&,;\)\}\]]{8,}"#),
    ),
    concat!(
        "(?x) -- (?i-u: [a-z0-9-]* ) (?:",
        name!(),
        r"| (?i-u: token ) ) [\x20\t]+",
        value!(r#"[^\x20\t\r\n"'-][^\x20\t\r\n"']{3,}"#),
    ),
    // Not in a path or a query, which may hold `:` and `@` as well.
    r#"(?x) [A-Za-z][A-Za-z0-9+.-]* :// [^\x00-\x20/?\#:@"'<>]* :
       ( [^\x00-\x20/?\#"'<>]+ ) @"#,
];

pub(super) const COOKIE: [&str; 1] = [concat!(
    // An argument in quotes, as of `curl -H`.
    r"(?x) ' (?i-u: (?: set- )? cookie ) : [\x20\t]* ( [^'\r\n]+ )
         | (?i-u: cookie )",
    is!(),
    value!(r#"(?: = \\* " [^"\r\n]* " | [^\r\n"] )+"#),
)];

pub(super) const EMAIL: [&str; 1] = [
    // In a query the `@` is escaped. Names and domains may be in any script.
    r"(?x) [A-Za-z0-9_+\x{80}-\x{10FFFF}] [A-Za-z0-9._%+'\x{80}-\x{10FFFF}-]* (?: @ | %40 )
      [A-Za-z0-9\x{80}-\x{10FFFF}-]+ (?: \. [A-Za-z0-9\x{80}-\x{10FFFF}-]+ )*
      \. [A-Za-z\x{80}-\x{10FFFF}][A-Za-z0-9\x{80}-\x{10FFFF}-]+",
];
