//! Paths as people write them: `~/`, relative, and what only a shell would understand.

use super::{check, check_by, empty, text};
use crate::support::{
    command_with,
    ctl::{ctl, run},
};
use std::{fs, path::Path};

#[test]
fn a_tilde_in_a_setting_is_the_home_directory_and_never_a_directory_of_that_name() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    fs::create_dir(&home).unwrap();
    let config = home.join("x.toml");
    fs::write(&config, "[node]\nstate-dir = \"~/ls\"\n[submit]\noutput = \"~/out\"\n[swarm]\nid = \"s\"\n")
        .unwrap();
    let print = |home: Option<&Path>, args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_lineswarmd"));
        command.current_dir(directory.path()).env_clear().args(["--config=~/x.toml", "--print-config"]);
        if let Some(home) = home {
            command.env("HOME", home);
        }
        let output = command.args(args).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(said).unwrap())
    };
    let sockets = ["--control-socket=~/c", "--status-socket", "s"];
    let (code, said) = print(Some(&home), &sockets);
    assert_eq!(code, 0, "{said}");
    for (key, path) in [
        ("state-dir", home.join("ls")),
        ("output", home.join("out")),
        ("control-socket", home.join("c")),
        ("status-socket", directory.path().join("s")),
    ] {
        assert!(said.contains(&format!("{key} = {path:?}")), "{key}: {said}");
    }
    let (code, said) = print(None, &sockets);
    assert!(code == 64 && said.contains("there is no HOME") && said.contains("Set HOME"), "{said}");
    let (code, said) = print(Some(&home), &["--key-file=~root/key"]);
    assert!(code == 78 && said.contains("swarm.key-file") && said.contains("whole path"), "{said}");
}

#[test]
fn what_cannot_be_a_path_is_refused_by_the_check_with_its_hint() {
    let directory = tempfile::tempdir().unwrap();
    for (flag, path, hint) in [
        ("--state-dir", "$HOME/ls", "~/"),
        ("--state-dir", "~nobody/ls", "whole path"),
        ("--control-socket", "${XDG_RUNTIME_DIR}/c", "~/"),
        ("--output", "~", "Name a file"),
    ] {
        let mut command = command_with(&empty(directory.path()), directory.path(), "one");
        let (code, said) = check_by(command.env("HOME", directory.path()), &[flag, path]);
        assert_eq!(code, 78, "{path}: {said}");
        assert!(said.contains(flag.trim_start_matches('-')) && said.contains(hint), "{path}: {said}");
    }
    let file = directory.path().join("x.toml");
    fs::write(&file, "[submit]\noutput = \"out\"\n").unwrap();
    let mut command = command_with(&file, directory.path(), "one");
    assert_eq!(check_by(command.current_dir(directory.path()), &[]).0, 0);
    let mut command = command_with(&file, directory.path(), "one");
    let (code, said) = check_by(command.current_dir("/"), &[]);
    assert!(code == 78 && said.contains("x.toml:2") && said.contains("relative"), "{said}");
    assert_eq!(check(directory.path(), &[]).0, 0);
}

#[test]
fn a_tilde_in_an_argument_that_no_shell_expanded_is_the_home_directory() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path();
    let from_home = |args: &[&str]| {
        let mut command = ctl(Path::new("~/none.sock"));
        run(command.env("HOME", home).current_dir(home).args(args))
    };
    let none = from_home(&["--json", "ping"]);
    let what = none.json()["error"]["what"].as_str().unwrap().to_owned();
    assert!(what.contains(text(&home.join("none.sock"))), "{what}");
    assert_eq!(from_home(&["key", "gen", "~/key"]).exit, 0);
    assert_eq!(from_home(&["predict", "--peers", "1", "--runs", "20", "--out=~/charts"]).exit, 0);
    assert!(home.join("key").exists() && home.join("charts/predict.svg").exists());
    assert_eq!(from_home(&["key", "gen", "~nobody/key"]).exit, 64);
    assert!(!home.join("~").exists());
}
