//! Small plots as SVG, readable on light and on dark pages.

use std::fmt::Write as _;

/// One value, from zero on.
pub(crate) struct Bar {
    pub(crate) name: &'static str,
    pub(crate) value: f64,
}

/// From one value to another, on a scale of powers of ten.
pub(crate) struct Range {
    pub(crate) name: &'static str,
    pub(crate) from: f64,
    pub(crate) to: f64,
}

/// Values over a scale of powers.
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 640.0;
/// Where names end and what is drawn begins.
const LEFT: f64 = 130.0;
const RIGHT: f64 = 590.0;
const ROW: f64 = 20.0;
const TOP: f64 = 36.0;

const COLOURS: usize = 4;
const STYLE: &str = "\
text{font:12px system-ui,sans-serif;fill:#333}.title{font-weight:600}.quiet{fill:#777}\
.grid{stroke:#999;stroke-opacity:.3}.line{fill:none;stroke-width:2}\
.s0{stroke:#1f6fd0}.s1{stroke:#0a8f6a}.s2{stroke:#c2660a}.s3{stroke:#9446b8}\
.f0{fill:#1f6fd0}.f1{fill:#0a8f6a}.f2{fill:#c2660a}.f3{fill:#9446b8}\
.other{fill:#8a8f98;stroke:#8a8f98}.ours{fill:#1f6fd0;stroke:#1f6fd0}\
@media(prefers-color-scheme:dark){text{fill:#ddd}.quiet{fill:#aaa}\
.s0{stroke:#6aa9ff}.s1{stroke:#3fcf9f}.s2{stroke:#f0a04b}.s3{stroke:#cf8cf0}\
.f0{fill:#6aa9ff}.f1{fill:#3fcf9f}.f2{fill:#f0a04b}.f3{fill:#cf8cf0}\
.ours{fill:#6aa9ff;stroke:#6aa9ff}}";

/// Bars, the longest first.
pub(crate) fn bars(title: &str, mut bars: Vec<Bar>) -> String {
    bars.sort_by(|a, b| b.value.total_cmp(&a.value));
    let most = bars.first().map_or(1.0, |bar| bar.value);
    let mut body = String::new();
    for (bar, y) in bars.iter().zip(rows()) {
        let length = (RIGHT - LEFT) * bar.value / most;
        name_row(&mut body, bar.name, y);
        let _ = writeln!(
            body,
            r#"<rect class="{}" x="{LEFT}" y="{:.0}" width="{length:.1}" height="12" stroke="none"/>"#,
            class(bar.name),
            y - 10.0,
        );
        text(&mut body, "", LEFT + length + 5.0, y, &short(bar.value));
    }
    framed(title, &body, TOP + ROW * bars.len() as f64 + 8.0)
}

/// Ranges, that with the least beginning first.
pub(crate) fn ranges(title: &str, mut ranges: Vec<Range>) -> String {
    ranges.sort_by(|a, b| a.from.total_cmp(&b.from));
    let scale = Scale::of(
        ranges.iter().flat_map(|range| [range.from, range.to]),
        (LEFT, RIGHT),
        true,
    );
    let bottom = TOP + ROW * ranges.len() as f64;
    let mut body = String::new();
    for tick in scale.ticks() {
        let x = scale.at(tick);
        grid(&mut body, (x, TOP - 8.0), (x, bottom));
        text(&mut body, "quiet middle", x, bottom + 14.0, &short(tick));
    }
    for (range, y) in ranges.iter().zip(rows()) {
        name_row(&mut body, range.name, y);
        let (from, to) = (scale.at(range.from), scale.at(range.to));
        let class = class(range.name);
        let y = y - 4.0;
        let _ = writeln!(
            body,
            r#"<line class="{class}" x1="{from:.1}" y1="{y}" x2="{to:.1}" y2="{y}" stroke-width="3"/><circle class="{class}" cx="{from:.1}" cy="{y}" r="4.5"/>"#
        );
    }
    framed(title, &body, bottom + 24.0)
}

/// Lines over a scale of powers; values from zero on, or on a scale of powers too.
pub(crate) fn lines(title: &str, lines: &[Line], by_powers: bool) -> String {
    const BOTTOM: f64 = 230.0;
    let all = || lines.iter().flat_map(|line| &line.points);
    let across = Scale::of(all().map(|point| point.0), (60.0, 470.0), true);
    let up = Scale::of(all().map(|point| point.1), (BOTTOM, TOP), by_powers);
    let mut body = String::new();
    for tick in up.ticks() {
        let y = up.at(tick);
        grid(&mut body, (60.0, y), (470.0, y));
        text(&mut body, "quiet end", 54.0, y + 4.0, &short(tick));
    }
    let mut marks: Vec<f64> = all().map(|point| point.0).collect();
    marks.sort_by(|a, b| b.total_cmp(a));
    marks.dedup();
    // From the last on, those that there is room for.
    let mut free = f64::INFINITY;
    for mark in marks {
        let x = across.at(mark);
        if x + 36.0 <= free {
            text(&mut body, "quiet middle", x, BOTTOM + 16.0, &short(mark));
            free = x;
        }
    }
    let mut names: Vec<(f64, usize)> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let colour = at % COLOURS;
        let places: Vec<(f64, f64)> = line
            .points
            .iter()
            .map(|&(x, y)| (across.at(x), up.at(y)))
            .collect();
        let path: Vec<String> = places
            .iter()
            .map(|(x, y)| format!("{x:.1},{y:.1}"))
            .collect();
        let _ = writeln!(
            body,
            r#"<polyline class="line s{colour}" points="{}"/>"#,
            path.join(" ")
        );
        for (x, y) in &places {
            let _ = write!(
                body,
                r#"<circle class="f{colour}" cx="{x:.1}" cy="{y:.1}" r="3"/>"#
            );
        }
        body.push('\n');
        if let Some((_, y)) = places.last() {
            names.push((*y, at));
        }
    }
    // A name stands where its line ends, or below the name above it.
    names.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut free = 0.0_f64;
    for (y, at) in names {
        let y = y.max(free);
        free = y + 14.0;
        let class = format!("f{}", at % COLOURS);
        text(&mut body, &class, 480.0, y + 4.0, &lines[at].name);
    }
    framed(title, &body, BOTTOM.max(free) + 26.0)
}

/// From values to places.
struct Scale {
    least: f64,
    most: f64,
    places: (f64, f64),
    by_powers: bool,
}

impl Scale {
    fn of(values: impl Iterator<Item = f64>, places: (f64, f64), by_powers: bool) -> Self {
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter(|value| !by_powers || *value > 0.0) {
            least = least.min(value);
            most = most.max(value);
        }
        if !by_powers {
            least = 0.0;
        }
        Self {
            least,
            most,
            places,
            by_powers,
        }
    }

    fn at(&self, value: f64) -> f64 {
        let share = if self.by_powers {
            (value.max(self.least) / self.least).ln() / (self.most / self.least).ln()
        } else {
            (value - self.least) / (self.most - self.least)
        };
        let share = if share.is_finite() { share } else { 0.0 };
        self.places.0 + (self.places.1 - self.places.0) * share
    }

    /// Round numbers within it.
    fn ticks(&self) -> Vec<f64> {
        if self.by_powers {
            let (first, last) = (self.least.log10().floor(), self.most.log10().ceil());
            // Where there are few powers of ten, there is room for more.
            let steps: &[f64] = if last - first > 2.0 {
                &[1.0]
            } else {
                &[1.0, 2.0, 5.0]
            };
            let powers = (first as i32..=last as i32).map(|power| 10_f64.powi(power));
            let ticks = powers.flat_map(|power| steps.iter().map(move |step| step * power));
            return ticks
                .filter(|tick| (self.least..=self.most).contains(tick))
                .collect();
        }
        let rough = self.most / 4.0;
        let power = 10_f64.powi(rough.log10().floor() as i32);
        let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
        let step = steps
            .into_iter()
            .find(|step| *step >= rough)
            .unwrap_or(rough);
        let count = (self.most / step) as usize;
        (0..=count).map(|at| at as f64 * step).collect()
    }
}

fn rows() -> impl Iterator<Item = f64> {
    (0..).map(|row| TOP + ROW * f64::from(row) + 10.0)
}

fn class(name: &str) -> &'static str {
    if name.starts_with("ours") {
        "ours"
    } else {
        "other"
    }
}

fn name_row(body: &mut String, name: &str, y: f64) {
    text(body, "end", LEFT - 8.0, y, name);
}

fn grid(body: &mut String, from: (f64, f64), to: (f64, f64)) {
    let _ = writeln!(
        body,
        r#"<line class="grid" x1="{:.1}" y1="{:.1}" x2="{:.1}" y2="{:.1}"/>"#,
        from.0, from.1, to.0, to.1
    );
}

/// `class` may have the words `end` and `middle`, for where the text stands.
fn text(body: &mut String, class: &str, x: f64, y: f64, text: &str) {
    let anchor = ["end", "middle"]
        .into_iter()
        .find(|word| class.contains(word));
    let anchor = anchor.map_or(String::new(), |word| format!(r#" text-anchor="{word}""#));
    let _ = writeln!(
        body,
        r#"<text class="{class}" x="{x:.1}" y="{y:.1}"{anchor}>{text}</text>"#
    );
}

fn framed(title: &str, body: &str, height: f64) -> String {
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0}" width="{WIDTH}" role="img" aria-label="{title}">
<style>{STYLE}</style>
<text class="title" x="8" y="16">{title}</text>
{body}</svg>
"#
    )
}

/// A number for a label.
fn short(value: f64) -> String {
    let (value, unit) = match value {
        _ if value >= 1e6 => (value / 1e6, "M"),
        _ if value >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let digits = match value {
        _ if value == value.round() => 0,
        _ if value >= 100.0 => 0,
        _ if value >= 10.0 => 1,
        _ if value >= 0.1 => 2,
        _ if value >= 0.01 => 3,
        _ => 6,
    };
    let text = format!("{value:.digits$}");
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    format!("{text}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_short() {
        let told = [
            0.0,
            0.00012,
            0.25,
            2.5,
            12.34,
            502.0,
            60_000.0,
            15_600_000.0,
        ]
        .map(short);
        assert_eq!(
            told,
            ["0", "0.00012", "0.25", "2.5", "12.3", "502", "60k", "15.6M"]
        );
    }

    #[test]
    fn scales_go_from_end_to_end() {
        let scale = Scale::of([10.0, 1_000.0].into_iter(), (0.0, 100.0), true);
        assert_eq!(
            [10.0, 100.0, 1_000.0].map(|value| scale.at(value).round()),
            [0.0, 50.0, 100.0]
        );
        assert_eq!(
            scale.ticks(),
            [10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0]
        );
        let scale = Scale::of([0.5, 3.0].into_iter(), (200.0, 0.0), false);
        assert_eq!(
            [0.0, 1.5, 3.0].map(|value| scale.at(value)),
            [200.0, 100.0, 0.0]
        );
        assert_eq!(scale.ticks(), [0.0, 1.0, 2.0, 3.0]);
    }
}
