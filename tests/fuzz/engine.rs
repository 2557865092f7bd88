//! One engine among strangers: the simulator's node, disk and oracle, with a line server, peers, operators and crashes as
//! the bytes wish (`tests/sim/hostile.rs`).

pub(crate) fn run(bytes: &[u8]) {
    if let Err(broken) = sim::hostile::run(bytes, false) {
        let told = sim::hostile::run(bytes, true);
        assert!(told.is_ok(), "{}", told.err().unwrap_or(broken));
        assert!(told.is_err(), "played again it was another run: {broken}");
    }
}
