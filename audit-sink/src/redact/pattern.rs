use regex::Regex;
use thiserror::Error;

/// What secrets and personal data look like: ready-made patterns for
/// [`Redact::patterns`](crate::Redact::patterns).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Pattern {
    /// What stands after `Bearer`, `Basic` or `Token` in an `Authorization` header,
    /// and after `Bearer` anywhere: `bearer`.
    Bearer,
    /// Tokens of GitHub, GitLab, Slack, npm, PyPI, and JSON Web Tokens: `token`.
    Token,
    /// Keys of AWS, Google, Stripe, of `sk-` kind, private keys in PEM, and what is
    /// assigned to a name such as `api_key`, `password` or `secret`: `key`.
    Key,
    /// The values of `Cookie` and `Set-Cookie` headers: `cookie`.
    Cookie,
    /// E-mail addresses: `email`.
    Email,
}

impl Pattern {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Bearer,
        Self::Token,
        Self::Key,
        Self::Cookie,
        Self::Email,
    ];

    /// What stands in the mask.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::Token => "token",
            Self::Key => "key",
            Self::Cookie => "cookie",
            Self::Email => "email",
        }
    }

    pub(super) fn regex(self) -> Regex {
        let pattern = match self {
            Self::Bearer => {
                r#"(?x)
                (?i-u: \b bearer [\x20\t]+
                     | \b authorization ["']? [\x20\t]* [:=] [\x20\t]* ["']?
                       (?: (?: basic | token ) [\x20\t]+ )? )
                (?<secret> [A-Za-z0-9._~+/=-]{8,} )"#
            }
            Self::Token => {
                r"(?x) (?-u:\b) (?:
                    gh[pousr]_ [A-Za-z0-9]{30,}
                  | github_pat_ [A-Za-z0-9_]{30,}
                  | glpat- [A-Za-z0-9_-]{16,}
                  | xox[a-z]- [A-Za-z0-9-]{10,}
                  | npm_ [A-Za-z0-9]{30,}
                  | pypi- [A-Za-z0-9_-]{30,}
                  | eyJ [A-Za-z0-9_-]{5,} \. [A-Za-z0-9_-]{5,} \. [A-Za-z0-9_-]* )"
            }
            Self::Key => {
                r#"(?x)
                  (?-u:\b) (?: AKIA | ASIA ) [A-Z0-9]{16}
                | (?-u:\b) AIza [A-Za-z0-9_-]{30,}
                | (?-u:\b) [rs]k_ (?: live | test ) _ [A-Za-z0-9]{16,}
                | (?-u:\b) sk- [A-Za-z0-9_-]{16,}
                | -----BEGIN\x20 [A-Z0-9\x20]* PRIVATE\x20KEY-----
                  (?s: .*? -----END\x20 [A-Z0-9\x20]* PRIVATE\x20KEY----- | .* )
                | (?i-u: api[_-]?key | access[_-]?key | secret | passw(?:or)?d | passphrase
                       | (?:access|refresh|auth|session)[_-]?token )
                  (?i-u: [A-Z0-9_-]* ) ["']? [\x20\t]* [:=] [\x20\t]* ["']?
                  (?<secret> [^\x20\t\r\n"'&,;\)\}\]]{4,} )"#
            }
            Self::Cookie => {
                r#"(?x) (?i-u: \b (?: set- )? cookie ) ["']? [\x20\t]* [:=] [\x20\t]* ["']?
                (?<secret> [^\r\n"']+ )"#
            }
            Self::Email => {
                r"(?x) [A-Za-z0-9._%+-]+ @ [A-Za-z0-9-]+ (?: \. [A-Za-z0-9-]+ )* \. [A-Za-z]{2,}"
            }
        };
        Regex::new(pattern).expect("a test compiles each of them")
    }
}

/// A pattern that can't be used.
#[derive(Debug, Clone, Error)]
#[error(transparent)]
pub struct PatternError(#[from] Reason);

#[derive(Debug, Clone, Error)]
enum Reason {
    #[error("the pattern can't be read: {0}")]
    Syntax(regex::Error),
    #[error("the pattern matches the empty string: it would be found everywhere")]
    Empty,
}

impl PatternError {
    pub(super) fn syntax(error: regex::Error) -> Self {
        Self(Reason::Syntax(error))
    }

    pub(super) fn empty() -> Self {
        Self(Reason::Empty)
    }
}
