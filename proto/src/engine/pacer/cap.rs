//! The user's cap: answers a second that are never exceeded. A request counts when it is sent; a refusal that is learnt
//! soon gives its share back. A little lateness (at most [`CREDIT`] or one request) is made up for, so that the cap is also reached.

use super::Micros;

const CREDIT: Micros = 5_000.0;

#[derive(Debug)]
pub(super) struct Cap {
    /// µs a request; zero without a cap.
    period: Micros,
    next: Micros,
}

impl Cap {
    pub(super) fn new(rate: Option<f64>) -> Self {
        let mut cap = Self { period: 0.0, next: 0.0 };
        cap.set(rate);
        cap
    }

    pub(super) fn set(&mut self, rate: Option<f64>) {
        let period = rate.filter(|rate| *rate > 0.0).map_or(0.0, |rate| 1e6 / rate);
        self.next += period - self.period;
        self.period = period;
    }

    /// µs a request; zero without a cap.
    pub(super) fn period(&self) -> Micros {
        self.period
    }

    pub(super) fn allows(&self, now: Micros) -> u32 {
        if self.period <= 0.0 {
            return u32::MAX;
        }
        if now < self.next {
            return 0;
        }
        let since = self.next.max(now - CREDIT.max(self.period));
        ((now - since) / self.period) as u32 + 1
    }

    pub(super) fn next(&self) -> Micros {
        if self.period > 0.0 { self.next } else { 0.0 }
    }

    pub(super) fn on_sent(&mut self, count: u32, now: Micros) {
        self.next = self.next.max(now - CREDIT.max(self.period)) + self.period * f64::from(count);
    }

    /// The request sent then was refused; so many others are under way. One that is learnt of too late is not made up
    /// for, nor is more than the credit saved by asking in vain: all that are under way may be answered at once.
    pub(super) fn refund(&mut self, sent: Micros, now: Micros, under_way: u32) {
        let credit = CREDIT.max(self.period);
        if now - sent < credit {
            let least = now - credit + self.period * f64::from(under_way);
            self.next = self.next.min(least.max(self.next - self.period));
        }
    }
}
