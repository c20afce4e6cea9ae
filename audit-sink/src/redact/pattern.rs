use regex::Regex;
use thiserror::Error;

use super::looks;

/// What secrets and personal data look like: ready-made patterns for
/// [`Redact::patterns`](crate::Redact::patterns).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Pattern {
    /// What stands in an `Authorization` header, without a scheme such as `Basic` if
    /// it is a well-known one, and after `Bearer` anywhere: `bearer`.
    Bearer,
    /// Tokens of GitHub, GitLab, Slack, npm, PyPI, Google, Hugging Face, and JSON Web
    /// Tokens, signed or encrypted: `token`.
    Token,
    /// Keys of AWS, Google, Stripe, of `sk-` kind, private keys in PEM, the password in
    /// a URL, and what is assigned to a name such as `api_key`, `password` or `secret`,
    /// in JSON too, and in JSON inside JSON: `key`.
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

    /// What it is made of. Each group in one is a secret, alone of its match.
    pub(super) fn regexes(self) -> impl Iterator<Item = Regex> {
        let patterns: &[&str] = match self {
            Self::Bearer => &looks::BEARER,
            Self::Token => &looks::TOKEN,
            Self::Key => &looks::KEY,
            Self::Cookie => &looks::COOKIE,
            Self::Email => &looks::EMAIL,
        };
        let compile = |pattern| Regex::new(pattern).expect("a test compiles each of them");
        patterns.iter().copied().map(compile)
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
