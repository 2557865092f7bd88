//! What a node is called that nobody gave a name: as its host.
//!
//! A host's name is whatever somebody wrote there, or nothing. The name of a node is one part of a path like
//! `lab1/alice`, in lower case, and tells machines apart as far as they can be told apart.

use sha2::{Digest, Sha256};

/// What a host is called whose name nobody set.
const NOBODY: [&str; 4] = ["", "localhost", "none", "localhost4"];
/// As in `limits::NAME_BYTES`, with room for an instance. Linux has at most 64.
const BYTES: usize = 64;

/// The first label of the host's name; without one, a name made of the machine's id; without that, `default`.
pub(super) fn node_name(host: &str, machine_id: Option<&str>) -> String {
    let label = match host.parse::<std::net::IpAddr>() {
        Ok(_) => host,
        Err(_) => host.trim().split('.').next().unwrap_or_default(),
    };
    let sound = |c: char| if c.is_alphanumeric() || c == '_' { c } else { '-' };
    let name: String = label.to_lowercase().chars().map(sound).collect();
    let name = name.trim_matches('-');
    if !NOBODY.contains(&name) {
        let end = (0..=name.len().min(BYTES)).rev().find(|end| name.is_char_boundary(*end));
        return name.get(..end.unwrap_or(0)).unwrap_or_default().to_owned();
    }
    match machine_id.map(str::trim).filter(|id| !id.is_empty()) {
        // The id itself is nobody's business: see machine-id(5).
        Some(id) => {
            let hash = Sha256::new().chain_update("lineswarm node.name ").chain_update(id).finalize();
            format!("node-{}", hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect::<String>())
        }
        None => "default".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_without_a_name_is_called_as_its_host() {
        for (host, name) in [
            ("alice", "alice"),
            ("web-0", "web-0"),
            ("4f1c0de5a7b2", "4f1c0de5a7b2"),
            ("Lab1.example.org", "lab1"),
            ("alice.", "alice"),
            ("B\u{fc}ro", "b\u{fc}ro"),
            ("a b/c\u{1b}[31m", "a-b-c--31m"),
            ("10.0.0.7", "10-0-0-7"),
            ("my_host", "my_host"),
        ] {
            assert_eq!(node_name(host, Some("1234")), name, "{host}");
        }
        let long = node_name(&"\u{fc}".repeat(200), None);
        assert!(long.len() <= BYTES && long.starts_with('\u{fc}'));
    }

    #[test]
    fn a_host_without_a_name_is_called_by_its_machine_and_says_nothing_of_the_machines_id() {
        let id = "0123456789abcdef0123456789abcdef";
        let name = node_name("localhost", Some(id));
        assert!(name.starts_with("node-") && name.len() == 13, "{name}");
        for host in ["", "(none)", "localhost.localdomain", "LOCALHOST", ".", "-", "\u{1b}\u{7}"] {
            assert_eq!(node_name(host, Some(&format!("{id}\n"))), name, "{host:?}");
            assert_eq!(node_name(host, None), "default");
            assert_eq!(node_name(host, Some("\n")), "default");
        }
        assert_ne!(node_name("localhost", Some("another")), name);
        assert!(!name.contains(&id[..4]));
    }
}
