//! The core's own time: microseconds since an origin that the caller chose. Monotonic, handed in, never read.

use core::{fmt, ops, time::Duration};

/// A point in time, in µs since the caller's origin (the daemon's start, the simulator's zero).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub u64);

impl Moment {
    /// The origin.
    pub const ZERO: Self = Self(0);

    /// The time from `earlier` to `self`; zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// Seconds since the origin.
    #[must_use]
    pub fn seconds(self) -> f64 {
        Duration::from_micros(self.0).as_secs_f64()
    }
}

impl ops::Add<Duration> for Moment {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(micros))
    }
}

impl ops::Sub<Duration> for Moment {
    type Output = Self;

    fn sub(self, span: Duration) -> Self {
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        Self(self.0.saturating_sub(micros))
    }
}

/// Seconds since 1970 as RFC 3339 has them, in UTC: `2026-11-21T10:44:01.123Z`.
#[must_use]
pub fn rfc3339(since_1970: f64) -> String {
    // The year 9999 is the last that the notation has.
    let ms = ((since_1970.max(0.0) * 1e3).round() as u64).min(253_402_300_799_999);
    let (days, ms) = (ms / 86_400_000, ms % 86_400_000);
    // Years from March on, in cycles of 400: leap days come last (Howard Hinnant's civil_from_days).
    let since_0 = days + 719_468;
    let (era, day) = (since_0 / 146_097, since_0 % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let march = (5 * day + 2) / 153;
    let month = if march < 10 { march + 3 } else { march - 9 };
    format!(
        "{:04}-{month:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        era * 400 + year + u64::from(month <= 2),
        day - (153 * march + 2) / 5 + 1,
        ms / 3_600_000,
        ms / 60_000 % 60,
        ms / 1000 % 60,
        ms % 1000
    )
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn days_are_counted_as_the_calendar_does() {
        for (seconds, text) in [
            (0.0, "1970-01-01T00:00:00.000Z"),
            (951_782_399.999_6, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199.0, "2024-02-29T23:59:59.000Z"),
            (1_795_344_241.5, "2026-11-22T10:44:01.500Z"),
            (-1.0, "1970-01-01T00:00:00.000Z"),
            (f64::NAN, "1970-01-01T00:00:00.000Z"),
            (1e300, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(rfc3339(seconds), text);
        }
    }
}
