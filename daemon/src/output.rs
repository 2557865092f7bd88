//! The finished file (`submit.output`): written whole beside its place, then renamed, by a short-lived thread.

use crate::logging::value;
use lineswarm_proto::lines::SharedLines;
use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    thread::{Builder, JoinHandle},
};

#[derive(Debug, Default)]
pub(crate) struct Output {
    path: Option<PathBuf>,
    writing: Option<JoinHandle<()>>,
}

impl Output {
    pub(crate) fn new(path: Option<PathBuf>) -> Self {
        Self { path, writing: None }
    }

    /// Writes all of `lines`, after an earlier writing has ended.
    pub(crate) fn write(&mut self, lines: &SharedLines) {
        let Some(path) = self.path.clone() else { return };
        self.finish();
        let lines = lines.clone();
        let writer = Builder::new().name("output".into()).spawn(move || match write(&path, &lines) {
            Ok(()) => log::info!("output-written path={}", value(path.display())),
            Err(error) => log::error!(
                "output-failed path={} why={} hint=\"make room there, or get the file by lineswarmctl dump -o\"",
                value(path.display()),
                value(&error)
            ),
        });
        match writer {
            Ok(writer) => self.writing = Some(writer),
            Err(error) => log::error!(
                "output-failed why={} hint=\"raise TasksMax=\"",
                value(format!("no thread: {error}"))
            ),
        }
    }

    /// Waits for a writing that is under way.
    pub(crate) fn finish(&mut self) {
        if let Some(writer) = self.writing.take() {
            let _ = writer.join();
        }
    }
}

fn write(path: &Path, lines: &SharedLines) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".partial");
    let beside = PathBuf::from(beside);
    let mut file = BufWriter::new(File::create(&beside)?);
    let mut result = Ok(());
    lines.for_each(|_, text| {
        if result.is_ok() {
            result = file.write_all(text).and_then(|()| file.write_all(b"\n"));
        }
    });
    result?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    fs::rename(&beside, path)?;
    if let Some(directory) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use lineswarm_proto::ids::LineNumber;

    #[test]
    fn the_file_is_there_whole_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file.txt");
        let lines = SharedLines::new();
        lines.insert(LineNumber(2), b"two");
        lines.insert(LineNumber(1), b"");
        let mut output = Output::new(Some(path.clone()));
        output.write(&lines);
        output.finish();
        assert_eq!(fs::read(&path).unwrap(), b"\ntwo\n");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left beside it");
    }
}
