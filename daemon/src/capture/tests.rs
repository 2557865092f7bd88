use super::*;
use lineswarm_proto::{
    capture::replay::{Damage, Replay, Verdict},
    engine::Engine,
    ids::PeerId,
    lines::SharedLines,
};
use std::os::unix::fs::PermissionsExt;

const NOW: Moment = Moment(5);

fn settings() -> Settings {
    use lineswarm_proto::engine::settings::{Election, InDoubt, Quorum, Server, SubmitBy, Swarm, Topology};
    Settings {
        name: "one".into(),
        id: PeerId([1; 16]),
        server: Server {
            address: "127.0.0.1:9801".into(),
            label: String::new(),
            lines: std::num::NonZeroU32::new(1000),
            identity: String::new(),
            bind: Vec::new(),
            rate: None,
            pipeline: None,
        },
        swarm: Swarm {
            id: "default".into(),
            advertise: None,
            peers: Vec::new(),
            topology: Topology::Mesh,
            max_peers: 8,
        },
        election: Election {
            quorum: Quorum::Grace,
            grace: std::time::Duration::from_secs(1),
            in_doubt: InDoubt::Resubmit,
            priority: 0,
        },
        submit_by: SubmitBy::Master,
        autostart: false,
    }
}

fn begin(capture: &mut Capture, name: &str, restored: Restored) -> Result<Engine, ErrorBody> {
    capture.begin(name, &settings(), &restored, 1, NOW)?;
    let mut engine = Engine::new(settings(), restored, 1, NOW);
    drain(capture, &mut engine);
    Ok(engine)
}

fn drain(capture: &mut Capture, engine: &mut Engine) {
    while let Some(effect) = engine.next_effect() {
        capture.effect(&effect);
    }
}

fn some_lines(count: u32) -> Restored {
    let lines = SharedLines::new();
    (0..count).for_each(|number| lines.insert(LineNumber(number), &[b'x'; 100]));
    Restored { lines, ..Restored::default() }
}

fn play(path: &Path) -> Result<Verdict, Damage> {
    let mut replay = Replay::default();
    replay.feed(&fs::read(path).unwrap(), &mut |_, _| {})?;
    replay.finish()
}

#[test]
fn a_capture_is_a_private_file_that_plays_and_is_never_written_over() {
    let at = tempfile::tempdir().unwrap();
    let mut capture = Capture::new(at.path());
    assert_eq!(capture.end("", NOW).unwrap_err().code, "E_CAPTURE");
    let mut engine = begin(&mut capture, "run", some_lines(600)).unwrap();
    assert_eq!(begin(&mut capture, "other", Restored::default()).unwrap_err().code, "E_CAPTURE");
    for _ in 0..10 {
        assert_eq!(capture.input(&Input::Deadline, NOW), None);
        engine.handle(Input::Deadline, NOW);
        drain(&mut capture, &mut engine);
    }
    let told = capture.end("asked to", NOW).unwrap();
    let path = at.path().join("run.capture");
    assert_eq!((&told["file"], &told["inputs"]), (&json!(path), &json!(10)));
    let about = fs::metadata(&path).unwrap();
    assert_eq!((about.permissions().mode() & 0o777, json!(about.len())), (0o600, told["bytes"].clone()));
    assert_eq!(play(&path), Ok(Verdict::Same));
    assert_eq!(begin(&mut capture, "run.capture", Restored::default()).unwrap_err().code, "E_EXISTS");
    assert_eq!(play(&path), Ok(Verdict::Same));
}

#[test]
fn at_its_bound_a_capture_ends_whole_and_says_so_once() {
    let at = tempfile::tempdir().unwrap();
    let mut capture = Capture { bound: 20_000, ..Capture::new(at.path()) };
    let mut engine = begin(&mut capture, "run", some_lines(20)).unwrap();
    let why = "w".repeat(300);
    let mut events = Vec::new();
    for number in 0..100 {
        let input = Input::Closed { conn: lineswarm_proto::engine::io::ConnId::accepted(number), why: &why };
        events.extend(capture.input(&input, NOW));
        engine.handle(input, NOW);
        drain(&mut capture, &mut engine);
    }
    assert_eq!(events, [Event::BoundReached { what: "capture", limit: 20_000 }]);
    let path = at.path().join("run.capture");
    let length = fs::metadata(&path).unwrap().len();
    assert!((19_000..=20_000).contains(&length), "{length}");
    assert_eq!(play(&path), Ok(Verdict::Same));
    assert!(capture.end("", NOW).unwrap_err().why.contains("its bound was reached"));
    assert!(begin(&mut capture, "next", Restored::default()).is_ok());
}

#[test]
fn lines_that_do_not_fit_and_a_directory_that_is_gone_leave_nothing_behind() {
    let at = tempfile::tempdir().unwrap();
    let mut capture = Capture { bound: 20_000, ..Capture::new(at.path()) };
    assert_eq!(begin(&mut capture, "run", some_lines(1000)).unwrap_err().code, "E_CAPTURE");
    assert_eq!(fs::read_dir(at.path()).unwrap().count(), 0);
    let mut nowhere = Capture::new(Path::new("/nowhere/at/all"));
    assert_eq!(begin(&mut nowhere, "run", Restored::default()).unwrap_err().code, "E_IO");
    assert_eq!(nowhere.input(&Input::Deadline, NOW), None);
}

#[test]
fn a_disk_that_is_full_ends_the_capture_only() {
    let at = tempfile::tempdir().unwrap();
    let mut capture = Capture::new(at.path());
    begin(&mut capture, "run", Restored::default()).unwrap();
    capture.running.as_mut().unwrap().file = File::options().write(true).open("/dev/full").unwrap();
    assert_eq!(capture.input(&Input::Deadline, NOW), None);
    assert!(capture.running.is_none());
    assert!(capture.end("", NOW).unwrap_err().why.contains("the disk failed"));
}
