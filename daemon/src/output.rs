//! The finished file (`submit.output`), written by a short-lived thread: whole beside its place and then renamed, or
//! through a FIFO or a device, which may take as long as its reader does.

use crate::{
    background::{Background, Wake},
    logging::value,
};
use lineswarm_files::write::Output as Writing;
use lineswarm_proto::{ids::LineNumber, lines::SharedLines};
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

/// Written at once, if no line is longer.
const PIECE_BYTES: usize = 64 * 1024;

#[derive(Debug)]
pub(crate) struct Output {
    path: Option<PathBuf>,
    background: Background<()>,
    is_given_up: Arc<AtomicBool>,
}

impl Output {
    pub(crate) fn new(path: Option<PathBuf>, wake: Wake) -> Self {
        Self { path, background: Background::new("output", wake), is_given_up: Arc::default() }
    }

    /// Writes all of `lines`, after an earlier writing has ended.
    pub(crate) fn write(&mut self, lines: &SharedLines) {
        let Some(path) = self.path.clone() else { return };
        let (lines, is_given_up) = (lines.clone(), Arc::clone(&self.is_given_up));
        let begun = self.background.run_instead(move || match write(&path, &lines, &is_given_up) {
            Ok(()) => log::info!("output-written path={}", value(path.display())),
            Err(error) => log::error!(
                "output-failed path={} why={} hint=\"make room there, or get the file by lineswarmctl dump -o\"",
                value(path.display()),
                value(&error)
            ),
        });
        if let Err(error) = begun {
            log::error!("output-failed why={} hint=\"raise TasksMax=\"", value(error));
        }
    }

    /// A writing is under way.
    pub(crate) fn is_busy(&self) -> bool {
        self.background.is_busy()
    }

    /// A writing that is under way ends as soon as it can, and the old file stays. False if it does not by `until`.
    pub(crate) fn give_up(&self, until: Instant) -> bool {
        self.is_given_up.store(true, Ordering::SeqCst);
        self.background.finish(until)
    }
}

fn write(path: &Path, lines: &SharedLines, is_given_up: &AtomicBool) -> io::Result<()> {
    let mut file = Writing::open(path).map_err(lineswarm_files::write::WriteError::into_io)?;
    let (mut next, mut piece) = (Some(LineNumber(0)), Vec::new());
    while let Some(from) = next {
        piece.clear();
        next = lines.slice(from, |_, text| {
            piece.extend_from_slice(text);
            piece.push(b'\n');
            piece.len() < PIECE_BYTES
        });
        if is_given_up.load(Ordering::Relaxed) {
            return Err(io::Error::other("the daemon ended meanwhile"));
        }
        // Not under the lock of the map: this may take as long as a reader does.
        file.write_all(&piece)?;
    }
    file.finish().map_err(lineswarm_files::write::WriteError::into_io)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::background::nobody;
    use std::{fs, time::Duration};

    #[test]
    fn the_file_is_there_whole_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file.txt");
        let lines = SharedLines::new();
        lines.insert(LineNumber(2), b"two");
        lines.insert(LineNumber(1), b"");
        let mut output = Output::new(Some(path.clone()), nobody());
        output.write(&lines);
        assert!(output.background.finish(Instant::now() + Duration::from_secs(60)));
        assert_eq!(fs::read(&path).unwrap(), b"\ntwo\n");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left beside it");
    }
}
