//! What the pacer does and believes in a number of scenes, every six seconds, beside the file that says what it did when
//! somebody last looked: no change of pacing goes unseen. After a wanted one: UPDATE=1 cargo test -p lineswarm-proto --test pacer.

use super::link::{Client, Scene, run_client};
use lineswarm_proto::{
    engine::pacer::{Belief, Pacer},
    line_server::{
        Single,
        limiter::LimiterKind::{Bucket, Spacing, Window},
    },
    time::Moment,
};
use std::{fs, num::NonZeroU32, time::Duration};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/pacer.txt");

/// A pacer whose every send goes into one number, and whose beliefs are told every six seconds.
struct Traced {
    pacer: Pacer,
    start: Option<Moment>,
    second: u64,
    sent: u32,
    answered: u32,
    refused: u32,
    all: u64,
    told: String,
}

impl Traced {
    fn new(scene: &Scene) -> Self {
        Self {
            pacer: Pacer::new(scene.cap, scene.depth, scene.seed),
            start: None,
            second: 0,
            sent: 0,
            answered: 0,
            refused: 0,
            all: 0,
            told: String::new(),
        }
    }

    fn tell(&mut self, second: u64) {
        let Belief { aim, kind, confidence, rtt, depth, .. } = self.pacer.belief();
        let limit = aim.map_or_else(|| "-".into(), |aim| format!("{aim:.2}"));
        self.told += &format!(
            "{second:2} s: {} asked, {} answered, {} refused; {} {limit}/s, sure {confidence:.2}, {} us, depth {depth}; {:08x}\n",
            self.sent,
            self.answered,
            self.refused,
            kind.name(),
            rtt.as_micros(),
            self.all >> 32,
        );
    }
}

impl Client for Traced {
    fn due(&mut self, now: Moment) -> u32 {
        let second = now.since(*self.start.get_or_insert(now)).as_secs();
        if second >= self.second + 6 {
            self.second = second;
            self.tell(second);
        }
        self.pacer.due(now)
    }
    fn deadline(&self) -> Option<Moment> {
        self.pacer.deadline()
    }
    fn on_sent(&mut self, count: u32, now: Moment) {
        self.sent += count;
        for value in [u64::from(count), now.0] {
            self.all = (self.all ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        }
        self.pacer.on_sent(count, now);
    }
    fn on_reply(&mut self, answered: bool, now: Moment) {
        *if answered { &mut self.answered } else { &mut self.refused } += 1;
        self.pacer.on_reply(answered, now);
    }
    fn on_lost(&mut self, now: Moment) {
        self.pacer.on_lost(now);
    }
    fn on_silence(&mut self, now: Moment) {
        self.pacer.on_silence(now);
    }
    fn patience(&self) -> Option<Duration> {
        self.pacer.patience()
    }
    fn outstanding(&self) -> u32 {
        self.pacer.outstanding()
    }
    fn belief(&self) -> Option<Belief> {
        Some(self.pacer.belief())
    }
}

fn scenes() -> Vec<(String, Scene)> {
    let mut scenes = Vec::new();
    let mut add = |name: &str, scene: Scene| {
        scenes.push((name.to_owned(), Scene { seconds: 26.0, from: 0.0, ..scene }))
    };
    for kind in [Spacing, Bucket, Window] {
        for (rate, burst, latency) in [
            (100.0, 1, 0),
            (1000.0, 10, 0),
            (20.0, 3, 1),
            (100.0, 10, 50),
            (100.0, 100, 200),
            (3000.0, 50, 20),
            (40.0, 2, 5),
            (250.0, 30, 5),
        ] {
            let name = format!("{kind:?} {rate}/s, burst {burst}, {latency} ms");
            add(&name, Scene { burst, ..Scene::new(kind, rate).latency(latency) });
        }
        for latency in [0, 30] {
            let base = Scene { burst: 5, ..Scene::new(kind, 100.0).latency(latency) };
            let rates = vec![(0.0, 100.0), (7.0, 30.0), (14.0, 300.0)];
            add(&format!("{kind:?} 100, 30, 300/s, {latency} ms"), Scene { rates, ..base.clone() });
            let losses = vec![1.0, 2.5, 2.7, 5.1, 11.3, 19.0];
            add(&format!("{kind:?} 100/s, {latency} ms, losses"), Scene { losses, ..base.clone() });
            let late = Duration::from_millis(3);
            add(&format!("{kind:?} 100/s, {latency} ms, late wake-ups"), Scene { late, ..base.clone() });
            let lossy = Some((0.1, 14.0));
            add(&format!("{kind:?} 100/s, {latency} ms, lossy path"), Scene { lossy, ..base.clone() });
            let cap = Some(70.0);
            add(&format!("{kind:?} 100/s, {latency} ms, cap 70"), Scene { cap, ..base.clone() });
            add(
                &format!("{kind:?} 100/s, {latency} ms, one by one"),
                Scene { single: Some(Single::Ignore), ..base.clone() },
            );
            let depth = NonZeroU32::new(2);
            add(&format!("{kind:?} 100/s, {latency} ms, depth 2"), Scene { depth, ..base });
        }
    }
    let unlimited = Scene { hiccup_every: 0, ..Scene::new(Spacing, 0.0).latency(100) };
    add("no limit, 100 ms, depth 64", Scene { depth: NonZeroU32::new(64), ..unlimited.clone() });
    add("no limit, 100 ms, cap 500", Scene { cap: Some(500.0), ..unlimited });
    scenes
}

#[test]
#[expect(clippy::disallowed_methods, reason = "whoever runs a test says whether to write")]
fn no_change_of_pacing_goes_unseen() {
    let mut now = String::new();
    for (name, scene) in scenes() {
        let mut traced = Traced::new(&scene);
        run_client(&scene, &mut traced);
        now += &format!("{name}\n{}\n", traced.told);
    }
    if std::env::var_os("UPDATE").is_some() {
        fs::write(FILE, &now).unwrap();
    }
    let golden = fs::read_to_string(FILE).unwrap();
    let differs = golden.lines().zip(now.lines()).find(|(before, now)| before != now);
    assert!(golden == now, "pacing changed, first: {differs:?} (if wanted, see {})", file!());
}
