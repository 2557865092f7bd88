//! One client and one line server in virtual time: a link with latency and jitter, a process that wakes up late, a
//! limiter, and two clients to compare: the pacer and one that asks at a fixed interval.

use lineswarm_proto::{
    engine::pacer::{Belief, Pacer},
    line_server::{
        Single,
        limiter::{Limiter, LimiterKind},
    },
    time::Moment,
};
use std::{collections::VecDeque, num::NonZeroU32, time::Duration};

/// What is rehearsed.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) kind: LimiterKind,
    /// The rate from each second on; 0 is unlimited.
    pub(crate) rates: Vec<(f64, f64)>,
    pub(crate) burst: u32,
    pub(crate) latency: Duration,
    /// Each way takes up to this much longer.
    pub(crate) jitter: Duration,
    pub(crate) seed: u64,
    pub(crate) cap: Option<f64>,
    pub(crate) depth: Option<NonZeroU32>,
    /// What the server makes of several requests, if not one answer each.
    pub(crate) single: Option<Single>,
    /// The connection is lost at these seconds.
    pub(crate) losses: Vec<f64>,
    pub(crate) seconds: f64,
    /// Counting starts here.
    pub(crate) from: f64,
    /// One wake-up in so many is late, by 1-5 ms.
    pub(crate) hiccup_every: u32,
    /// This share of the segments, each way, is held up by 200-400 ms, and all behind them: lost and sent again by TCP.
    /// Until this second.
    pub(crate) lossy: Option<(f64, f64)>,
    /// Every wake-up for a deadline is late by up to this: a machine whose processors others use.
    pub(crate) late: Duration,
}

impl Scene {
    pub(crate) fn new(kind: LimiterKind, rate: f64) -> Self {
        Self {
            kind,
            rates: vec![(0.0, rate)],
            burst: 1,
            latency: Duration::ZERO,
            jitter: Duration::from_micros(10),
            seed: 1,
            cap: None,
            depth: None,
            single: None,
            losses: Vec::new(),
            seconds: 22.0,
            from: 2.0,
            hiccup_every: 2000,
            lossy: None,
            late: Duration::ZERO,
        }
    }

    /// The same over a longer link: `ms` each way, with a jitter of 100 us.
    pub(crate) fn latency(mut self, ms: u64) -> Self {
        if ms > 0 {
            self.latency = Duration::from_millis(ms);
            self.jitter = Duration::from_micros(100);
        }
        self
    }
}

/// What the server counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Count {
    pub(crate) useful: u64,
    pub(crate) refused: u64,
    pub(crate) asked: u64,
    pub(crate) wakeups: u64,
    /// When each answered request arrived, µs.
    pub(crate) answered_at: Vec<u64>,
    pub(crate) belief: Option<Belief>,
    pub(crate) deepest: u32,
    pub(crate) idle: bool,
}

impl Count {
    pub(crate) fn share(&self, scene: &Scene) -> f64 {
        self.useful as f64 / allowed(scene)
    }

    pub(crate) fn price(&self) -> f64 {
        self.refused as f64 / (self.useful as f64).max(1.0)
    }
}

/// How many answers the limit allows while counting.
pub(crate) fn allowed(scene: &Scene) -> f64 {
    let mut sum = 0.0;
    for (at, &(from, rate)) in scene.rates.iter().enumerate() {
        let to = scene.rates.get(at + 1).map_or(scene.seconds, |next| next.0);
        sum += rate * (to.min(scene.seconds) - from.max(scene.from)).max(0.0);
    }
    sum
}

/// A reply on its way: when it arrives, and whether it is an answer.
type Replies = VecDeque<(u64, bool)>;

struct Server {
    limiter: Limiter,
    rates: VecDeque<(u64, f64)>,
    start: u64,
    /// Arrival times keep their order, both ways.
    last_up: u64,
    last_down: u64,
}

/// Asks whenever the fixed interval has passed.
#[derive(Debug)]
pub(crate) struct Naive {
    pub(crate) every: Duration,
    pub(crate) next: Moment,
}

pub(crate) trait Client {
    fn due(&mut self, now: Moment) -> u32;
    fn deadline(&self) -> Option<Moment>;
    fn on_sent(&mut self, count: u32, now: Moment);
    fn on_reply(&mut self, answered: bool, now: Moment);
    fn on_lost(&mut self, now: Moment);
    fn on_silence(&mut self, now: Moment);
    fn patience(&self) -> Option<Duration>;
    fn outstanding(&self) -> u32;
    fn belief(&self) -> Option<Belief>;
}

impl Client for Pacer {
    fn due(&mut self, now: Moment) -> u32 {
        Self::due(self, now)
    }
    fn deadline(&self) -> Option<Moment> {
        Self::deadline(self)
    }
    fn on_sent(&mut self, count: u32, now: Moment) {
        Self::on_sent(self, count, now);
    }
    fn on_reply(&mut self, answered: bool, now: Moment) {
        Self::on_reply(self, answered, now);
    }
    fn on_lost(&mut self, now: Moment) {
        Self::on_lost(self, now);
    }
    fn on_silence(&mut self, now: Moment) {
        Self::on_silence(self, now);
    }
    fn patience(&self) -> Option<Duration> {
        Self::patience(self)
    }
    fn outstanding(&self) -> u32 {
        Self::outstanding(self)
    }
    fn belief(&self) -> Option<Belief> {
        Some(Self::belief(self))
    }
}

impl Client for Naive {
    fn due(&mut self, now: Moment) -> u32 {
        u32::from(now >= self.next)
    }
    fn deadline(&self) -> Option<Moment> {
        Some(self.next)
    }
    fn on_sent(&mut self, _: u32, now: Moment) {
        self.next = now + self.every;
    }
    fn on_reply(&mut self, _: bool, _: Moment) {}
    fn on_lost(&mut self, _: Moment) {}
    fn on_silence(&mut self, _: Moment) {}
    fn patience(&self) -> Option<Duration> {
        None
    }
    fn outstanding(&self) -> u32 {
        0
    }
    fn belief(&self) -> Option<Belief> {
        None
    }
}

/// Runs the pacer through the scene.
pub(crate) fn run(scene: &Scene) -> Count {
    let mut pacer = Pacer::new(scene.cap, scene.depth, scene.seed);
    run_client(scene, &mut pacer)
}

pub(crate) fn run_client(scene: &Scene, client: &mut impl Client) -> Count {
    let mut random = fastrand::Rng::with_seed(scene.seed ^ 0x9e37_79b9);
    let phase = random.u64(0..1_000_000);
    let start = 1_000_000 + phase;
    let us = |seconds: f64| start + (seconds * 1e6) as u64;
    let (end, from) = (us(scene.seconds), us(scene.from));
    let first = scene.rates.first().map_or(0.0, |rate| rate.1);
    let mut server = Server {
        limiter: Limiter::new(scene.kind, first, scene.burst, Moment(start)),
        rates: scene.rates.iter().skip(1).map(|&(at, rate)| (us(at), rate)).collect(),
        start,
        last_up: 0,
        last_down: 0,
    };
    let mut losses: VecDeque<u64> = scene.losses.iter().map(|&at| us(at)).collect();
    let mut replies = Replies::new();
    let mut count = Count::default();
    let mut now = start;
    let mut heard = now;
    let (mut same, mut busy) = (0, false);
    while now < end {
        count.wakeups += 1;
        if losses.front().is_some_and(|&at| at <= now) {
            losses.pop_front();
            replies.clear();
            now += 5_000;
            heard = now;
            client.on_lost(Moment(now));
        }
        while let Some(&(at, answered)) = replies.front() {
            if at > now {
                break;
            }
            replies.pop_front();
            heard = now;
            client.on_reply(answered, Moment(now));
        }
        let patience = client.patience().unwrap_or(Duration::from_secs(5));
        let quiet = Moment(heard) + patience;
        if client.outstanding() > 0 && Moment(now) >= quiet {
            replies.clear();
            now += 5_000;
            heard = now;
            client.on_silence(Moment(now));
        }
        let due = client.due(Moment(now));
        if due > 0 {
            if client.outstanding() == 0 {
                heard = now;
            }
            client.on_sent(due, Moment(now));
            count.deepest = count.deepest.max(client.outstanding());
            server.take(scene, due, now, from..end, &mut replies, &mut count, &mut random);
            now += 3;
        }
        // Wait for a deadline, a reply or the end of patience; wake up a little after it.
        let deadline = client.deadline().map(|at| at.0);
        let patience = client.patience().unwrap_or(Duration::from_secs(5));
        let silence = (client.outstanding() > 0).then(|| (Moment(heard) + patience).0);
        let reply = replies.front().map(|reply| reply.0);
        let Some(wake) = [deadline, reply, silence].into_iter().flatten().min() else {
            count.idle = true;
            break;
        };
        if wake > now {
            same = 0;
            let timer = reply != Some(wake);
            now = wake + if timer { random.u64(40..=70) } else { random.u64(10..=30) };
            if timer && !scene.late.is_zero() {
                now += random.u64(0..scene.late.as_micros() as u64);
            }
            if scene.hiccup_every > 0 && random.u32(0..scene.hiccup_every) == 0 {
                now += random.u64(1_000..5_000);
            }
        } else {
            // The deadline has come while we worked: the loop turns once more.
            same += 1;
            busy |= same > 10_000;
            now += 1;
        }
        assert!(!busy, "busy loop at {now}: {:?}", client.belief());
    }
    count.belief = client.belief();
    count
}

impl Server {
    #[expect(clippy::too_many_arguments, reason = "one call in one loop")]
    fn take(
        &mut self,
        scene: &Scene,
        requests: u32,
        now: u64,
        counted: std::ops::Range<u64>,
        replies: &mut Replies,
        count: &mut Count,
        random: &mut fastrand::Rng,
    ) {
        let base = scene.latency.as_micros() as u64 + 20;
        let jitter = scene.jitter.as_micros() as u64;
        let lossy = scene.lossy.filter(|&(_, until)| now < self.start + (until * 1e6) as u64);
        let again = |random: &mut fastrand::Rng| match lossy {
            Some((share, _)) if random.f64() < share => random.u64(200_000..400_000),
            _ => 0,
        };
        let up = (now + base + random.u64(0..=jitter) + again(random)).max(self.last_up);
        let together = requests > 1 || up < self.last_up + 15;
        self.last_up = up;
        let busy = replies.back().is_some_and(|&(at, _)| at > up);
        let requests = match scene.single {
            Some(Single::Ignore) if together => return,
            Some(Single::First) if requests == 1 && together => return,
            Some(Single::Busy) if busy || (requests == 1 && together) => return,
            Some(Single::First | Single::Busy) => 1,
            _ => requests,
        };
        while let Some(&(at, rate)) = self.rates.front() {
            if at > up {
                break;
            }
            self.rates.pop_front();
            self.limiter.set_rate(rate, Moment(at));
        }
        for _ in 0..requests {
            let answered = self.limiter.allows(Moment(up));
            count.asked += 1;
            if counted.contains(&up) {
                count.useful += u64::from(answered);
                count.refused += u64::from(!answered);
            }
            if answered && (scene.cap.is_some() || scene.rates.iter().all(|rate| rate.1 > 0.0)) {
                count.answered_at.push(up);
            }
            let down = (up + base + random.u64(0..=jitter) + again(random)).max(self.last_down);
            self.last_down = down;
            replies.push_back((down, answered));
        }
    }
}
