use super::*;
use core::num::NonZeroU32;
use core::time::Duration;
use lineswarm_proto::engine::settings::{InDoubt, Quorum};
use std::fs;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use tempfile::TempDir;

mod page;

/// A root's environment without any file or variable.
fn environment() -> Environment {
    Environment {
        etc: "/nowhere".into(),
        host: "host.example".into(),
        directory: "/work".into(),
        ..Environment::default()
    }
}

fn args(line: &[&str]) -> Args {
    Args::of(line.iter().map(Into::into))
}

fn load(line: &[&str]) -> Result<Config, ConfigError> {
    Config::load(&args(line), &environment())
}

/// Loads `text` as a file; gives the directory so that it lives as long as the test.
fn load_text(text: &str, line: &[&str]) -> Result<Config, ConfigError> {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("test.toml");
    fs::write(&path, text).unwrap();
    let config = ["--config", path.to_str().unwrap()];
    load(&[&config[..], line].concat())
}

/// The problems of a file, as "line: setting".
fn problems(text: &str) -> Vec<String> {
    let place = |problem: Problem| match problem.at {
        Origin::File(_, line) => format!("{line}: {}", problem.what),
        other => format!("{other}: {}", problem.what),
    };
    load_text(text, &[]).map_or_else(|error| error.problems.into_iter().map(place).collect(), |_| Vec::new())
}

/// What is said about a file with one problem.
fn message(text: &str) -> String {
    load_text(text, &[]).unwrap_err().to_string()
}

#[test]
fn without_a_file_it_runs_on_defaults_of_the_right_kind() {
    let config = load(&[]).unwrap();
    assert!(config.effective().iter().all(|its| its.origin == Origin::Default));
    for Effective { setting, value, .. } in config.effective() {
        let alike = match setting.kind {
            Kind::Text | Kind::Path | Kind::Choice(_) | Kind::Span => matches!(value, Value::Text(_)),
            Kind::List => matches!(value, Value::List(_)),
            Kind::Whole => matches!(value, Value::Whole(_)),
            Kind::WholeOrAuto => matches!(value, Value::Whole(_) | Value::Auto),
            Kind::NumberOrAuto => matches!(value, Value::Number(_) | Value::Auto),
            Kind::Switch => matches!(value, Value::Switch(_)),
        };
        assert!(alike, "{}: {value:?}", setting.name());
    }
    assert_eq!(config.node.name, "host");
    assert_eq!(config.server.label, "127.0.0.1:9801", "the address names the file");
    assert_eq!(config.server.lines, NonZeroU32::new(1000));
    assert_eq!((config.server.rate, config.server.pipeline), (None, None));
    assert_eq!(config.swarm.listen, "127.0.0.1:9900".parse().unwrap());
    assert_eq!(config.election.quorum, Quorum::Grace);
    assert_eq!(config.election.grace, Duration::from_secs(10));
    assert_eq!(config.run, Run { autostart: true, exit_when: ExitWhen::Never });
    assert_eq!(config.node.state_dir, Path::new("/var/lib/lineswarm/default"));
}

#[test]
fn a_flag_goes_before_the_environment_and_that_before_the_file() {
    let text = "[server]\nlines = 1\nlabel = \"file\"\nrate = 5\n[node]\nname = \"file\"\n";
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("test.toml");
    fs::write(&path, text).unwrap();
    let mut environment = environment();
    for (name, value) in [("LINESWARM_SERVER_LINES", "2"), ("LINESWARM_SERVER_LABEL", "environment")] {
        environment.variables.insert(name.into(), value.into());
    }
    let line = ["--config", path.to_str().unwrap(), "--lines", "3", "--name", "flag"];
    let config = Config::load(&args(&line), &environment).unwrap();
    assert_eq!(config.server.lines, NonZeroU32::new(3));
    assert_eq!(config.server.label, "environment");
    assert_eq!(config.server.rate, Some(5.0));
    let origin = |name: &str| {
        config.effective().iter().find(|its| its.setting.name() == name).unwrap().origin.to_string()
    };
    assert_eq!(origin("server.lines"), "--lines");
    assert_eq!(origin("server.label"), "LINESWARM_SERVER_LABEL");
    assert_eq!(origin("server.rate"), format!("{}:4", path.display()));
    assert_eq!(origin("server.address"), "default");
}

#[test]
fn every_setting_is_a_flag_in_each_spelling_and_a_variable() {
    let dir = TempDir::new().unwrap();
    let key = dir.path().join("key");
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&key).unwrap();
    fs::write(&key, "secret").unwrap();
    let output = dir.path().join("file.txt");
    for setting in SETTINGS {
        let word = match (setting.section, setting.key) {
            ("server", "address") => "localhost:1",
            ("server", "identity") => "a@b c",
            ("server", "bind") => "127.0.0.9",
            ("swarm", "listen") => "127.0.0.1:1",
            ("swarm", "advertise") => "192.0.2.1:1",
            ("swarm", "peers") => "peer:1",
            ("swarm", "discover") => "multicast:eth0",
            ("swarm", "allow") => "fd00::/8",
            ("swarm", "key-file") => key.to_str().unwrap(),
            ("submit", "output") => output.to_str().unwrap(),
            _ => match setting.kind {
                Kind::Choice(words) => words.last().unwrap(),
                Kind::Switch if setting.default == "true" => "false",
                Kind::Switch => "true",
                Kind::Span => "3s",
                Kind::Whole | Kind::WholeOrAuto | Kind::NumberOrAuto => "7",
                _ => "/tmp/something",
            },
        };
        let flags = setting.flags.iter().map(|flag| format!("--{flag}"));
        // A name with an empty part is another test.
        let word = if setting.key == "name" { "something" } else { word };
        let loaded: Vec<_> =
            flags.map(|flag| load(&[&flag, word]).map_err(|error| error.to_string()).unwrap()).collect();
        let mut environment = environment();
        environment.variables.insert(setting.variable(), word.into());
        let from_environment = Config::load(&args(&[]), &environment).unwrap();
        let default = load(&[]).unwrap();
        for config in loaded.iter().chain([&from_environment]) {
            let differences = default.differences(config);
            let changed: Vec<_> = differences.iter().map(|(ours, _)| ours.setting.name()).collect();
            let expected = if setting.default == word { Vec::new() } else { vec![setting.name()] };
            assert_eq!(changed, expected, "{word}");
            assert_eq!(strip(&load_text(&config.to_toml(), &[]).unwrap()), strip(config));
        }
    }
}

/// Without origins.
fn strip(config: &Config) -> Config {
    let mut config = config.clone();
    config.effective.iter_mut().for_each(|its| its.origin = Origin::Default);
    config.file = SettingsFile::default();
    config
}

#[test]
fn lists_are_repeated_flags_or_commas_and_the_last_of_other_flags_counts() {
    let config = load(&["--peer", "a:1", "--peer", "b:2,c:3", "--lines", "5", "--lines", "auto"]).unwrap();
    assert_eq!(config.swarm.peers, ["a:1", "b:2", "c:3"]);
    assert_eq!(config.server.lines, None);
    for line in
        [&["--insecure"][..], &["--insecure=true"], &["--insecure", "true"], &["--insecure", "--name", "x"]]
    {
        assert!(load(line).unwrap().swarm.insecure, "{line:?}");
    }
    assert!(!load(&["--autostart", "false"]).unwrap().run.autostart);
}

#[test]
fn an_instance_changes_defaults_and_nothing_that_is_set() {
    let config = load(&["--instance", "alice"]).unwrap();
    assert_eq!(config.node.name, "host/alice");
    assert_eq!(config.node.state_dir, Path::new("/var/lib/lineswarm/alice"));
    assert_eq!(config.node.control_socket, Path::new("/run/lineswarm/alice/control.sock"));
    assert_eq!(config.swarm.listen, "127.0.0.1:0".parse().unwrap());
    assert_eq!(config.swarm.discover, [Discover::Host]);
    assert_eq!(config.server.bind.len(), 1);
    assert!(config.server.bind[0].to_string().starts_with("127.0.0."));
    assert_ne!(config.server.bind, load(&["--instance", "bob"]).unwrap().server.bind);
    let line = [
        "--instance",
        "alice",
        "--server",
        "192.0.2.1:9801",
        "--identity",
        "a@b",
        "--listen",
        "127.0.0.1:7",
        "--name",
        "x",
        "--discover",
        "",
    ];
    let config = load(&line).unwrap();
    assert!(config.server.bind.is_empty(), "a server elsewhere cannot be reached from 127.0.0.x");
    assert_eq!(config.swarm.listen.port(), 7);
    assert_eq!((config.node.name.as_str(), config.swarm.discover.len()), ("x", 0));
    assert_eq!(config.node.state_dir, Path::new("/var/lib/lineswarm/alice"));
}

#[test]
fn an_instance_reads_its_own_file_if_there_is_one() {
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("lineswarm")).unwrap();
    for name in ["alice", "default"] {
        fs::write(
            dir.path().join(format!("lineswarm/{name}.toml")),
            format!("[server]\nlabel = \"of {name}\"\n"),
        )
        .unwrap();
    }
    let environment = Environment { etc: dir.path().into(), ..environment() };
    let label = |line: &[&str]| Config::load(&args(line), &environment).unwrap().server.label;
    assert_eq!(label(&["--instance", "alice"]), "of alice");
    assert_eq!(label(&[]), "of default");
    assert_eq!(label(&["--instance", "bob"]), "127.0.0.1:9801");
}

#[test]
fn all_problems_are_reported_at_once_in_the_order_of_the_file() {
    let text = r#"name = "x"
[node]
nmae = "x"
[server]
address = "no port"
lines = 0
identity = "nobody"
bind = ["x", "::1"]
rate = -3
pipeline = 5000
[sever]
[swarm]
listen = "0.0.0.0:9900"
topology = "mehs"
allow = ["10.0.0.0/33"]
discover = ["hots"]
lines = 5
max-peers = 0
[election]
quorum = 5
grace = "10"
[submit]
output = "/nowhere/at/all"
[run]
exit-when = "don"
"#;
    let expected = [
        "1: name",
        "3: node.nmae",
        "5: server.address",
        "6: server.lines",
        "7: server.identity",
        "8: server.bind",
        "9: server.rate",
        "10: server.pipeline",
        "11: [sever]",
        "13: swarm.listen",
        "14: swarm.topology",
        "15: swarm.allow",
        "16: swarm.discover",
        "17: swarm.lines",
        "18: swarm.max-peers",
        "20: election.quorum",
        "21: election.grace",
        "23: submit.output",
        "25: run.exit-when",
    ];
    assert_eq!(problems(text), expected);
}

#[test]
fn a_problem_says_where_what_why_and_the_hint() {
    assert!(message("[run]\nexit-when = \"don\"\n").ends_with(
        "test.toml:2: run.exit-when: \"don\" is not one of \"never\", \"done\". Did you mean \"done\"?"
    ));
    assert!(message("[server]\naddres = 1\n").ends_with("Did you mean \"address\"?"));
    assert!(message("[server]\nquorum = 1\n").ends_with("It belongs in [election]."));
    assert!(message("[server\n").contains("test.toml:1: this is no TOML"));
    assert_eq!(problems("[server]\nlines = \nlabel = 5\n"), ["2: this is no TOML", "3: server.label"]);
    assert_eq!(problems("[server]\nlines = 5\nlines = 6\n"), ["3: this is no TOML"]);
    assert_eq!(problems("server = 5\n"), ["1: server"]);
}

#[test]
fn a_server_that_is_not_on_this_machine_needs_an_identity_unless_nobody_submits() {
    for server in ["10.0.0.1:9801", "[2001:db8::1]:9801", "server.example:9801", "localhost.example:1"] {
        let error = load(&["--server", server]).unwrap_err().to_string();
        assert!(error.contains("server.identity") && error.contains("by = \"nobody\""), "{error}");
        load(&["--server", server, "--submit-by", "nobody"]).unwrap();
        load(&["--server", server, "--identity", "a@b"]).unwrap();
    }
    for server in ["127.0.0.9:9801", "[::1]:9801", "localhost:9801", "LOCALHOST.:9801"] {
        for line in [&["--server", server][..], &["--server", server, "--identity", ""]] {
            let settings = load(line).unwrap().settings(PeerId([7; 16]));
            assert_eq!(settings.server.identity_for(server), Some("anonymous@lineswarm"), "{line:?}");
        }
    }
}

#[test]
fn an_empty_variable_is_unset_and_one_that_is_not_text_is_a_problem() {
    let mut environment = environment();
    for name in ["LINESWARM_SERVER_RATE", "LINESWARM_NODE_NAME", "LINESWARM_SERVER_ADRESS", "HOME"] {
        environment.variables.insert(name.into(), String::new());
    }
    environment.unreadable.push("OTHER".into());
    let config = Config::load(&args(&[]), &environment).unwrap();
    assert_eq!((config.node.name.as_str(), config.warnings.len()), ("host", 0));
    environment.unreadable.push("LINESWARM_NODE_NAME".into());
    let error = Config::load(&args(&[]), &environment).unwrap_err().to_string();
    assert!(error.starts_with("LINESWARM_NODE_NAME: ") && error.contains("not UTF-8"), "{error}");
}

#[test]
fn a_misspelt_variable_is_not_ignored() {
    let mut environment = environment();
    for name in ["LINESWARM_SERVER_ADRESS", "LINESWARM_SOCKET", "OTHER"] {
        environment.variables.insert(name.into(), "x".into());
    }
    let error = Config::load(&args(&[]), &environment).unwrap_err();
    assert_eq!(error.problems.len(), 1);
    assert!(error.to_string().contains("Did you mean LINESWARM_SERVER_ADDRESS?"), "{error}");
}

#[test]
fn a_file_that_was_asked_for_must_be_readable() {
    assert!(load(&["--config", "/nowhere/x.toml"]).unwrap_err().to_string().contains("/nowhere/x.toml"));
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("x.toml");
    fs::write(&path, b"\xff").unwrap();
    assert!(load(&["--config", path.to_str().unwrap()]).unwrap_err().to_string().contains("UTF-8"));
}

#[test]
fn a_public_address_needs_a_key_or_the_word_insecure() {
    for listen in ["0.0.0.0:9900", "[::]:9900", "192.0.2.1:1"] {
        let error = load(&["--listen", listen]).unwrap_err().to_string();
        assert!(error.contains("key gen") && error.contains("insecure = true"), "{error}");
        load(&["--listen", listen, "--insecure"]).unwrap();
    }
    load(&["--listen", "[::1]:0"]).unwrap();
}

#[test]
fn a_key_file_is_private_and_not_empty() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("swarm.key");
    let text = path.to_str().unwrap();
    let with_key = || load(&["--listen", "0.0.0.0:1", "--key-file", text]);
    assert!(with_key().unwrap_err().to_string().contains("cannot be read"));
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(with_key().unwrap_err().to_string().contains("is empty"));
    fs::write(&path, "secret").unwrap();
    assert_eq!(with_key().unwrap().swarm.key_file, Some(path.clone()));
    for mode in [0o644, 0o604, 0o602] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let error = with_key().unwrap_err().to_string();
        assert!(error.contains(&format!("{mode:04o}")) && error.contains("chmod 600"), "{error}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    with_key().unwrap();
}

#[test]
fn values_at_their_bounds() {
    let bad = |line: &[&str]| assert!(load(line).is_err(), "{line:?}");
    let good = |line: &[&str]| assert!(load(line).is_ok(), "{line:?}");
    good(&["--lines", "16000000"]);
    bad(&["--lines", "16000001"]);
    bad(&["--lines", "-1"]);
    good(&["--pipeline", "4096"]);
    bad(&["--pipeline", "0"]);
    for rate in ["0", "inf", "nan", "-0.5"] {
        bad(&["--rate", rate]);
    }
    good(&["--rate", "0.5"]);
    for identity in ["a", "@b", "a@", "a\nb@c"] {
        bad(&["--identity", identity]);
    }
    good(&["--identity", "entry@team with blanks"]);
    for server in ["host", "host:0", "host:65536", ":1", "1.2.3:4", "::1:5", "host:+5", "a b:1", "[::1]"] {
        bad(&["--server", server]);
    }
    for server in ["[::1]:5", "host-1.example.org:5", "10.0.0.1:5"] {
        good(&["--server", server, "--identity", "a@b"]);
    }
    bad(&["--name", ""]);
    bad(&["--name", "lab1//alice"]);
    bad(&["--name", &"x".repeat(201)]);
    bad(&["--control-socket", &format!("/{}", "x".repeat(107))]);
    good(&["--control-socket", &format!("/{}", "x".repeat(106))]);
    bad(&["--control-socket", "/a", "--status-socket", "/a"]);
    bad(&["--control-socket", "/a/"]);
    bad(&["--bind", "127.0.0.2,127.0.0.2"]);
    bad(&["--advertise", "0.0.0.0:5"]);
    bad(&["--max-peers", "1025"]);
    good(&["--priority", "-5"]);
    bad(&["--grace", "25h"]);
    bad(&["--output", "/tmp"]);
}

#[test]
fn a_user_without_a_home_is_told_what_to_name() {
    let environment = Environment { uid: u32::MAX - 7, ..environment() };
    let error = Config::load(&args(&[]), &environment).unwrap_err();
    assert_eq!(error.problems.len(), 3);
    assert!(error.to_string().contains("--state-dir") && error.to_string().contains("--status-socket"));
}

#[test]
fn ways_to_find_peers_are_read() {
    let config = load(&["--discover", "host,multicast,multicast:eth0,dns:a.example,dns:b:7"]).unwrap();
    let dns = |name: &str, port| Discover::Dns { name: name.into(), port };
    let expected = [
        Discover::Host,
        Discover::Multicast(None),
        Discover::Multicast(Some("eth0".into())),
        dns("a.example", 9900),
        dns("b", 7),
    ];
    assert_eq!(config.swarm.discover, expected);
    for way in ["host:x", "multicast:", "dns:", "dns", "dns:a:0", "carrier-pigeon"] {
        assert!(load(&["--discover", way]).is_err(), "{way}");
    }
}

#[test]
fn the_engine_is_told_what_was_configured() {
    let line =
        ["--name", "n", "--label", "l", "--peer", "a:1", "--in-doubt", "hold", "--submit-by", "every-peer"];
    let config = load(&line).unwrap();
    let settings = config.settings(PeerId([7; 16]));
    assert_eq!((settings.name.as_str(), settings.id), ("n", PeerId([7; 16])));
    assert_eq!(settings.server.label, "l");
    assert_eq!(settings.swarm.peers, ["a:1"]);
    assert_eq!((settings.election.in_doubt, settings.submit_by), (InDoubt::Hold, SubmitBy::EveryPeer));
    assert!(settings.autostart);
}

fn shipped(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../etc/lineswarm").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_shipped_file_changes_nothing_and_shows_every_setting_with_its_default() {
    let text = shipped("default.toml");
    assert_eq!(strip(&load_text(&text, &[]).unwrap()), strip(&load(&[]).unwrap()));
    let uncommented: String = text
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if setting.starts_with(|c: char| c.is_ascii_lowercase()) => setting,
            _ => line,
        })
        .flat_map(|line| [line, "\n"])
        .collect();
    let config = load_text(&uncommented, &[]).unwrap();
    assert_eq!(strip(&config), strip(&load(&[]).unwrap()));
    for its in config.effective() {
        assert!(matches!(its.origin, Origin::File(..)), "{} is missing", its.setting.name());
    }
}

#[test]
fn every_shipped_example_is_sound_but_for_the_key_that_the_user_makes() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../etc/lineswarm/examples");
    let names: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.len() >= 5, "{names:?}");
    for name in names {
        let error = load_text(&shipped(&format!("examples/{}", name.display())), &[]).err();
        let problems = error.map(|error| error.problems).unwrap_or_default();
        assert!(problems.iter().all(|problem| problem.what == "swarm.key-file"), "{name:?}: {problems:?}");
    }
}

#[test]
fn paths_begin_at_home_or_at_the_working_directory_and_are_whole_from_then_on() {
    let mut environment = environment();
    environment.variables.insert("HOME".into(), "/h/a".into());
    let path = |line: &[&str], environment: &Environment| Config::load(&args(line), environment);
    for (word, meant) in
        [("~/ls", "/h/a/ls"), ("~", "/h/a"), ("ls", "/work/ls"), ("./ls", "/work/ls"), ("/x/~", "/x/~")]
    {
        let config = path(&["--state-dir", word], &environment).unwrap();
        assert_eq!(config.node.state_dir, Path::new(meant), "{word}");
        let dir = TempDir::new().unwrap();
        let file = dir.path().join("x.toml");
        fs::write(&file, format!("[node]\ncontrol-socket = {word:?}\n")).unwrap();
        let config = path(&["--config", file.to_str().unwrap()], &environment).unwrap();
        assert_eq!(config.node.control_socket, Path::new(meant), "{word}");
        assert!(config.to_toml().contains(&format!("control-socket = {meant:?}")));
    }
    // Each setting of a path, and what none of them can be.
    environment.variables.remove("HOME");
    for (setting, word, hint) in [
        ("state-dir", "~/ls", "Set HOME"),
        ("control-socket", "~bob/c", "whole path"),
        ("status-socket", "$HOME/s", "~/"),
        ("key-file", "~/key", "Set HOME"),
        ("output", "${HOME}/out", "~/"),
    ] {
        let error = path(&[&format!("--{setting}"), word], &environment).unwrap_err();
        assert_eq!(error.problems.len(), 1, "{error}");
        assert!(error.to_string().contains(hint), "{error}");
    }
}

#[test]
fn a_relative_path_in_a_file_is_refused_where_the_working_directory_is_the_root() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("x.toml");
    let service = Environment { directory: "/".into(), ..environment() };
    for (section, key) in [("node", "state-dir"), ("node", "status-socket"), ("submit", "output")] {
        fs::write(&file, format!("[{section}]\n{key} = \"here\"\n")).unwrap();
        let load = |environment| Config::load(&args(&["--config", file.to_str().unwrap()]), environment);
        let error = load(&service).unwrap_err().to_string();
        assert!(error.contains("x.toml:2") && error.contains("whole path"), "{error}");
        assert!(key == "output" || load(&environment()).is_ok());
    }
}

#[test]
fn a_reload_never_takes_a_file_that_is_gone_or_emptied_for_no_settings() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("x.toml");
    let line = args(&["--config", path.to_str().unwrap()]);
    let good = "# allowed\n[swarm]\nallow = [\"10.0.0.0/8\"]\n";
    fs::write(&path, good).unwrap();
    let config = Config::load(&line, &environment()).unwrap();
    let again = || config.load_again(&line, &environment()).map_err(|error| error.to_string());
    for (text, why) in [
        (&b""[..], "no setting stands in it"),
        (b"\n\n", "no setting stands in it"),
        (b"# all commented out\n#allow = []\n", "no setting stands in it"),
        (b"[swarm]\n", "no setting stands in it"),
        (b"[swarm]\nallow = [\"\xff\"]\n", "UTF-8"),
        (b"[swarm\n", "TOML"),
    ] {
        fs::write(&path, text).unwrap();
        let said = again().unwrap_err();
        assert!(said.contains(why) && said.contains("x.toml:1"), "{said}");
    }
    fs::remove_file(&path).unwrap();
    assert!(again().unwrap_err().contains("no longer there"));
    fs::create_dir(&path).unwrap();
    assert!(again().unwrap_err().contains("a directory"));
    fs::remove_dir(&path).unwrap();
    fs::write(&path, "[swarm]\nid = \"other\"\n").unwrap();
    assert_eq!(again().unwrap().swarm.allow, [], "whoever takes out the one setting means it");
    // Nothing was there, and nothing is there.
    fs::write(&path, "# none yet\n").unwrap();
    let none = Config::load(&line, &environment()).unwrap();
    assert!(none.load_again(&line, &environment()).is_ok());
    let elsewhere = Environment { etc: dir.path().into(), ..environment() };
    let default = Config::load(&args(&[]), &elsewhere).unwrap();
    assert!(default.load_again(&args(&[]), &elsewhere).is_ok());
    fs::create_dir(dir.path().join("lineswarm")).unwrap();
    fs::write(dir.path().join("lineswarm/default.toml"), good).unwrap();
    let found = default.load_again(&args(&[]), &elsewhere).unwrap();
    assert_eq!(found.swarm.allow.len(), 1);
    fs::remove_file(dir.path().join("lineswarm/default.toml")).unwrap();
    assert!(found.load_again(&args(&[]), &elsewhere).is_err());
}

#[test]
fn a_key_that_is_no_longer_handed_out_fails_a_reload() {
    let dir = TempDir::new().unwrap();
    let key = dir.path().join("swarm.key");
    fs::write(&key, "secret").unwrap();
    // As Debian 13's systemd hands it out.
    fs::set_permissions(&key, fs::Permissions::from_mode(0o440)).unwrap();
    let mut environment = environment();
    environment.variables.insert("CREDENTIALS_DIRECTORY".into(), dir.path().to_str().unwrap().into());
    let config = Config::load(&args(&[]), &environment).unwrap();
    assert_eq!(config.swarm.key_file, Some(key.clone()));
    assert!(config.load_again(&args(&[]), &environment).is_ok());
    fs::remove_file(&key).unwrap();
    let error = config.load_again(&args(&[]), &environment).unwrap_err().to_string();
    assert!(error.contains("swarm.key is no longer there"), "{error}");
}

#[test]
fn a_configuration_is_read_within_bounds() {
    for endless in ["/dev/zero", "/dev/urandom"] {
        let error = load(&["--config", endless]).unwrap_err().to_string();
        assert!(error.contains("longer than"), "{error}");
    }
    assert!(load(&["--config", "/dev/null"]).is_ok());
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("x.toml");
    fs::File::create(&path).unwrap().set_len(10 << 30).unwrap();
    assert!(load(&["--config", path.to_str().unwrap()]).unwrap_err().to_string().contains("longer than"));
}
