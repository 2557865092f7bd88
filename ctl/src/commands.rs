//! One command from arguments to exit code: ask, then show.
//!
//! Commands that stream lines are in `data`, those that go on in `live`, those without a daemon in `local`.

use crate::args::{Bench, Capture, Cli, Command, Config, Global, Log};
use crate::client::Connection;
use crate::errand::Errand;
use crate::failure::{Failure, NEGATIVE};
use crate::place::{self, Roots};
use crate::render::table::{fields, objects, settings};
use crate::render::{clean, events, history, peers, status};
use crate::screen::Screen;
use crate::{data, doctor, lab, live, local, replay};
use lineswarm_proto::wire::control::{Command as Ask, Peers, Status};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::time::Instant;

/// What `status` says of a daemon that does not run, and of one that cannot be asked.
const NOT_RUNNING: u8 = 3;
const UNKNOWN: u8 = 4;

/// Runs it and says with what to exit.
pub fn run(cli: Cli) -> u8 {
    let mut screen = Screen::new(cli.global.json, cli.global.quiet);
    let exit = match &cli.command {
        Command::Completion { shell } => local::completion(*shell, &mut screen),
        Command::Man => local::man(&mut screen),
        Command::Key(key) => local::key(key, &mut screen),
        Command::Config(Config::Check { file }) => local::config_check(file.as_deref(), &cli.global),
        Command::Replay(how) => replay::run(how, &mut screen),
        Command::Demo(demo) => lab::demo::run(demo, &mut screen),
        Command::Compare(compare) => lab::compare::run(compare, &mut screen),
        Command::Predict(predict) => lab::predict::run(predict, &mut screen),
        Command::Bench(Bench::Transport(transport)) => lab::transport::run(transport, &mut screen),
        command => match command.ask() {
            Some(ask) => return ask_each(command, &ask, &cli.global, &mut screen),
            None => Ok(0),
        },
    };
    finish(exit, &mut screen)
}

fn finish(exit: Result<u8, Failure>, screen: &mut Screen) -> u8 {
    match exit.and_then(|exit| screen.flush().map(|()| exit)) {
        Ok(exit) => exit,
        Err(failure) => screen.failure(&failure),
    }
}

/// One daemon, or each with `--all`: then the highest exit code is the answer.
fn ask_each(command: &Command, ask: &Ask, global: &Global, screen: &mut Screen) -> u8 {
    let places = match global.all {
        true => Roots::here().all(),
        false => Ok(vec![place::named(global)]),
    };
    let places = match places {
        Ok(places) => places,
        Err(failure) => return status_or(command, &failure, screen.failure(&failure)),
    };
    let mut worst = 0;
    for place in places {
        if let (true, Some(name)) = (global.all, place.instance()) {
            screen.instance = Some(name.to_owned());
            if !global.json
                && let Err(failure) = screen.text(&format!("== {} ==\n", clean(name)))
            {
                return screen.failure(&failure);
            }
        }
        let errand = Errand { command, ask: ask.clone(), global, place };
        let exit = match ask_one(&errand, screen).and_then(|exit| screen.flush().map(|()| exit)) {
            Ok(exit) => exit,
            Err(failure) => status_or(command, &failure, screen.failure(&failure)),
        };
        worst = worst.max(exit);
    }
    worst
}

fn status_or(command: &Command, failure: &Failure, exit: u8) -> u8 {
    match (command, failure) {
        (_, Failure::ClosedPipe) => exit,
        (
            Command::Status,
            Failure::NoSocket { .. } | Failure::NoListener { .. } | Failure::NoInstance { .. },
        ) => NOT_RUNNING,
        (Command::Status, _) => UNKNOWN,
        _ => exit,
    }
}

fn ask_one(errand: &Errand<'_>, screen: &mut Screen) -> Result<u8, Failure> {
    match errand.command {
        Command::Lines { raw, .. } => data::lines(errand, *raw, screen),
        Command::Get { raw, .. } => data::get(errand, *raw, screen),
        Command::Dump(dump) => data::dump(errand, dump, screen),
        Command::Watch => live::watch(errand, screen),
        Command::Events(how) => live::follow(errand, "events", how.json_line, events::line, screen),
        Command::Log(Log::Tail(how)) => {
            live::follow(errand, "lines", how.json_line, events::log_line, screen)
        }
        Command::Doctor { config, ask_server } => doctor::run(errand, config.as_deref(), *ask_server, screen),
        #[cfg(feature = "top")]
        Command::Top => crate::top::run(errand, screen),
        Command::Wait(wait) => live::wait(errand, &wait.until(), screen),
        Command::Submit { dry_run: false, force, .. } => live::submit(errand, *force, screen),
        Command::Version => version(errand, screen),
        _ => simple(errand, screen),
    }
}

/// One request, one answer.
fn simple(errand: &Errand<'_>, screen: &mut Screen) -> Result<u8, Failure> {
    let begin = Instant::now();
    let mut connection = errand.connect()?;
    let mut answer = connection.ask(errand.ask.clone(), |_| Ok(()))?;
    let took_ms = begin.elapsed().as_secs_f64() * 1e3;
    let exit = verdict(errand.command, &answer);
    if matches!(errand.command, Command::Ping)
        && let Some(object) = answer.as_object_mut()
    {
        object.insert("rtt_ms".into(), json!(took_ms));
    }
    if screen.json {
        screen.object(answer)?;
        return Ok(exit);
    }
    let text = match errand.command {
        Command::Status => status::screen(&typed::<Status>(&connection, &answer)?, screen.look),
        Command::Ping => {
            let name = connection.hello().map(|hello| hello.name.as_str()).unwrap_or_default();
            return screen.confirm(&format!("{}: {took_ms:.2} ms", clean(name))).map(|()| exit);
        }
        Command::Peers | Command::Resolve { .. } => {
            // `resolve` has no names: an empty map.
            if answer.get("names").is_none()
                && let Some(object) = answer.as_object_mut()
            {
                object.insert("names".into(), json!({}));
            }
            let peers = typed::<Peers>(&connection, &answer)?;
            if exit == NEGATIVE { "no peer has such a name or id\n".into() } else { peers::table(&peers) }
        }
        Command::Master => master(&answer),
        Command::History => match list(&answer, "runs") {
            [] => "no run was finished yet\n".into(),
            runs => history::table(runs),
        },
        Command::Why => why(&answer),
        Command::Stats => fields(&answer),
        // Its labels hold names from elsewhere.
        Command::Metrics if screen.is_terminal => {
            text_of(&answer, "text").lines().map(|line| format!("{}\n", clean(line))).collect()
        }
        Command::Metrics => text_of(&answer, "text").to_owned(),
        Command::Config(Config::Show) => settings(list(&answer, "settings"), false),
        Command::Config(_) => settings(list(&answer, "settings"), true),
        change => return confirm_change(change, &answer, screen).map(|()| exit),
    };
    screen.text(&text)?;
    Ok(exit)
}

/// Answers that came well and still say no.
fn verdict(command: &Command, answer: &Value) -> u8 {
    let no = match command {
        Command::Master => answer.get("master").is_none_or(Value::is_null),
        Command::Resolve { .. } => list(answer, "peers").is_empty(),
        _ => false,
    };
    if no { NEGATIVE } else { 0 }
}

fn typed<T: DeserializeOwned>(connection: &Connection, answer: &Value) -> Result<T, Failure> {
    T::deserialize(answer).map_err(|error| connection.garbage(error))
}

fn list<'a>(answer: &'a Value, name: &str) -> &'a [Value] {
    answer.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn text_of<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn master(answer: &Value) -> String {
    let term = answer.get("term").and_then(Value::as_u64).unwrap_or(0);
    match answer.get("master") {
        Some(master) if !master.is_null() => {
            let this = if answer.get("self") == Some(&Value::Bool(true)) { ", this node" } else { "" };
            format!(
                "{} ({}{this}, term {term})\n",
                clean(text_of(master, "name")),
                clean(text_of(master, "id"))
            )
        }
        _ => format!("no master (term {term})\n"),
    }
}

fn why(answer: &Value) -> String {
    let mut text: String = list(answer, "sentences")
        .iter()
        .filter_map(Value::as_str)
        .map(|sentence| format!("{}\n", clean(sentence)))
        .collect();
    // The sentences of the causes are above, in the same order.
    let short = |cause: &Value| json!({ "weight": cause.get("weight"), "cause": cause.get("code") });
    let causes: Vec<Value> = list(answer, "causes").iter().map(short).collect();
    if !causes.is_empty() {
        text.push('\n');
        text.push_str(&objects(&causes, &["weight", "cause"]));
    }
    text
}

/// A sentence for what was done, then what the daemon said of it.
fn confirm_change(command: &Command, answer: &Value, screen: &mut Screen) -> Result<(), Failure> {
    let done = match command {
        Command::Peer(crate::args::Peer::Add { .. }) => "dialling the peer",
        Command::Peer(crate::args::Peer::Rm { .. }) => "the link is closed",
        Command::Peer(crate::args::Peer::Forget { .. }) => "forgotten",
        Command::Join { .. } => "joining",
        Command::Leave => "this node left the swarm",
        Command::Start { .. } => "drawing",
        Command::Pause => "paused",
        Command::Resume => "drawing again",
        Command::Reset { .. } => "the lines are forgotten",
        Command::Save => "everything is on disk",
        Command::Verify => "the journal is as the memory",
        Command::Stop => "the daemon ends",
        Command::Submit { .. } => "nothing was sent",
        Command::Elect { .. } => "an election is held",
        Command::Limit { .. } => "the limit is set",
        Command::Log(_) => "the level is set",
        Command::Reload => "the configuration was read",
        Command::Capture(Capture::Start { .. }) => {
            "the engine started anew, and all that it is told is recorded"
        }
        Command::Capture(Capture::Stop) => "the capture is whole",
        _ => "done",
    };
    screen.confirm(done)?;
    if matches!(command, Command::Reload) {
        return screen.confirm(reloaded(list(answer, "changed"), list(answer, "restart")).trim_end());
    }
    let said = answer.as_object().is_some_and(|object| !object.is_empty());
    if said && !screen.quiet {
        screen.text(&fields(answer))?;
    }
    Ok(())
}

/// What a reload changed, and what it could not.
fn reloaded(changed: &[Value], restart: &[Value]) -> String {
    let lines = |settings: &[Value], end: &str| {
        let one = |one: &Value| {
            let name = format!("{}.{}", text_of(one, "section"), text_of(one, "key"));
            let value = |name| clean(&one.get(name).unwrap_or(&Value::Null).to_string()).into_owned();
            format!("  {} = {} (was {}){end}\n", clean(&name), value("value"), value("was"))
        };
        settings.iter().map(one).collect::<String>()
    };
    if changed.is_empty() && restart.is_empty() {
        return "  nothing differs from what is in force".into();
    }
    lines(changed, "") + &lines(restart, ": needs a restart of the daemon")
}

/// Ours is known without a daemon, so it is said even where none answers.
fn version(errand: &Errand<'_>, screen: &mut Screen) -> Result<u8, Failure> {
    let ours = env!("CARGO_PKG_VERSION");
    if !screen.json {
        screen.text(&format!("lineswarmctl {ours}\n"))?;
    }
    let mut answer = errand.connect()?.ask(errand.ask.clone(), |_| Ok(()))?;
    let theirs = text_of(&answer, "version").to_owned();
    let skew = theirs != ours;
    if screen.json {
        if let Some(object) = answer.as_object_mut() {
            object.insert("client".into(), ours.into());
            object.insert("skew".into(), skew.into());
        }
        screen.object(answer)?;
        return Ok(0);
    }
    let number = |name: &str| crate::render::table::cell(answer.get(name).unwrap_or(&Value::Null));
    let mut text = format!(
        "{} {} (control {}, wire {}, journal {})\n",
        clean(text_of(&answer, "program")),
        clean(&theirs),
        number("control"),
        number("wire"),
        number("journal")
    );
    if skew {
        text.push_str("the versions differ: restart the daemon after an upgrade\n");
    }
    screen.text(&text)?;
    Ok(0)
}
