//! Connections that came and were refused: each is counted, and logged once a minute and source.

use crate::{logging::value, report::Report};
use lineswarm_proto::time::Moment;
use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

const QUIET: Duration = Duration::from_secs(60);
/// Sources remembered at once; beyond that the oldest goes, and may be logged again.
const SOURCES: usize = 1024;

#[derive(Debug, Default)]
pub(crate) struct Refusals {
    logged: BTreeMap<String, Moment>,
}

impl Refusals {
    /// `reason` is short, for the counter; `why` is for people.
    pub(crate) fn note(
        &mut self,
        from: &str,
        why: &str,
        reason: &'static str,
        now: Moment,
        report: &mut Report,
    ) {
        report.count_refusal(reason);
        let source =
            from.parse::<SocketAddr>().map_or_else(|_| from.into(), |address| address.ip().to_string());
        if self.logged.get(&source).is_some_and(|last| now < *last + QUIET) {
            return;
        }
        if self.logged.len() >= SOURCES {
            let oldest = self.logged.iter().min_by_key(|(_, at)| **at).map(|(source, _)| source.clone());
            oldest.and_then(|source| self.logged.remove(&source));
        }
        self.logged.insert(source, now);
        log::warn!("connection-refused from={} reason={reason} why={}", value(from), value(why));
    }
}
