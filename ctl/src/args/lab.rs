//! Arguments of the lab: what is rehearsed, measured and computed on one machine.

use super::rate;
use crate::lab::plan::{OnePerIp, Topology};
use clap::{Args, Subcommand, ValueHint};
use std::path::PathBuf;

#[derive(Clone, Debug, Args)]
pub struct Demo {
    /// How many daemons
    #[arg(long, value_name = "K", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub peers: u32,
    /// How many lines the file has
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub lines: u32,
    /// Lines a second that the server gives each daemon
    #[arg(long, value_name = "R", default_value_t = 200.0, value_parser = rate)]
    pub rate: f64,
    /// Of the server's file and draws: the same seed needs the same draws
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// Keep the directory with all files and logs
    #[arg(long)]
    pub keep: bool,
}

#[derive(Clone, Debug, Args)]
pub struct Compare {
    /// How many daemons, one swarm after the other
    #[arg(long, value_name = "K,K,...", value_delimiter = ',', default_value = "1,2,3,4")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=64))]
    pub peers: Vec<u32>,
    /// Where to write results.json, the charts and report.html
    #[arg(long, value_name = "DIR", value_parser = super::path(), value_hint = ValueHint::AnyPath)]
    pub out: PathBuf,
    /// Lines a second that the server gives each daemon
    #[arg(long, value_name = "R", default_value_t = 100.0, value_parser = rate)]
    pub rate: f64,
    /// How many lines the file has
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub lines: u32,
    /// How many downloads by each swarm, each with a seed of its own
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub runs: u32,
    /// The first seed: it determines file and draws, so that every swarm needs the same
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// Who sends lines to whom
    #[arg(long, value_name = "T,T,...", value_delimiter = ',', default_value = "mesh")]
    pub topology: Vec<Topology>,
    /// Every reply of the line server leaves so many milliseconds later
    #[arg(long, value_name = "MS", default_value_t = 0.0, value_parser = milliseconds)]
    pub latency: f64,
    /// Kill the master without warning when the swarm holds so many percent of the lines
    #[arg(long, value_name = "PCT", value_parser = percent)]
    pub kill_master_at: Option<f64>,
    /// The server lets one connection of an address live, and rejects or replaces
    #[arg(long, value_name = "HOW", num_args = 0..=1, require_equals = true, default_missing_value = "reject")]
    pub one_per_ip: Option<OnePerIp>,
    /// Download from this line server instead of one of our own; --rate and --lines say what it is known to have
    #[arg(long, value_name = "ADDR", conflicts_with_all = ["latency", "one_per_ip"])]
    pub server: Option<String>,
    /// Who submits there
    #[arg(long, value_name = "ENTRY@TEAM", requires = "server")]
    pub identity: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub struct Predict {
    /// How many peers
    #[arg(long, value_name = "K,K,...", value_delimiter = ',', default_value = "1,2,4,8")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub peers: Vec<u32>,
    /// How many lines the file has
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub lines: u32,
    /// Lines a second that the server gives each peer
    #[arg(long, value_name = "R", default_value_t = 100.0, value_parser = rate)]
    pub rate: f64,
    /// From peer to peer, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0.0, value_parser = milliseconds)]
    pub latency: f64,
    /// The chance that a message between peers is lost and sent again
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = loss)]
    pub loss: f64,
    /// How many downloads to sample for each number of peers
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(2..=1_000_000))]
    pub runs: u64,
    /// The same seed gives the same samples, whatever the number of workers
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// Threads [default: one for each core]
    #[arg(long, value_name = "W")]
    pub workers: Option<std::num::NonZeroUsize>,
    /// Write predict.svg there
    #[arg(long, value_name = "DIR", value_parser = super::path(), value_hint = ValueHint::AnyPath)]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Bench {
    /// One-way transfers a second between two parties: channel, pipe, sockets, datagrams
    Transport(Transport),
}

#[derive(Clone, Debug, Args)]
pub struct Transport {
    /// Rounds there and back, in each of three runs
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub count: u64,
}

fn milliseconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(span) if (0.0..=60_000.0).contains(&span) => Ok(span),
        _ => Err("a latency is a number of milliseconds from 0 to 60000".into()),
    }
}

fn percent(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=100.0).contains(&share) => Ok(share),
        _ => Err("it is a number from 0 to 100".into()),
    }
}

fn loss(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(chance) if (0.0..=0.9).contains(&chance) => Ok(chance),
        _ => Err("a chance of loss is a number from 0 to 0.9, such as 0.02".into()),
    }
}
