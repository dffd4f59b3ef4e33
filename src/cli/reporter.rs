//! Prints the events of a library function: progress, notes and warnings, on standard error.

use super::progress::{Progress, announce_size};
use super::tell;
use crate::event::Event;
use std::path::{Path, PathBuf};

/// Prints the events of one command.
pub struct Reporter {
    command: &'static str,
    /// Shown from the first progress on.
    progress: Option<Progress>,
    /// Where the output goes, for a command that tells its size.
    out: PathBuf,
}

impl Reporter {
    /// Prints under the command's name.
    pub fn new(command: &'static str) -> Self {
        Reporter {
            command,
            progress: None,
            out: PathBuf::new(),
        }
    }

    /// The same for a command that writes to `out` and tells how much.
    pub fn writing_to(command: &'static str, out: &Path) -> Self {
        Reporter {
            out: out.to_path_buf(),
            ..Reporter::new(command)
        }
    }

    /// Prints an event.
    pub fn show(&mut self, event: Event) {
        match event {
            Event::Progress { done, total } => {
                let started = || Progress::new(self.command, total);
                self.progress.get_or_insert_with(started).at(done, total);
            }
            Event::Output { bytes } => announce_size(&self.out, bytes),
            Event::Note(text) => self.line(&text),
            Event::Warning(text) => self.line(&format!("warning: {text}")),
        }
    }

    fn line(&self, line: &str) {
        match &self.progress {
            Some(progress) => progress.line(line),
            None => tell(line),
        }
    }
}
