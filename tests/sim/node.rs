//! One node: the engine with its settings, its disk and its clock, through all its lives.

use crate::{
    agenda::{Agenda, Happening},
    disk::Disk,
    net::{Life, WireId},
};
use core::time::Duration;
use lineswarm_proto::{
    engine::{
        Engine,
        io::{ConnId, Effect, Input},
        settings::Settings,
    },
    ids::PeerId,
    time::Moment,
};
use std::collections::{BTreeMap, VecDeque};

/// See the module.
#[derive(Debug)]
pub struct Node {
    /// What the daemon would read from its configuration.
    pub settings: Settings,
    /// What survives.
    pub disk: Disk,
    pub(crate) engine: Option<Engine>,
    pub(crate) life: u32,
    pub(crate) power: bool,
    pub(crate) conns: BTreeMap<ConnId, Conn>,
    /// While the process is held up, what waits for it.
    pub(crate) frozen: Option<VecDeque<Happening>>,
    /// The engine was told to go: it belongs to nobody any more.
    pub left: bool,
    /// It left once: the others may have forgotten where it is.
    pub(crate) wandered: bool,
    clock: Clock,
    alarm: u64,
    skew_ppm: i64,
}

/// A connection of this life.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conn {
    pub(crate) wire: WireId,
    /// Which end of it this is.
    pub(crate) side: usize,
    /// Whom the handshake showed.
    pub(crate) peer: Option<PeerId>,
}

/// A monotonic clock that starts with the process and runs a little too fast or too slow.
#[derive(Clone, Copy, Debug, Default)]
struct Clock {
    born: Moment,
    skew_ppm: i64,
}

impl Clock {
    fn local(self, now: Moment) -> Moment {
        let true_us = now.0.saturating_sub(self.born.0);
        Moment(true_us.saturating_add_signed(self.drift(true_us)))
    }

    /// When this clock shows `local`.
    fn global(self, local: Moment) -> Moment {
        let rate = 1_000_000_i64.saturating_add(self.skew_ppm).unsigned_abs();
        let mut at = self.born + Duration::from_micros(local.0.saturating_mul(1_000_000) / rate.max(1));
        while self.local(at) < local {
            at = at + Duration::from_micros(1);
        }
        at
    }

    fn drift(self, micros: u64) -> i64 {
        i64::try_from(micros).unwrap_or(i64::MAX).saturating_mul(self.skew_ppm).div_euclid(1_000_000)
    }
}

impl Node {
    pub(crate) fn new(settings: Settings, skew_ppm: i64) -> Self {
        Self {
            settings,
            disk: Disk::default(),
            engine: None,
            life: 0,
            power: true,
            conns: BTreeMap::new(),
            frozen: None,
            left: false,
            wandered: false,
            clock: Clock::default(),
            alarm: 0,
            skew_ppm,
        }
    }

    /// The engine, if the node is up.
    #[must_use]
    pub fn engine(&self) -> Option<&Engine> {
        self.engine.as_ref()
    }

    /// Up, and not held up.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.engine.is_some() && self.frozen.is_none()
    }

    /// Up, master, and of which term.
    #[must_use]
    pub fn masters(&self) -> Option<lineswarm_proto::ids::Term> {
        let master = self.engine.as_ref()?.master()?;
        master.is_self.then_some(master.term)
    }

    pub(crate) fn life(&self) -> Life {
        match (&self.engine, self.power) {
            (Some(_), _) => Life::Lives(self.life),
            (None, true) => Life::Ended,
            (None, false) => Life::NoPower,
        }
    }

    /// A new life, with what the disk gives back. Returns what the engine wants done.
    pub(crate) fn start(&mut self, seed: u64, now: Moment) -> Vec<Effect> {
        self.life += 1;
        self.power = true;
        self.frozen = None;
        self.left = false;
        self.clock = Clock { born: now, skew_ppm: self.skew_ppm };
        let mut engine = Engine::new(self.settings.clone(), self.disk.restored(), seed, Moment::ZERO);
        let effects = core::iter::from_fn(|| engine.next_effect()).collect();
        self.engine = Some(engine);
        effects
    }

    pub(crate) fn handle(&mut self, input: Input<'_>, now: Moment) -> Vec<Effect> {
        let local = self.clock.local(now);
        let Some(engine) = &mut self.engine else { return Vec::new() };
        engine.handle(input, local);
        core::iter::from_fn(|| engine.next_effect()).collect()
    }

    /// Plans to wake the engine at its deadline, a little late as systems do.
    pub(crate) fn set_alarm(&mut self, node: usize, rng: &mut fastrand::Rng, agenda: &mut Agenda) {
        let Some((deadline, _)) = self.engine.as_ref().and_then(Engine::deadline) else { return };
        self.alarm += 1;
        let late = Duration::from_micros(rng.u64(1..100));
        agenda.plan(self.clock.global(deadline) + late, Happening::Wake { node, alarm: self.alarm });
    }

    /// Is this the deadline that was set last?
    pub(crate) fn is_due(&self, alarm: u64) -> bool {
        self.alarm == alarm && self.runs()
    }

    /// The process ends.
    pub(crate) fn end(&mut self, power: bool, rng: &mut fastrand::Rng) {
        self.disk.crash(rng);
        self.engine = None;
        self.power = power;
        self.frozen = None;
        self.conns.clear();
    }
}
