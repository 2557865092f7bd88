//! stub
use crate::{config::Config, report::Report, store};
use lineswarm_proto::{
    engine::{
        Engine,
        io::{Command, RequestId},
    },
    time::Moment,
    wire::control::ErrorBody,
};
#[derive(Debug, thiserror::Error)]
pub(crate) enum ControlError {}
pub(crate) struct Surroundings<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) report: &'a Report,
    pub(crate) listen: std::net::SocketAddr,
    pub(crate) unsaved: usize,
    pub(crate) now: Moment,
}
pub(crate) enum Wish {
    Command(Command),
    Save(u64),
    Verify(u64),
    Reload,
    LogLevel(log::LevelFilter),
    Stop,
}
pub(crate) struct Control;
impl Control {
    pub(crate) fn bind(_: &Config, _: &mio::Registry, _: usize) -> Result<Self, ControlError> {
        Ok(Self)
    }
    pub(crate) fn is_busy(&self) -> bool {
        false
    }
    pub(crate) fn is_flushed(&self) -> bool {
        true
    }
    pub(crate) fn deadline(&self) -> Option<Moment> {
        None
    }
    pub(crate) fn on_ready(&mut self, _: &mio::event::Event) {}
    pub(crate) fn turn(&mut self, _: &Surroundings<'_>) {}
    pub(crate) fn next_wish(&mut self) -> Option<(RequestId, Wish)> {
        None
    }
    pub(crate) fn on_reply(&mut self, _: RequestId, _: Result<(), ErrorBody>) {}
    pub(crate) fn on_saved(&mut self, _: u64) {}
    pub(crate) fn on_verified(&mut self, _: u64, _: &store::Report) {}
    pub(crate) fn close(&mut self) {}
}
