//! stub
use lineswarm_proto::{engine::io::Stamped, time::Moment};
pub(crate) struct Report;
impl Report {
    pub(crate) fn new(_: &str) -> Self {
        Self
    }
    pub(crate) fn note(&mut self, s: &Stamped, _: Moment) {
        let (level, what, fields) = s.event.describe();
        let f: Vec<String> = fields.iter().map(|(k, v)| format!("{k}={v}")).collect();
        log::info!("[{level}] {what} {}", f.join(" "));
    }
    pub(crate) fn set_trouble(&mut self, _: Option<String>) {}
    pub(crate) fn count_refusal(&mut self, _: &'static str) {}
}
