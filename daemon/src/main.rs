#[allow(dead_code, unused_imports)]
mod exit;
#[allow(dead_code)] // until the event loop uses it
mod net;
#[allow(dead_code, unused_imports)]
mod store;

fn main() {}
