#[allow(dead_code, unused_imports)]
mod exit;
#[allow(dead_code, unused_imports)]
mod store;
fn main() {}
