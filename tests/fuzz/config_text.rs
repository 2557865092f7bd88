//! The text of a configuration file.
//!
//! Promised: a configuration, or problems with what, why and hint; a configuration that was taken, printed and read again
//! has the same values.

use crate::{
    args::Args,
    config::{Config, ConfigError, Environment, Origin, Value},
};
use std::path::PathBuf;

fn load(path: PathBuf, text: &[u8]) -> Option<Result<Config, ConfigError>> {
    std::fs::write(&path, text).ok()?;
    let args = Args { config: Some(path), ..Args::default() };
    let environment = Environment { etc: "/nowhere".into(), ..Environment::default() };
    Some(Config::load(&args, &environment))
}

fn values(config: &Config) -> Vec<&Value> {
    config.effective().iter().map(|its| &its.value).collect()
}

pub(crate) fn run(bytes: &[u8]) {
    thread_local! {
        static PLACE: Option<tempfile::TempDir> = tempfile::tempdir().ok();
    }
    // Named without the process, so that the same bytes make the same messages.
    let path = PLACE.with(|place| place.as_ref().map(|place| place.path().join("test.toml")));
    let Some(path) = path else { return };
    match load(path.clone(), bytes) {
        None => {}
        Some(Ok(config)) => {
            let text = config.to_toml();
            let again = load(path, text.as_bytes()).and_then(Result::ok);
            assert!(again.is_some_and(|again| values(&again) == values(&config)), "printed as\n{text}");
        }
        Some(Err(error)) => {
            assert!(!error.problems.is_empty());
            let lines = bytes.split(|byte| *byte == b'\n').count();
            for problem in &error.problems {
                assert!(!problem.what.is_empty() && !problem.why.is_empty(), "{problem}");
                assert!(!problem.hint.is_empty(), "{problem}");
                if let Origin::File(_, line) = problem.at {
                    assert!((1..=lines).contains(&line), "line {line} of {lines}: {problem}");
                }
            }
        }
    }
}
