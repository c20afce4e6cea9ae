//! What is written to stdout and stderr: data there, everything else here.
//!
//! Colours as people expect: `--color`, `NO_COLOR`, `CLICOLOR_FORCE`, `TERM=dumb`,
//! and none into pipes and files.

use std::env;
use std::fmt::{self, Display};
use std::io::{self, BufWriter, IsTerminal as _, StdoutLock, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use clap::ValueEnum;

use crate::exit::Failure;
use crate::text::Message;

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const CAREFUL: Style = AnsiColor::Yellow.on_default();
pub(crate) const NAME: Style = AnsiColor::Cyan.on_default();

/// How wide to draw where nothing says how wide the terminal is.
pub(crate) const USUAL_WIDTH: usize = 80;

/// When to colour what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum ColorWhen {
    #[default]
    Auto,
    Always,
    Never,
}

impl ColorWhen {
    /// Makes it hold from here on, for stdout and stderr.
    pub(crate) fn apply(self) {
        match self {
            Self::Auto => ColorChoice::Auto,
            Self::Always => ColorChoice::Always,
            Self::Never => ColorChoice::Never,
        }
        .write_global();
    }
}

/// Whether there are colours, and text in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Palette {
    on: bool,
}

impl Palette {
    pub(crate) fn of_stdout() -> Self {
        let choice = AutoStream::choice(&io::stdout());
        Self {
            on: choice != ColorChoice::Never,
        }
    }

    pub(crate) fn of_stderr() -> Self {
        let choice = AutoStream::choice(&io::stderr());
        Self {
            on: choice != ColorChoice::Never,
        }
    }

    #[cfg(test)]
    pub(crate) fn plain() -> Self {
        Self { on: false }
    }

    #[cfg(test)]
    pub(crate) fn coloured() -> Self {
        Self { on: true }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.on
    }

    /// The text in a style, where there are colours.
    pub(crate) fn paint<T: Display>(&self, style: Style, text: T) -> Painted<T> {
        let style = if self.on { style } else { Style::new() };
        Painted { style, text }
    }
}

/// Text in a style. Its width, as of `{:<10}`, is that of the text alone.
#[derive(Debug)]
pub(crate) struct Painted<T> {
    style: Style,
    text: T,
}

impl<T: Display> Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.style)?;
        self.text.fmt(f)?;
        write!(f, "{:#}", self.style)
    }
}

/// Standard output, buffered. A reader that goes away ends the command quietly:
/// see [`Failure::of_output`].
pub(crate) struct Output {
    stream: BufWriter<StdoutLock<'static>>,
    palette: Palette,
    is_terminal: bool,
}

impl Output {
    pub(crate) fn new() -> Self {
        let stdout = io::stdout().lock();
        Self {
            is_terminal: stdout.is_terminal(),
            palette: Palette::of_stdout(),
            stream: BufWriter::with_capacity(64 * 1024, stdout),
        }
    }

    /// Whether a person reads it, more likely than not.
    pub(crate) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    pub(crate) fn palette(&self) -> Palette {
        self.palette
    }

    /// How many columns there are; `None` in pipes and files, where nothing is to
    /// be shortened. The variable `COLUMNS` overrules what the terminal says.
    pub(crate) fn width(&self) -> Option<usize> {
        let said = env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
        said.filter(|columns| *columns > 0).or_else(|| {
            let (width, _) = terminal_size::terminal_size_of(io::stdout())?;
            Some(width.0.into())
        })
    }

    /// Writes data as it stands.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = self.stream.write_all(bytes);
        written.map_err(|error| Failure::of_output(&error))
    }

    /// Writes text and a line feed.
    pub(crate) fn line(&mut self, line: impl Display) -> Result<(), Failure> {
        writeln!(self.stream, "{line}").map_err(|error| Failure::of_output(&error))
    }

    /// To be called at the end, or nobody hears that writing failed.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        let flushed = self.stream.flush();
        flushed.map_err(|error| Failure::of_output(&error))
    }
}

/// For crates that write by themselves; ends with [`Output::flush`] all the same.
impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// Whether letters beyond ASCII can be shown, by the locale. Bars and ticks have
/// another form where they can't.
pub(crate) fn speaks_unicode() -> bool {
    if cfg!(windows) {
        return true;
    }
    let named = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| env::var(name).ok().filter(|value| !value.is_empty()));
    named.is_some_and(|locale| is_utf8(&locale))
}

fn is_utf8(locale: &str) -> bool {
    let locale = locale.to_ascii_lowercase();
    locale.ends_with("utf-8") || locale.ends_with("utf8") || locale.contains("utf-8@")
}

/// Whether somebody sees what is told on stderr as it happens.
pub(crate) fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// `audit: error: …`, on stderr.
pub(crate) fn error(message: impl Display) {
    report(BAD, "error", &message.to_string());
}

/// `audit: warning: …`, on stderr.
pub(crate) fn warn(message: impl Display) {
    report(CAREFUL.bold(), "warning", &message.to_string());
}

/// `audit: …`, on stderr.
pub(crate) fn tell(message: impl Display) {
    tell_styled(&format!("audit: {}\n", Message(&message.to_string())));
}

fn report(style: Style, kind: &str, message: &str) {
    let kind = Palette { on: true }.paint(style, kind);
    tell_styled(&format!("audit: {kind}: {}\n", Message(message)));
}

/// Writes to stderr at once, without its styles where there are no colours. That
/// stderr is closed keeps nobody from the data.
pub(crate) fn tell_styled(text: &str) {
    let mut plain = Vec::new();
    let bytes = if Palette::of_stderr().is_on() {
        text.as_bytes()
    } else {
        let mut strip = anstream::StripStream::new(&mut plain);
        strip.write_all(text.as_bytes()).ok();
        &plain
    };
    io::stderr().write_all(bytes).ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_painted_text_is_as_wide_as_without_paint() {
        let painted = Palette::coloured().paint(GOOD, "ok");
        assert_eq!(format!("{painted:<4}|"), "\x1b[32mok  \x1b[0m|");
        assert_eq!(
            format!("{:<4}|", Palette::plain().paint(GOOD, "ok")),
            "ok  |"
        );
    }

    #[test]
    fn locales_that_speak_unicode() {
        for (locale, wanted) in [
            ("C.UTF-8", true),
            ("en_GB.utf8", true),
            ("de_DE.UTF-8@euro", true),
            ("C", false),
            ("POSIX", false),
            ("de_DE.ISO-8859-1", false),
        ] {
            assert_eq!(is_utf8(locale), wanted, "{locale}");
        }
    }
}
