#![allow(warnings)]
mod pacer { pub(crate) mod link; }
use lineswarm_proto::line_server::limiter::LimiterKind;
use pacer::link::*;
use std::time::Duration;
#[test] fn trace() {
    let e = |k: &str, d: f64| std::env::var(k).ok().and_then(|v| v.parse().ok()).unwrap_or(d);
    let kind = match std::env::var("K").as_deref() { Ok("b") => LimiterKind::Bucket, Ok("w") => LimiterKind::Window, _ => LimiterKind::Spacing };
    let mut s = Scene::new(kind, e("R", 1000.0));
    s.burst = e("B", 1.0) as u32; s.latency = Duration::from_millis(e("L", 0.0) as u64); s.seconds = e("S", 4.0); s.from = 0.0;
    if s.latency > Duration::ZERO { s.jitter = Duration::from_micros(e("J", 100.0) as u64); }
    if e("C", 0.0) > 0.0 { s.rates = vec![(0.0, 100.0), (7.0, 30.0), (14.0, 300.0)]; }
    s.hiccup_every = e("H", 1000.0) as u32;
    s.single = e("SINGLE", 0.0) > 0.0;
    s.seed = e("SEED", 1.0) as u64;
    let c = run(&s);
    let t0 = c.sends.first().unwrap().0;
    let (f, t) = (e("F", 0.0), e("T", 0.0));
    let mut last = t0;
    for x in &c.sends { 
        let at = (x.0 - t0) as f64 / 1e6;
        if at >= f && at < t { println!("{:10} gap {:8} {} p={:9.1} out={} {}", x.0 - t0, x.0 - last, if x.1 {"ok "} else {"  -"}, x.2, x.3, x.4); }
        if x.1 { last = x.0; }
    }
    let mut sec = vec![(0, 0); s.seconds as usize + 2];
    for x in &c.sends { let q = &mut sec[((x.0 - t0) / 1_000_000) as usize]; if x.1 { q.0 += 1 } else { q.1 += 1 } }
    println!("{sec:?} wakeups {}", c.wakeups);
    println!("{:?}", c.belief);
}
