//! Files that the programs write: links are followed, pipes and devices written to, permissions kept.

use super::{check, ends_at_once, fifo, mode, set_mode, text};
use crate::support::{
    Daemon, Server,
    ctl::{ask, ctl, run},
    wait_until,
};
use std::{
    fs,
    io::Read,
    os::unix::{fs::symlink, net::UnixListener},
    path::Path,
    process::{Command, Stdio},
    thread,
};

const LINES: &str = "50";

fn server(directory: &Path) -> Server {
    Server::start(directory, &["--rate", "0", "--lines", LINES])
}

fn writes_to(directory: &Path, server: &Server, output: &Path) -> Daemon {
    let args = ["--server", &server.address, "--lines", LINES, "--output", text(output)];
    Daemon::start(directory, "one", &args)
}

/// Downloads to `output`, and gives the log.
fn written(server: &Server, output: &Path) -> String {
    let directory = tempfile::tempdir().unwrap();
    let mut daemon = writes_to(directory.path(), server, output);
    wait_until("the output", || daemon.log().contains(" output-"));
    assert!(daemon.end().success());
    daemon.log()
}

#[test]
fn a_finished_file_goes_through_links_and_keeps_the_permissions_of_the_one_that_it_replaces() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let server = server(directory.path());
    fs::create_dir(at("there")).unwrap();
    fs::write(at("there/file"), "old").unwrap();
    symlink("there/file", at("link")).unwrap();
    symlink(at("there/new"), at("dangling")).unwrap();
    for (name, bits) in [("there/file", 0o640), ("link", 0o606), ("there/file", 0o400)] {
        set_mode(&at("there/file"), bits);
        let log = written(&server, &at(name));
        assert!(log.contains("output-written"), "{log}");
        assert_eq!(fs::read(at("there/file")).unwrap(), server.served());
        assert_eq!(mode(&at("there/file")), bits);
        set_mode(&at("there/file"), 0o600);
        fs::write(at("there/file"), "old").unwrap();
    }
    written(&server, &at("dangling"));
    assert_eq!(fs::read(at("there/new")).unwrap(), server.served());
    assert!(["link", "dangling"].iter().all(|name| fs::symlink_metadata(at(name)).unwrap().is_symlink()));
    assert_eq!(fs::read_dir(at("there")).unwrap().count(), 2, "nothing is left beside them");
}

#[test]
fn a_finished_file_is_written_to_a_device_and_a_device_stays_one() {
    let directory = tempfile::tempdir().unwrap();
    let server = server(directory.path());
    let (null, full) = (directory.path().join("null"), directory.path().join("full"));
    symlink("/dev/null", &null).unwrap();
    symlink("/dev/full", &full).unwrap();
    assert!(written(&server, &null).contains("output-written"));
    let log = written(&server, &full);
    assert!(log.contains("output-failed") && log.contains("No space left"), "{log}");
    assert_eq!(fs::read_link(&null).unwrap(), Path::new("/dev/null"));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 3);
}

#[test]
fn a_finished_file_waits_for_the_reader_of_its_fifo_and_nothing_waits_for_that() {
    let directory = tempfile::tempdir().unwrap();
    let server = server(directory.path());
    let pipe = directory.path().join("pipe");
    fifo(&pipe);
    let mut daemon = writes_to(directory.path(), &server, &pipe);
    daemon.wait("submitted");
    assert_eq!(ask(&daemon.socket(), "status").exit, 0);
    let mut read = Vec::new();
    fs::File::open(&pipe).unwrap().read_to_end(&mut read).unwrap();
    assert_eq!(read, server.served());
    wait_until("the output", || daemon.log().contains("output-written"));
    assert!(daemon.end().success());
    // Nobody reads this time.
    let unread = tempfile::tempdir().unwrap();
    let mut daemon = writes_to(unread.path(), &server, &pipe);
    daemon.wait("submitted");
    ends_at_once(&mut daemon.child);
    assert!(daemon.log().contains("output-abandoned"), "{}", daemon.log());
}

#[test]
fn a_daemon_that_ends_when_it_is_done_has_written_its_output() {
    let directory = tempfile::tempdir().unwrap();
    let server = server(directory.path());
    let pipe = directory.path().join("pipe");
    fifo(&pipe);
    let reader = {
        let pipe = pipe.clone();
        thread::spawn(move || fs::read(pipe).unwrap())
    };
    let args =
        ["--server", &server.address, "--lines", LINES, "--output", text(&pipe), "--exit-when", "done"];
    let mut daemon = Daemon::spawn(directory.path(), "one", &args);
    assert!(daemon.child.wait().unwrap().success(), "{}", daemon.log());
    assert_eq!(reader.join().unwrap(), server.served());
}

#[test]
fn what_cannot_be_written_is_refused_by_the_check_and_by_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let _socket = UnixListener::bind(at("socket")).unwrap();
    symlink(".", at("to-directory")).unwrap();
    symlink("no/such", at("to-nowhere")).unwrap();
    symlink("loop", at("loop")).unwrap();
    fs::write(at("file"), "").unwrap();
    for (name, why) in [
        ("", "a directory"),
        ("to-directory", "a directory"),
        ("new/", "a directory"),
        ("socket", "a socket"),
        ("no/such", "there is no directory"),
        ("to-nowhere", "there is no directory"),
        ("file/below", "there is no directory"),
        ("loop", "loop"),
    ] {
        let output = at(name);
        let (code, said) = check(directory.path(), &["--output", text(&output)]);
        assert_eq!(code, 78, "{name}: {said}");
        assert!(said.contains("submit.output") && said.contains(why), "{name}: {said}");
    }
    for name in ["file", "new", "/dev/null"] {
        let output = at(name);
        assert_eq!(check(directory.path(), &["--output", text(&output)]).0, 0, "{name}");
    }
}

#[test]
fn what_the_other_programs_write_goes_the_same_ways() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let server = server(directory.path());
    let daemon = Daemon::start(directory.path(), "one", &["--server", &server.address, "--lines", LINES]);
    daemon.wait("submitted");
    let served = server.served();
    let reads = |pipe: &Path| {
        let pipe = pipe.to_owned();
        thread::spawn(move || fs::read(pipe).unwrap())
    };
    for name in ["a", "b", "c"] {
        fifo(&at(name));
    }
    fs::write(at("kept"), "old").unwrap();
    set_mode(&at("kept"), 0o604);
    symlink("kept", at("link")).unwrap();

    let dumped = reads(&at("a"));
    assert_eq!(ask(&daemon.socket(), &format!("dump -o {}", text(&at("a")))).exit, 0);
    assert_eq!(dumped.join().unwrap(), served);
    assert_eq!(ask(&daemon.socket(), &format!("dump -o {}", text(&at("link")))).exit, 0);
    assert_eq!((fs::read(at("kept")).unwrap(), mode(&at("kept"))), (served.clone(), 0o604));
    for (name, code) in
        [("", 73), ("one/control.sock", 73), ("no/such", 73), ("kept/x", 73), ("/dev/full", 74)]
    {
        let words = format!("--json dump -o {}", text(&at(name)));
        assert_eq!(ask(&daemon.socket(), &words).failure().0, code, "{name}");
    }

    let made = reads(&at("b"));
    let key = |file: &str| run(ctl(Path::new("x")).args(["--json", "key", "gen", file]));
    assert_eq!(key(text(&at("b"))).exit, 0);
    assert_eq!(made.join().unwrap().len(), 65);
    let printed = key("-");
    assert_eq!((printed.exit, printed.out.trim_end().len()), (0, 64));
    assert_eq!(key(text(&at("kept"))).failure(), (73, "E_EXISTS".into()));
    assert_eq!(key(text(&at("link"))).failure(), (73, "E_EXISTS".into()));
    assert_eq!(key(text(directory.path())).failure().0, 73);

    // A line server that nobody reads serves all the same.
    let mut other = Command::new(env!("CARGO_BIN_EXE_lineserver"))
        .args(["--listen", "127.0.0.1:0", "--lines", LINES, "--max-seconds", "900", "--write-file"])
        .arg(at("c"))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 10];
    other.stderr.as_mut().unwrap().read_exact(&mut first).unwrap();
    assert_eq!(fs::read(at("c")).unwrap(), served);
    assert!(ends_at_once(&mut other).success());
}
