//! How a rehearsal server behaves: each habit and each fault of a real one, to be switched on.

use super::{Error, limiter::LimiterKind};
use crate::wire::line::{REFUSAL_BLANK, REFUSAL_MINUS};
use core::{str::FromStr, time::Duration};

/// Everything but the file. The default is what is believed of the real server, without its randomness.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Lines a second.
    pub rate: RateSchedule,
    /// Which limiter.
    pub limiter: LimiterKind,
    /// What a bucket holds.
    pub burst: u32,
    /// Who has a limiter of their own.
    pub limit_by: LimitBy,
    /// How a refusal looks.
    pub refusal: Refusal,
    /// The seed of all chance but a fixed sequence of draws.
    pub seed: u64,
    /// The seed of a fixed sequence of draws.
    pub draw_seed: Option<u64>,
    /// What becomes of an address's second connection.
    pub one_per_ip: Option<OnePerIp>,
    /// SESSION RESET and SEND INCORRECT LINES get no reply.
    pub tournament: bool,
    /// How it handles several requests at once, if not one after the other.
    pub single: Option<Single>,
    /// Every reply leaves that much later.
    pub latency: Duration,
    /// The probability that number and text leave in two writes.
    pub two_writes: f64,
    /// Faults on purpose.
    pub chaos: Chaos,
}

impl Settings {
    /// No fault, no latency: every reply leaves at once and whole.
    pub(super) fn is_calm(&self) -> bool {
        self.latency.is_zero() && self.two_writes <= 0.0 && self.chaos == Chaos::default()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rate: RateSchedule::fixed(100.0),
            limiter: LimiterKind::Spacing,
            burst: 1,
            limit_by: LimitBy::Conn,
            refusal: Refusal::Blank,
            seed: 1,
            draw_seed: None,
            one_per_ip: None,
            tournament: false,
            single: None,
            latency: Duration::ZERO,
            two_writes: 0.0,
            chaos: Chaos::default(),
        }
    }
}

/// Who has a limiter of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitBy {
    /// Each connection.
    Conn,
    /// Each address.
    Ip,
}

/// How a refusal looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// `-1\n\n`
    Blank,
    /// `-1\n-1\n`
    Minus,
}

impl Refusal {
    /// Its bytes.
    #[must_use]
    pub fn bytes(self) -> &'static [u8] {
        match self {
            Self::Blank => REFUSAL_BLANK,
            Self::Minus => REFUSAL_MINUS,
        }
    }
}

/// What becomes of an address's second connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnePerIp {
    /// It is closed at once.
    Reject,
    /// The first one is closed.
    Replace,
}

/// What a server that reads one request at a time makes of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Single {
    /// A segment that does not hold exactly one request is ignored.
    Ignore,
    /// Only the first request of a segment is read.
    First,
    /// A request that comes before the last reply has left is ignored, and of a segment only the first is read.
    Busy,
    /// A segment that holds more than one request ends the connection.
    Close,
}

/// Rates and when each begins, counted from the first draw; never empty, ascending.
#[derive(Clone, Debug, PartialEq)]
pub struct RateSchedule {
    first: f64,
    later: Vec<(Duration, f64)>,
}

impl RateSchedule {
    /// One rate for ever; 0 is unlimited.
    #[must_use]
    pub fn fixed(rate: f64) -> Self {
        Self { first: rate, later: Vec::new() }
    }

    /// The rate at the beginning.
    #[must_use]
    pub fn first(&self) -> f64 {
        self.first
    }

    /// The `index`-th change, counted from 0: when, and to what.
    #[must_use]
    pub fn change(&self, index: usize) -> Option<(Duration, f64)> {
        self.later.get(index).copied()
    }

    /// Every rate allows at least one answer in a second.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.later.iter().map(|(_, rate)| *rate).chain([self.first]).all(|rate| rate == 0.0 || rate >= 1.0)
    }
}

impl FromStr for RateSchedule {
    type Err = Error;

    fn from_str(given: &str) -> Result<Self, Error> {
        let wrong = |why| Error::Rate { given: given.to_owned(), why };
        let rate = |text: &str| match text.trim().parse::<f64>() {
            Ok(rate) if rate == 0.0 || (0.001..=1e9).contains(&rate) => Ok(rate),
            Ok(_) => Err(wrong("a rate is 0, or from 0.001 to 1000000000")),
            Err(_) => Err(wrong("a rate must be a number")),
        };
        let mut parts = given.split(',');
        let first = rate(parts.next().unwrap_or_default())?;
        let mut later: Vec<(Duration, f64)> = Vec::new();
        for part in parts {
            let (text, at) = part.split_once('@').ok_or(wrong("each rate but the first needs its @time"))?;
            let seconds = at.trim().strip_suffix('s').and_then(|seconds| seconds.parse::<f64>().ok());
            let at = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
            let at = at.ok_or(wrong("a time is seconds, like 7s or 0.5s"))?;
            if later.last().is_some_and(|(before, _)| *before >= at) {
                return Err(wrong("the times must ascend"));
            }
            later.push((at, rate(text)?));
        }
        Ok(Self { first, later })
    }
}

/// Faults on purpose in replies to SENDLINE, each with its probability.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Chaos {
    /// A reply leaves so much later.
    pub delay: (f64, Duration),
    /// A reply leaves in writes of so many bytes.
    pub split: (f64, usize),
    /// A reply ends in the middle, and with it the connection.
    pub cut: f64,
    /// A request is not looked at.
    pub silent: f64,
    /// A reply is a violation that can be told.
    pub garbage: f64,
}

impl FromStr for Chaos {
    type Err = Error;

    fn from_str(given: &str) -> Result<Self, Error> {
        let wrong = |why| Error::Chaos { given: given.to_owned(), why };
        let share = |text: &str| {
            let share = text.trim().parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
            share.ok_or(wrong("a probability is a number from 0 to 1"))
        };
        let pair = |text: &str| {
            let (text, amount) = text.split_once(':').ok_or(wrong("delay and split need P:AMOUNT"))?;
            let amount = amount.trim().parse::<u32>().map_err(|_| wrong("an amount is a whole number"))?;
            Ok((share(text)?, amount))
        };
        let mut chaos = Self::default();
        for part in given.split(',') {
            let (fault, value) = part.split_once('=').ok_or(wrong("each part is FAULT=VALUE"))?;
            match fault.trim() {
                "delay" => {
                    let (share, ms) = pair(value)?;
                    chaos.delay = (share, Duration::from_millis(ms.into()));
                }
                "split" => {
                    let (share, bytes) = pair(value)?;
                    if bytes == 0 {
                        return Err(wrong("a reply can't be split in pieces of 0 bytes"));
                    }
                    chaos.split = (share, bytes as usize);
                }
                "cut" => chaos.cut = share(value)?,
                "silent" => chaos.silent = share(value)?,
                "garbage" => chaos.garbage = share(value)?,
                _ => return Err(wrong("there is no such fault")),
            }
        }
        Ok(chaos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_reads_as_it_is_written() {
        let schedule: RateSchedule = "100,30@7s,300@14.5s".parse().unwrap();
        let second = Duration::from_secs(1);
        assert_eq!(schedule.first(), 100.0);
        assert_eq!(schedule.change(0), Some((7 * second, 30.0)));
        assert_eq!(schedule.change(1), Some((14 * second + second / 2, 300.0)));
        assert_eq!(schedule.change(2), None);
        assert_eq!("0".parse(), Ok(RateSchedule::fixed(0.0)));
        assert!(schedule.is_whole() && !RateSchedule::fixed(0.5).is_whole());
    }

    #[test]
    fn a_bad_schedule_says_what_is_wrong() {
        for (given, why) in [
            ("", "number"),
            ("fast", "number"),
            ("-1", "from 0.001"),
            ("nan", "from 0.001"),
            ("1e-300", "from 0.001"),
            ("100,30", "@time"),
            ("100,30@7", "seconds"),
            ("100,30@-7s", "seconds"),
            ("100,30@7s,20@7s", "ascend"),
        ] {
            let error = given.parse::<RateSchedule>().unwrap_err().to_string();
            assert!(error.contains(why) && error.contains("give lines a second"), "{error}");
        }
    }

    #[test]
    fn chaos_reads_as_it_is_written() {
        let chaos: Chaos = "delay=0.5:20,split=1:3,cut=0.01,silent=0,garbage=0.25".parse().unwrap();
        assert_eq!(chaos.delay, (0.5, Duration::from_millis(20)));
        assert_eq!((chaos.split, chaos.cut, chaos.silent, chaos.garbage), ((1.0, 3), 0.01, 0.0, 0.25));
    }

    #[test]
    fn bad_chaos_says_what_is_wrong() {
        for (given, why) in [
            ("", "FAULT=VALUE"),
            ("cut=2", "from 0 to 1"),
            ("delay=0.5", "P:AMOUNT"),
            ("delay=0.5:long", "whole number"),
            ("split=1:0", "0 bytes"),
            ("burn=1", "no such fault"),
        ] {
            let error = given.parse::<Chaos>().unwrap_err().to_string();
            assert!(error.contains(why) && error.contains("give a list"), "{error}");
        }
    }
}
