//! Peers behind a DNS name: all its A and AAAA records, looked up again and again.
//!
//! The system's resolver blocks, so the lookup happens in the resolver's thread. A name that can't be looked up is
//! told once, and asked for again.

use super::{Found, pace::Pace};
use crate::{
    logging::value,
    net::resolve::{Answer, Asked, Resolver},
};
use lineswarm_proto::time::Moment;
use std::{net::SocketAddr, rc::Rc, time::Duration};

const FIRST: Duration = Duration::from_secs(2);
const SLOWEST_WHILE_MISSING: Duration = Duration::from_secs(30);
const SLOWEST: Duration = Duration::from_secs(300);

#[derive(Debug)]
pub(super) struct Name {
    /// `host:port`, as the resolver is asked.
    name: String,
    how: Rc<str>,
    pace: Pace,
    problem: Option<String>,
}

impl Name {
    pub(super) fn new(name: &str, port: u16, now: Moment) -> Self {
        let how = format!("dns:{name}").into();
        Self { name: format!("{name}:{port}"), how, pace: Pace::new(FIRST, SLOWEST, now), problem: None }
    }

    pub(super) fn how(&self) -> &str {
        &self.how
    }

    pub(super) fn deadline(&self) -> Moment {
        self.pace.deadline()
    }

    pub(super) fn hurry(&mut self, now: Moment) {
        self.pace.hurry(now, Duration::ZERO);
    }

    /// Asks if it is time.
    pub(super) fn turn(
        &mut self,
        now: Moment,
        jitter: f64,
        missing: &dyn Fn() -> bool,
        resolver: &mut Resolver,
    ) {
        if !self.pace.is_due(now) {
            return;
        }
        let quick = self.problem.is_some() || missing();
        self.pace.set_slowest(if quick { SLOWEST_WHILE_MISSING } else { SLOWEST });
        self.pace.step(now, false, jitter);
        match resolver.ask(&self.name) {
            // A text that looks like an address is not accepted as a name by the configuration.
            Ok(Asked::Later | Asked::Known(_)) => {}
            Err(error) => self.tell(Some(error.to_string())),
        }
    }

    /// The addresses of the answer, if it is for this name.
    pub(super) fn on_answer(&mut self, answer: &Answer, found: &mut dyn FnMut(Found)) {
        if answer.name != self.name {
            return;
        }
        match &answer.addresses {
            Ok(addresses) => {
                let each =
                    |address: &SocketAddr| found(Found { address: *address, how: Rc::clone(&self.how) });
                addresses.iter().for_each(each);
                self.tell(None);
            }
            Err(error) => self.tell(Some(error.to_string())),
        }
    }

    fn tell(&mut self, problem: Option<String>) {
        if let Some(problem) = &problem
            && self.problem.as_ref() != Some(problem)
        {
            log::warn!("lookup-failed name={} why={}", value(&self.name), value(problem));
        }
        self.problem = problem;
    }
}
