//! Answers as text for people. Pure functions: values in, text out, so that each has a golden text.
//!
//! Colour only where [`Look`] allows it. What came from elsewhere (names, replies) goes through [`clean`], so that
//! it cannot steer a terminal.

pub mod demo;
pub mod events;
pub mod history;
pub mod peers;
pub mod status;
pub mod table;

pub use lineswarm_proto::visible::visible as clean;

/// May the text be coloured?
#[derive(Clone, Copy, Debug)]
pub struct Look {
    colour: bool,
}

/// What a colour says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    Good,
    Busy,
    Bad,
    Faint,
    Strong,
}

impl Look {
    /// Colour on a terminal, unless `NO_COLOR` is set to anything.
    #[must_use]
    pub fn of(is_terminal: bool) -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self { colour: is_terminal && !refused && !dumb }
    }

    #[cfg(test)]
    pub const PLAIN: Self = Self { colour: false };

    /// Are there colours?
    #[must_use]
    pub fn is_coloured(self) -> bool {
        self.colour
    }

    /// The text in a colour, or as it is.
    #[must_use]
    pub fn paint(self, ink: Ink, text: &str) -> String {
        if !self.colour {
            return text.to_owned();
        }
        let code = match ink {
            Ink::Good => "32",
            Ink::Busy => "36",
            Ink::Bad => "31;1",
            Ink::Faint => "2",
            Ink::Strong => "1",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// A span in at most two units: 0.4 s, 59.9 s, 12m 05s, 3h 10m, 2d 04h.
#[must_use]
pub fn span(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "-".into();
    }
    if seconds < 99.95 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    match whole {
        0..3600 => format!("{}m {:02}s", whole / 60, whole % 60),
        3600..86_400 => format!("{}h {:02}m", whole / 3600, whole % 3600 / 60),
        _ => format!("{}d {:02}h", whole / 86_400, whole % 86_400 / 3600),
    }
}

/// A number, or a dash where there is none yet.
#[must_use]
pub fn or_dash<T>(value: Option<T>, show: impl Fn(T) -> String) -> String {
    value.map_or_else(|| "-".to_owned(), show)
}

/// `[######......]` of so many cells; full only when everything is there.
#[must_use]
pub fn bar(have: u64, of: u64, cells: u64) -> String {
    let full = (have.min(of) * cells).checked_div(of).unwrap_or(0);
    let cell = |count: u64, mark: &str| mark.repeat(usize::try_from(count).unwrap_or(0));
    format!("[{}{}]", cell(full, "#"), cell(cells - full, "."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_short() {
        let spans = [0.42, 59.94, 99.96, 725.0, 11_400.0, 187_200.0, -1.0, f64::NAN];
        let shown = ["0.4 s", "59.9 s", "1m 40s", "12m 05s", "3h 10m", "2d 04h", "-", "-"];
        assert_eq!(spans.map(span), shown);
    }

    #[test]
    fn a_bar_is_full_only_when_everything_is_there() {
        assert_eq!(bar(0, 0, 4), "[....]");
        assert_eq!(bar(999, 1000, 4), "[###.]");
        assert_eq!(bar(1000, 1000, 4), "[####]");
    }

    #[test]
    fn colour_is_only_where_it_is_allowed() {
        assert_eq!(Look::PLAIN.paint(Ink::Bad, "x"), "x");
        assert_eq!(Look { colour: true }.paint(Ink::Good, "x"), "\u{1b}[32mx\u{1b}[0m");
    }
}
