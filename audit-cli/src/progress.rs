//! How far it is, on stderr: only where stderr is a terminal.

use std::fmt::Write;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::output::{self, Palette};
use crate::text::grouped;

const REDRAWN_PER_SECOND: u8 = 12;

/// A line that says how far it is, drawn again and again. Where nobody watches it
/// does nothing.
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Of bytes, of which there are so many.
    pub(crate) fn of_bytes(total: u64) -> Self {
        let bar = match Palette::of_stderr().is_on() {
            true => "{wide_bar:.green/dim}",
            false => "{wide_bar}",
        };
        let template = format!(
            "{{percent:>3}} % {bar} {{decimal_bytes}} of {{decimal_total_bytes}}, \
             {{decimal_bytes_per_sec}}, {{eta}} left"
        );
        Self::new(Some(total), &template)
    }

    /// Of events, of which nobody knows how many there will be.
    pub(crate) fn of_events() -> Self {
        let progress = Self::new(
            None,
            "{spinner} {human_pos} events recorded, {rate} a second",
        );
        if output::is_watched() {
            // Its thread may not come to it before all is done.
            progress.bar.tick();
            progress.bar.enable_steady_tick(Duration::from_millis(100));
        }
        progress
    }

    fn new(total: Option<u64>, template: &str) -> Self {
        if !output::is_watched() {
            return Self {
                bar: ProgressBar::hidden(),
            };
        }
        let style = ProgressStyle::with_template(template);
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let style = style.with_key("rate", |state: &ProgressState, out: &mut dyn Write| {
            write!(out, "{}", grouped(state.per_sec() as u64)).ok();
        });
        let style = match output::speaks_unicode() {
            true => style.progress_chars("━━╌").tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ "),
            false => style.progress_chars("=>-").tick_chars("|/-\\ "),
        };
        let target = ProgressDrawTarget::stderr_with_hz(REDRAWN_PER_SECOND);
        Self {
            bar: ProgressBar::with_draw_target(total, target).with_style(style),
        }
    }

    /// So much is done.
    pub(crate) fn count(&self, done: u64) {
        self.bar.set_position(done);
    }

    /// Writes something else to the terminal in between.
    pub(crate) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }

    /// Takes the line away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
