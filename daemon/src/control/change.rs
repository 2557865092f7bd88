//! Changes that clients ask for, checked before the engine or the event loop hears of them.

use super::{
    Surroundings, Wish,
    answer::{Answer, Json},
    lookup,
};
use lineswarm_proto::{
    engine::io::Command as Order,
    limits,
    wire::control::{Command, ErrorBody, State},
};
use serde_json::json;

/// What a change is answered with, or handed on as. `None`: it is no change.
pub(super) fn change(command: Command, around: &Surroundings<'_>) -> Result<Option<Answer>, ErrorBody> {
    let peer = |name: &str| lookup::one(around.engine, around.listen, name);
    let order = match command {
        Command::Start { server, lines, swarm } => {
            server.as_deref().map_or(Ok(()), address)?;
            let most = limits::LINES;
            if let Some(lines) = lines.filter(|lines| *lines == 0 || *lines > most) {
                return Err(bad(
                    "lines",
                    &lines,
                    format!("a file has 1 to {most} lines"),
                    "give their number",
                ));
            }
            Order::Start { server, lines, swarm }
        }
        Command::Pause => Order::Pause,
        Command::Resume => Order::Resume,
        Command::Reset { swarm } => Order::Reset { swarm },
        Command::Submit { dry_run: true, .. } => return dry_run(around).map(Some),
        Command::Submit { force, resolve, .. } => return submit(around, force, resolve).map(Some),
        Command::Elect { to } => Order::Elect { to: to.as_deref().map(peer).transpose()? },
        Command::Limit { rate } => {
            if let Some(rate) = rate.filter(|rate| !rate.is_finite() || *rate <= 0.0) {
                let hint = "give lines a second, or null for no cap; pause stops all draws";
                return Err(bad("rate", &rate, "it must be more than 0".into(), hint));
            }
            Order::Limit { rate }
        }
        Command::PeerAdd { address: to } => {
            address(&to)?;
            Order::PeerAdd { address: to }
        }
        Command::PeerRemove { id, ban } => Order::PeerRemove { id: peer(&id)?, ban },
        Command::PeerForget { id: None, absent: true } => Order::PeerForgetAbsent,
        Command::PeerForget { id: Some(id), absent: false } => Order::PeerForget { id: peer(&id)? },
        Command::PeerForget { id, .. } => {
            let hint = "give the id or name of one, or absent, which stands for all that are gone";
            return Err(bad("peer", &id, "one of both is needed, and not both".into(), hint));
        }
        Command::Join { addresses } => {
            if addresses.is_empty() || addresses.len() > limits::CONTACTS {
                let why = format!("1 to {} are possible", limits::CONTACTS);
                return Err(bad(
                    "addresses",
                    &addresses.len(),
                    why,
                    "name one node of the swarm, as host:port",
                ));
            }
            addresses.iter().try_for_each(|to| address(to))?;
            Order::Join { addresses }
        }
        Command::Leave => Order::Leave,
        Command::Save => return Ok(Some(Answer::Save)),
        Command::Verify => return Ok(Some(Answer::Verify)),
        Command::Stop => return Ok(Some(Answer::Wish(Wish::Stop))),
        Command::Reload => return Ok(Some(Answer::Wish(Wish::Reload))),
        Command::LogLevel { level } => {
            let parsed = level.parse().map_err(|_| {
                bad(
                    "level",
                    &level,
                    "there is no such level".into(),
                    "give off, error, warn, info, debug or trace",
                )
            })?;
            return Ok(Some(Answer::Wish(Wish::LogLevel(parsed))));
        }
        Command::Capture { to } => {
            to.as_deref().map_or(Ok(()), file_name)?;
            return Ok(Some(Answer::Wish(Wish::Capture(to))));
        }
        _ => return Ok(None),
    };
    Ok(Some(Answer::Wish(Wish::Command(order))))
}

fn bad(what: &str, value: &dyn std::fmt::Debug, why: String, hint: &str) -> ErrorBody {
    let mut shown = format!("{value:?}");
    shown.truncate(shown.char_indices().nth(80).map_or(shown.len(), |(at, _)| at));
    ErrorBody::new("E_BAD_VALUE", format!("{what} {shown} can't be taken"), why, hint)
}

/// Of a file in the state directory, and of none but that.
fn file_name(name: &str) -> Result<(), ErrorBody> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let why = match name {
        "" => "it is empty",
        _ if name.len() > limits::NAME_BYTES => "it is too long",
        _ if name.starts_with('.') || !name.chars().all(plain) => {
            "it has more than letters, digits, '-', '_' and '.', or begins with '.'"
        }
        _ => return Ok(()),
    };
    Err(bad("name", &name, why.into(), "give a plain file name: it goes to the state directory"))
}

/// `host:port`. Whether the host exists is found when it is dialled.
fn address(text: &str) -> Result<(), ErrorBody> {
    let host_and_port = text.rsplit_once(':').map(|(host, port)| (host, port.parse::<u16>()));
    let why = match host_and_port {
        _ if text.len() > limits::NAME_BYTES => format!("it is longer than {} bytes", limits::NAME_BYTES),
        _ if text.contains(|c: char| c.is_whitespace() || c.is_control()) => "it has blanks".into(),
        None => "it has no port".into(),
        Some(("", _)) => "it has no host".into(),
        Some((_, Err(_) | Ok(0))) => "its port is no number from 1 to 65535".into(),
        Some((host, Ok(_))) if host.contains(':') && !(host.starts_with('[') && host.ends_with(']')) => {
            "an IPv6 address stands in brackets".into()
        }
        Some(_) => return Ok(()),
    };
    Err(bad("address", &text, why, "give host:port, 192.0.2.1:9900 or [2001:db8::1]:9900"))
}

/// What a submit would send, without sending it.
fn dry_run(around: &Surroundings<'_>) -> Result<Answer, ErrorBody> {
    let status = around.engine.status();
    if !around.engine.is_complete() {
        let lines = status.job.lines.map_or("an unknown number of".into(), |lines| lines.to_string());
        return Err(ErrorBody::new(
            "E_INCOMPLETE",
            "nothing could be submitted",
            format!(
                "{} of {lines} lines are held and {} conflicts are open",
                status.job.have, status.job.conflicts
            ),
            "wait for it: lineswarmctl wait --for complete",
        ));
    }
    Ok(Answer::Now(Json::of(&json!({
        "server": status.job.server, "lines": status.job.have, "sha256": status.job.sha256,
        "master": status.master, "submit": status.submit,
    }))))
}

/// The engine announces, agrees and sends in its own time; `status` has the verdict.
fn submit(around: &Surroundings<'_>, force: bool, resolve: bool) -> Result<Answer, ErrorBody> {
    let waits = match around.engine.status().state {
        _ if !around.engine.is_complete() => None,
        State::Paused if !force => {
            Some(("it is paused", "go on with lineswarmctl resume, or insist with --force"))
        }
        State::Idle => Some(("it was not started", "start it: lineswarmctl start")),
        _ => None,
    };
    if let Some((why, hint)) = waits {
        return Err(ErrorBody::new("E_NOT_YET", "nothing was submitted", why, hint));
    }
    Ok(Answer::Wish(Wish::Command(Order::Submit { force, resolve })))
}
