//! The curve of held lines, and the one that chance expects of the same draws.
//!
//! Each draw finds a missing line with probability missing/N, so m missing lines are m*(1-1/N)^d after d draws. The
//! draws are counted here and taken from the rates of the peers; what lies ahead goes on at the present rate. The
//! number of points is bounded: a long run keeps every second one, again and again.

use lineswarm_proto::wire::control::{Peer, Status};

const POINTS: usize = 1024;
/// Points of what lies ahead.
const AHEAD: u32 = 64;

/// See the module. Times are the daemon's uptime in seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    pub held: Vec<(f64, f64)>,
    pub theory: Vec<(f64, f64)>,
    run: Option<Run>,
    /// A look adds a point if it comes that much after the last one.
    step_s: f64,
}

/// The download that the points are of.
#[derive(Clone, Debug, PartialEq)]
struct Run {
    epoch: u64,
    server: String,
    lines: u32,
    last_s: f64,
    have: u32,
    draws: u64,
    /// Lines that chance expects to be held by now.
    expected: f64,
}

impl Curve {
    /// One look at the daemon.
    pub fn see(&mut self, status: &Status, peers: &[Peer]) {
        let job = &status.job;
        let Some(lines) = job.lines.filter(|lines| *lines > 0) else { return };
        let now = status.uptime_s;
        let goes_on = self.run.as_ref().is_some_and(|run| {
            run.lines == lines
                && run.epoch == status.epoch
                && run.server == job.server
                && run.last_s <= now
                && run.have <= job.have
                && run.draws <= job.draws
        });
        if !goes_on {
            let expected = f64::from(job.have);
            *self = Self::default();
            self.run = Some(Run {
                epoch: status.epoch,
                server: job.server.clone(),
                lines,
                last_s: now,
                have: job.have,
                draws: job.draws,
                expected,
            });
            self.add(now, f64::from(job.have), expected);
            return;
        }
        let Some(run) = &mut self.run else { return };
        if run.have >= lines {
            return;
        }
        let own = (job.draws - run.draws) as f64;
        let others = others_rate(peers) * (now - run.last_s);
        run.expected = after(run.expected, own + others, lines);
        (run.last_s, run.have, run.draws) = (now, job.have, job.draws);
        let expected = run.expected;
        let is_due = self.held.last().is_none_or(|(last, _)| now >= last + self.step_s);
        if is_due || job.have >= lines {
            self.add(now, f64::from(job.have), expected);
        }
    }

    fn add(&mut self, now: f64, held: f64, expected: f64) {
        self.held.push((now, held));
        self.theory.push((now, expected));
        if self.held.len() >= POINTS {
            thin(&mut self.held);
            thin(&mut self.theory);
            let span = self.held.first().map_or(0.0, |(first, _)| now - first);
            self.step_s = span / self.held.len() as f64;
        }
    }

    /// Lines that chance expects to be held by now.
    #[must_use]
    pub fn expected(&self) -> Option<f64> {
        self.run.as_ref().map(|run| run.expected)
    }

    /// Where theory goes from here in `eta_s` seconds, with so many draws a second.
    #[must_use]
    pub fn ahead(&self, rate: f64, eta_s: f64) -> Vec<(f64, f64)> {
        let Some(run) = self.run.as_ref().filter(|_| eta_s > 0.0 && eta_s.is_finite()) else {
            return Vec::new();
        };
        let point = |step: u32| {
            let span = eta_s * f64::from(step) / f64::from(AHEAD);
            (run.last_s + span, after(run.expected, rate * span, run.lines))
        };
        (1..=AHEAD).map(point).collect()
    }
}

/// Draws a second of all linked peers.
#[must_use]
pub fn others_rate(peers: &[Peer]) -> f64 {
    let linked = peers.iter().filter(|peer| peer.state == "linked");
    linked.filter_map(|peer| peer.rate).filter(|rate| rate.is_finite()).sum()
}

/// Lines that chance expects to be held `draws` draws after `held` of `lines` were.
fn after(held: f64, draws: f64, lines: u32) -> f64 {
    let all = f64::from(lines);
    all - (all - held) * (1.0 - 1.0 / all).powf(draws.max(0.0))
}

/// Every second point, and the last.
fn thin(points: &mut Vec<(f64, f64)>) {
    let last = points.len().saturating_sub(1);
    let mut at = 0;
    points.retain(|_| {
        at += 1;
        at % 2 == 1 || at > last
    });
}
