#![allow(warnings)]
mod pacer {
    pub(crate) mod link;
}
use lineswarm_proto::line_server::limiter::LimiterKind::*;
use pacer::link::*;
use std::time::Duration;
#[test]
fn first() {
    for (secs) in [1.0, 2.0, 5.0, 18.0] {
        for r in [10.0, 100.0, 200.0, 1000.0, 3000.0, 10000.0] {
            let mut o = String::new();
            for seed in 1..=4 {
                let mut s = Scene::new(Spacing, r);
                s.seed = seed;
                s.seconds = secs;
                s.from = 0.0;
                let c = run(&s);
                o += &format!(" {:.3}/{:.2}/w{}", c.share(&s), c.price(), c.wakeups);
            }
            println!("spacing {r} first {secs} s: {o}");
        }
    }
    for k in [Bucket, Window] {
        for r in [10.0, 30.0, 3000.0, 10000.0] {
            for b in [1, 2, 5, 100] {
                for l in [0, 5, 20, 200] {
                    let mut o = String::new();
                    for seed in 1..=4 {
                        let mut s = Scene::new(k, r);
                        s.burst = b;
                        s.seed = seed;
                        s.latency = Duration::from_millis(l);
                        if l > 0 {
                            s.jitter = Duration::from_micros(100);
                        }
                        let c = run(&s);
                        o += &format!(" {:.3}/{:.2}", c.share(&s), c.price());
                    }
                    println!("{k:?} {r} burst {b} lat {l}: {o}");
                    if k == Window {
                        break;
                    }
                }
                if k == Window {
                    break;
                }
            }
        }
    }
    for k in [Spacing] {
        for r in [10.0, 30.0, 300.0, 3000.0] {
            for l in [1, 5, 20, 200] {
                let mut o = String::new();
                for seed in 1..=4 {
                    let mut s = Scene::new(k, r);
                    s.seed = seed;
                    s.latency = Duration::from_millis(l);
                    s.jitter = Duration::from_micros(100);
                    let c = run(&s);
                    o += &format!(" {:.3}/{:.2}", c.share(&s), c.price());
                }
                println!("{k:?} {r} lat {l}: {o}");
            }
        }
    }
    for l in [0, 1, 20, 100, 200] {
        let mut s = Scene::new(Spacing, 0.0);
        s.latency = Duration::from_millis(l);
        s.seconds = if l > 1 { 5.0 } else { 0.02 };
        s.from = 0.0;
        let c = run(&s);
        println!(
            "unlimited lat {l}: useful {} deepest {} wakeups {} {:?}",
            c.useful, c.deepest, c.wakeups, c.belief
        );
    }
    for cap in [5.0, 50.0, 99.0, 1000.0] {
        let mut s = Scene::new(Spacing, 0.0);
        s.cap = Some(cap);
        s.seconds = 10.0;
        s.from = 0.0;
        let c = run(&s);
        println!("cap {cap}: {} w {}", c.useful, c.wakeups);
        let mut s = Scene::new(Spacing, 0.0);
        s.cap = Some(cap);
        s.seconds = 10.0;
        s.from = 0.0;
        s.latency = Duration::from_millis(100);
        let c = run(&s);
        println!("cap {cap} lat 100: {} w {} {}", c.useful, c.wakeups, c.deepest);
        let mut s = Scene::new(Spacing, 100.0);
        s.cap = Some(cap);
        s.seconds = 10.0;
        s.from = 0.0;
        let c = run(&s);
        println!("cap {cap} sp100: {} {} w {} ", c.useful, c.refused, c.wakeups);
    }
    for l in [0, 1, 20, 100] {
        for r in [0.0, 100.0] {
            let mut s = Scene::new(Spacing, r);
            s.single = true;
            s.latency = Duration::from_millis(l);
            s.seconds = 5.0;
            s.from = 0.0;
            let c = run(&s);
            println!(
                "single {r} lat {l}: useful {} deepest {} wakeups {} {:?}",
                c.useful, c.deepest, c.wakeups, c.belief
            );
        }
    }
}
