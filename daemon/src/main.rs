#[allow(dead_code)] // until the event loop uses it
mod net;

fn main() {}
