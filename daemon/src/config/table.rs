//! Every setting once: its place, kind, default, flags and meaning.
//!
//! Flags, environment variables, `--print-config`, "did you mean" and the check of etc/lineswarm/default.toml
//! are all derived from this table, so that a setting cannot exist in one of them alone.

/// What a setting's value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    /// Of a file or directory: a leading `~/` is the home directory.
    Path,
    /// A text of which only these are understood.
    Choice(&'static [&'static str]),
    /// Texts; repeated as a flag, separated by commas in the environment.
    List,
    /// A whole number.
    Whole,
    /// A whole number or `"auto"`.
    WholeOrAuto,
    /// A number or `"auto"`.
    NumberOrAuto,
    Switch,
    /// A text such as `"10s"` or `"500ms"`.
    Span,
}

impl Kind {
    /// For messages: "must be ...".
    pub(crate) fn expects(self) -> String {
        match self {
            Self::Text => "a text".into(),
            Self::Path => "a path".into(),
            Self::Choice(words) => format!("one of {}", quoted(words)),
            Self::List => "a list of texts".into(),
            Self::Whole => "a whole number".into(),
            Self::WholeOrAuto => "a whole number or \"auto\"".into(),
            Self::NumberOrAuto => "a number or \"auto\"".into(),
            Self::Switch => "true or false".into(),
            Self::Span => "a time such as \"10s\", \"500ms\" or \"2m\"".into(),
        }
    }
}

fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ")
}

/// One setting.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) section: &'static str,
    pub(crate) key: &'static str,
    pub(crate) kind: Kind,
    /// As a flag would give it. Where it depends on the user and the instance, `places` has it.
    pub(crate) default: &'static str,
    /// Long flags without dashes; the first is the one that `--help` shows.
    pub(crate) flags: &'static [&'static str],
    pub(crate) doc: &'static str,
}

impl Setting {
    /// `section.key`
    pub(crate) fn name(&self) -> String {
        format!("{}.{}", self.section, self.key)
    }

    /// The flag that `--help` shows, without dashes.
    pub(crate) fn flag(&self) -> &'static str {
        self.flags.first().copied().unwrap_or(self.key)
    }

    /// `LINESWARM_<SECTION>_<KEY>`
    pub(crate) fn variable(&self) -> String {
        format!("LINESWARM_{}_{}", self.section, self.key).to_uppercase().replace('-', "_")
    }
}

const fn setting(
    section: &'static str,
    key: &'static str,
    kind: Kind,
    default: &'static str,
    flags: &'static [&'static str],
    doc: &'static str,
) -> Setting {
    Setting { section, key, kind, default, flags, doc }
}

pub(crate) const TOPOLOGIES: &[&str] = &["mesh", "star", "ring"];
pub(crate) const QUORUMS: &[&str] = &["majority", "available", "grace"];
pub(crate) const IN_DOUBT: &[&str] = &["resubmit", "hold"];
pub(crate) const SUBMIT_BY: &[&str] = &["master", "every-peer", "nobody"];
pub(crate) const EXIT_WHEN: &[&str] = &["never", "done"];

/// All settings, in the order in which they are printed.
#[rustfmt::skip]
pub(crate) static SETTINGS: &[Setting] = &[
    setting("node", "name", Kind::Text, "", &["name"], "What peers and people call this node, such as lab1/alice; not set: the host's name"),
    setting("node", "state-dir", Kind::Path, "", &["state-dir"], "Directory of the node's key, its state and the lines it holds"),
    setting("node", "control-socket", Kind::Path, "", &["control-socket"], "Unix socket of those who may change things"),
    setting("node", "status-socket", Kind::Path, "", &["status-socket"], "Unix socket of those who may look"),
    setting("server", "address", Kind::Text, "127.0.0.1:9801", &["server", "address"], "The line server, host:port"),
    setting("server", "label", Kind::Text, "", &["label"], "Names the file, where one server has several addresses; empty: the address"),
    setting("server", "lines", Kind::WholeOrAuto, "1000", &["lines"], "How many lines the file has, or auto to find out"),
    setting("server", "identity", Kind::Text, "", &["identity"], "Who submits: <entry>@<team>; empty: anonymous@lineswarm to a server on loopback, and an error for others"),
    setting("server", "bind", Kind::List, "", &["bind"], "Source addresses to draw from, one connection each; none: one connection, the system's choice"),
    setting("server", "rate", Kind::NumberOrAuto, "auto", &["rate"], "At most so many requests a second, or auto to learn what the server allows"),
    setting("server", "pipeline", Kind::WholeOrAuto, "auto", &["pipeline"], "So many requests outstanding, or auto"),
    setting("swarm", "id", Kind::Text, "default", &["swarm", "id"], "The swarm's name; only peers of the same swarm talk"),
    setting("swarm", "listen", Kind::Text, "127.0.0.1:9900", &["listen"], "Address for peers, IP:port; port 0 is any free one"),
    setting("swarm", "advertise", Kind::Text, "", &["advertise"], "What peers are told to dial, IP:port; empty: the address we listen on"),
    setting("swarm", "peers", Kind::List, "", &["peer", "peers"], "Addresses of peers, host:port"),
    setting("swarm", "discover", Kind::List, "", &["discover"], "More ways to find peers: host, multicast, multicast:INTERFACE, dns:NAME"),
    setting("swarm", "key-file", Kind::Path, "", &["key-file"], "File with the swarm's key (lineswarmctl key gen); without it nobody is asked for one"),
    setting("swarm", "allow", Kind::List, "", &["allow"], "Networks that peers may come from, such as 10.0.0.0/8; none: all"),
    setting("swarm", "topology", Kind::Choice(TOPOLOGIES), "mesh", &["topology"], "Who sends lines to whom: mesh, star or ring"),
    setting("swarm", "max-peers", Kind::Whole, "64", &["max-peers"], "The most links to peers"),
    setting("swarm", "insecure", Kind::Switch, "false", &["insecure"], "Let anybody join who reaches a public address, without a key"),
    setting("election", "quorum", Kind::Choice(QUORUMS), "grace", &["quorum"], "What a master needs: majority, available or grace"),
    setting("election", "grace", Kind::Span, "10s", &["grace"], "With quorum grace: so long without a majority, then the peers now heard decide"),
    setting("election", "in-doubt", Kind::Choice(IN_DOUBT), "resubmit", &["in-doubt"], "A submit whose outcome nobody knows: resubmit or hold"),
    setting("election", "priority", Kind::Whole, "0", &["priority"], "The higher, the sooner this node becomes master"),
    setting("submit", "by", Kind::Choice(SUBMIT_BY), "master", &["submit-by", "by"], "Who submits: master, every-peer or nobody"),
    setting("submit", "output", Kind::Path, "", &["output"], "Also write the finished file here; a FIFO or a device is written to as it is"),
    setting("run", "autostart", Kind::Switch, "true", &["autostart"], "Fetch at once, without waiting for start"),
    setting("run", "exit-when", Kind::Choice(EXIT_WHEN), "never", &["exit-when"], "When the daemon ends by itself: never or done"),
];

/// The names of the sections, in order.
pub(crate) fn sections() -> Vec<&'static str> {
    let mut sections: Vec<_> = SETTINGS.iter().map(|setting| setting.section).collect();
    sections.dedup();
    sections
}

pub(crate) fn find(section: &str, key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.section == section && setting.key == key)
}

/// The candidate that `word` was probably meant to be.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let near = |candidate: &'a str| (strsim::jaro_winkler(&word, candidate), candidate);
    let best = candidates.into_iter().map(near).max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(likeness, _)| *likeness > 0.8).map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_name_flag_and_variable_stands_for_one_setting() {
        let mut names: Vec<_> = SETTINGS.iter().map(Setting::name).collect();
        names.extend(SETTINGS.iter().map(Setting::variable));
        names.extend(SETTINGS.iter().flat_map(|setting| setting.flags).map(ToString::to_string));
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        assert_eq!(sections(), ["node", "server", "swarm", "election", "submit", "run"]);
    }

    #[test]
    fn each_setting_has_the_flag_that_its_key_promises() {
        for setting in SETTINGS {
            assert!(setting.flags.contains(&setting.key), "{}", setting.name());
        }
        let flags: Vec<_> = SETTINGS.iter().flat_map(|setting| setting.flags).collect();
        for flag in "name state-dir control-socket status-socket server lines identity listen peer swarm key-file rate quorum submit-by output exit-when".split(' ') {
            assert!(flags.contains(&&flag), "--{flag}");
        }
    }

    #[test]
    fn a_typing_error_finds_the_word_that_was_meant_and_nonsense_finds_none() {
        assert_eq!(nearest("addres", ["address", "label"]), Some("address"));
        assert_eq!(nearest("Major", QUORUMS.iter().copied()), Some("majority"));
        assert_eq!(nearest("state_dir", ["state-dir", "name"]), Some("state-dir"));
        assert_eq!(nearest("xyzzy", ["address", "label"]), None);
    }
}
