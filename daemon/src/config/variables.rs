//! What the environment says, and what of it is passed over.
//!
//! Variables come from whoever starts the daemon: an operator, systemd, compose (which sets those that nobody gave to
//! nothing), Kubernetes (which describes each service of the namespace in variables that may begin like ours). So an
//! empty one counts as unset, and what others put there costs one warning, while a setting that is misspelt is an error.

use super::places::Environment;
use super::table::{self, SETTINGS, Setting, nearest};
use super::{Origin, Problem};

/// What all settings begin with.
const PREFIX: &str = "LINESWARM_";
/// Variables of the same beginning that other programs read, or tests.
const OTHERS: [&str; 2] = ["LINESWARM_SOCKET", "LINESWARM_SEED"];
/// So many names are told.
const NAMES: usize = 5;

impl Environment {
    /// A variable that is set to something.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.trim().is_empty())
    }
}

/// What is wrong with variables that look like settings, and what is only passed over.
pub(super) fn judge(environment: &Environment, problems: &mut Vec<Problem>) -> Vec<String> {
    for name in environment.unreadable.iter().filter(|name| name.starts_with(PREFIX)) {
        let (at, hint) = (Origin::Environment(name.clone()), "Write it in UTF-8, or unset it");
        problems.push(Problem::new(&at, "the environment", "its value is not UTF-8", hint));
    }
    let (mut links, mut strange) = (Vec::new(), Vec::new());
    for name in environment.variables.keys() {
        let Some(rest) = name.strip_prefix(PREFIX) else { continue };
        let known = SETTINGS.iter().any(|setting| setting.variable() == *name);
        let Some(value) = environment.get(name).filter(|_| !known && !OTHERS.contains(&name.as_str())) else {
            continue;
        };
        if is_service_link(rest, value) {
            links.push(name.as_str());
            continue;
        }
        match meant(rest) {
            Some(hint) => {
                let at = Origin::Environment(name.clone());
                problems.push(Problem::new(&at, "the environment", "there is no such setting", hint));
            }
            None => strange.push(name.as_str()),
        }
    }
    let mut warnings = Vec::new();
    if !links.is_empty() {
        let (why, hint) = ("they describe services of a cluster", "set enableServiceLinks: false in the pod");
        warnings.push(passed_over(&links, why, hint));
    }
    if !strange.is_empty() {
        let (why, hint) = ("there are no such settings", "unset them; docs/settings.md lists the settings");
        warnings.push(passed_over(&strange, why, hint));
    }
    warnings
}

/// One log line, whatever their number.
fn passed_over(names: &[&str], why: &str, hint: &str) -> String {
    let mut shown: Vec<String> =
        names.iter().take(NAMES).map(|name| name.escape_default().to_string()).collect();
    if let Some(more) = names.len().checked_sub(NAMES).filter(|more| *more > 0) {
        shown.push(format!("and {more} more"));
    }
    format!("environment-ignored variables=\"{}\" why=\"{why}\" hint=\"{hint}\"", shown.join(" "))
}

/// `SERVER_PORT=tcp://10.96.0.7:9801`, `SERVER_SERVICE_HOST`, `SERVER_SERVICE_PORT_HTTP`, `SERVER_PORT_9801_TCP_ADDR`: what
/// Kubernetes and Docker say of a service `lineswarm-server`, without the beginning. A `SERVER_PORT=9801` is none.
fn is_service_link(rest: &str, value: &str) -> bool {
    let words: Vec<&str> = rest.split('_').collect();
    let is_url = ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme));
    let port = |words: &[&str]| match words {
        ["PORT"] => is_url,
        ["PORT", number, "TCP" | "UDP" | "SCTP", rest @ ..] => {
            number.parse::<u16>().is_ok() && matches!(rest, [] | ["PROTO" | "PORT" | "ADDR"])
        }
        ["SERVICE", "HOST"] | ["SERVICE", "PORT", ..] | ["ENV", _, ..] => true,
        // A link of Docker: /container/alias.
        ["NAME"] => value.starts_with('/'),
        _ => false,
    };
    (0..words.len()).any(|at| words.get(at..).is_some_and(port))
}

/// The hint for a variable that was meant to be a setting: one in a section, one without its section, or nearly one.
fn meant(rest: &str) -> Option<String> {
    let lower = rest.to_lowercase();
    let did_you_mean = |setting: &Setting| format!("Did you mean {}?", setting.variable());
    let key = |setting: &Setting| setting.key.replace('-', "_");
    for section in table::sections() {
        let Some(written) = lower.strip_prefix(section).and_then(|rest| rest.strip_prefix('_')) else {
            continue;
        };
        let settings = || SETTINGS.iter().filter(|setting| setting.section == section);
        let keys: Vec<String> = settings().map(key).collect();
        let near = nearest(written, keys.iter().map(String::as_str));
        return Some(match settings().find(|setting| Some(key(setting).as_str()) == near) {
            Some(setting) => did_you_mean(setting),
            None => {
                let all: Vec<String> = settings().map(Setting::variable).collect();
                format!("Unset it, or write one of {}", all.join(", "))
            }
        });
    }
    let flag = lower.replace('_', "-");
    let of_flag = SETTINGS.iter().find(|setting| setting.flags.contains(&flag.as_str()));
    let names: Vec<String> =
        SETTINGS.iter().map(|setting| format!("{}_{}", setting.section, key(setting))).collect();
    let near = nearest(&lower, names.iter().map(String::as_str));
    let at = names.iter().position(|name| Some(name.as_str()) == near);
    of_flag.or_else(|| SETTINGS.get(at?)).map(did_you_mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(variables: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
        let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let environment = Environment { variables, ..Environment::default() };
        let mut problems = Vec::new();
        let warnings = judge(&environment, &mut problems);
        (problems.iter().map(ToString::to_string).collect(), warnings)
    }

    #[test]
    fn what_a_cluster_says_of_its_services_is_passed_over_with_one_warning() {
        for links in [
            &[
                ("LINESWARM_SERVER_PORT", "tcp://10.96.0.7:9801"),
                ("LINESWARM_SERVER_SERVICE_HOST", "10.96.0.7"),
            ][..],
            &[
                ("LINESWARM_SWARM_SERVICE_PORT", "9900"),
                ("LINESWARM_SWARM_SERVICE_PORT_PEERS", "9900"),
                ("LINESWARM_SWARM_PORT", "udp://[fd00::7]:9900"),
                ("LINESWARM_SWARM_PORT_9900_UDP", "udp://[fd00::7]:9900"),
                ("LINESWARM_SWARM_PORT_9900_UDP_PROTO", "udp"),
                ("LINESWARM_SWARM_PORT_9900_UDP_PORT", "9900"),
                ("LINESWARM_SWARM_PORT_9900_UDP_ADDR", "fd00::7"),
            ],
            &[("LINESWARM_NODE_METRICS_SERVICE_PORT_HTTP", "80"), ("LINESWARM_SERVICE_HOST", "10.0.0.1")],
            &[("LINESWARM_PORT", "tcp://10.0.0.1:80"), ("LINESWARM_RUN_ENV_PATH", "/bin")],
            &[
                ("LINESWARM_SERVER_NAME", "/node/lineswarm-server"),
                ("LINESWARM_SUBMIT_PORT_1_SCTP", "sctp://x:1"),
            ],
        ] {
            let (problems, warnings) = judged(links);
            assert_eq!((problems.len(), warnings.len()), (0, 1), "{links:?}: {problems:?} {warnings:?}");
            assert!(warnings[0].contains("enableServiceLinks"), "{warnings:?}");
        }
    }

    #[test]
    fn a_variable_that_was_meant_to_be_a_setting_is_an_error() {
        for (name, value, hint) in [
            ("LINESWARM_SERVER_ADRESS", "a:1", "Did you mean LINESWARM_SERVER_ADDRESS?"),
            ("LINESWARM_SEVER_ADDRESS", "a:1", "Did you mean LINESWARM_SERVER_ADDRESS?"),
            ("LINESWARM_SERVER_PORT", "9801", "Unset it, or write one of LINESWARM_SERVER_ADDRESS, "),
            ("LINESWARM_STATE_DIR", "/x", "Did you mean LINESWARM_NODE_STATE_DIR?"),
            ("LINESWARM_SWARM_MAX_PEER", "5", "Did you mean LINESWARM_SWARM_MAX_PEERS?"),
            ("LINESWARM_SERVER", "a:1", "Did you mean LINESWARM_SERVER_ADDRESS?"),
            ("LINESWARM_ELECTION_XYZZY", "1", "Unset it, or write one of LINESWARM_ELECTION_QUORUM, "),
        ] {
            let (problems, warnings) = judged(&[(name, value)]);
            assert_eq!((problems.len(), warnings.len()), (1, 0), "{name}: {warnings:?}");
            assert!(problems[0].starts_with(&format!("{name}: the environment: ")), "{problems:?}");
            assert!(problems[0].contains(hint), "{name}: {problems:?}");
        }
    }

    #[test]
    fn an_empty_variable_is_unset_and_other_names_cost_one_warning() {
        let nothing: (Vec<String>, Vec<String>) = Default::default();
        assert_eq!(
            judged(&[("LINESWARM_SERVER_ADRESS", ""), ("LINESWARM_FOO", " "), ("OTHER", "x")]),
            nothing
        );
        assert_eq!(judged(&[("LINESWARM_SOCKET", "/x"), ("LINESWARM_SEED", "1")]), nothing);
        let names: Vec<String> = (0..9).map(|at| format!("LINESWARM_XYZZY{at}")).collect();
        let many: Vec<_> = names.iter().map(|name| (name.as_str(), "x")).collect();
        let (problems, warnings) = judged(&many);
        assert_eq!((problems.len(), warnings.len()), (0, 1), "{problems:?} {warnings:?}");
        assert!(
            warnings[0].contains("LINESWARM_XYZZY0") && warnings[0].contains("and 4 more"),
            "{warnings:?}"
        );
    }
}
