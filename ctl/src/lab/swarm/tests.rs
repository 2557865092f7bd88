use super::*;

#[test]
fn each_peer_gets_a_loopback_address_of_its_own() {
    let addresses = free_addresses(3).unwrap();
    let ips: Vec<_> = addresses.iter().map(|address| address.ip().to_string()).collect();
    assert_eq!(ips, ["127.0.0.2", "127.0.0.3", "127.0.0.4"]);
    assert!(addresses.iter().all(|address| address.port() != 0));
}
