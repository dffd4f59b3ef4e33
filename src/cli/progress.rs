//! Progress on standard error: a bar on a terminal, otherwise a plain line every ten seconds.

use super::tell;
use crate::files::free_space;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A bar with the elapsed and the estimated remaining time.
const PLAIN_BAR: &str = "{prefix} {bar:30} {human_pos}/{human_len} {elapsed} +{eta}";

/// A bar with a note on a line of its own; the note contains the remaining time.
const BAR_WITH_NOTE: &str = "{prefix} {wide_bar} {human_pos}/{human_len} {elapsed}\n{msg}";

/// Time between plain lines.
const PAUSE: Duration = Duration::from_secs(10);

/// The progress of one task.
pub struct Progress {
    task: String,
    bar: Option<ProgressBar>,
    last_line: Mutex<Instant>,
}

impl Progress {
    /// Starts a task of `total` units; the total can be changed later with [`Progress::at`].
    pub fn new(task: &str, total: usize) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total as u64);
            bar.set_style(style(PLAIN_BAR));
            bar.set_prefix(task.to_string());
            bar
        });
        Progress {
            task: task.to_string(),
            bar,
            last_line: Mutex::new(Instant::now()),
        }
    }

    /// Reports that `done` of `total` units are done.
    pub fn at(&self, done: usize, total: usize) {
        self.with(done, total, String::new);
    }

    /// Like [`Progress::at`], with a note that is only computed when it is shown.
    pub fn with(&self, done: usize, total: usize, note: impl FnOnce() -> String) {
        match &self.bar {
            Some(bar) => {
                bar.set_length(total as u64);
                bar.set_position(done as u64);
                let note = note();
                if !note.is_empty() && bar.message().is_empty() {
                    bar.set_style(style(BAR_WITH_NOTE));
                }
                bar.set_message(note);
            }
            None => {
                let Ok(mut last_line) = self.last_line.lock() else {
                    return;
                };
                if last_line.elapsed() >= PAUSE {
                    *last_line = Instant::now();
                    tell(format!("{} {done}/{total} {}", self.task, note()));
                }
            }
        }
    }

    /// Prints a line above the bar.
    pub fn line(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| tell(line)),
            None => tell(line),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or(ProgressStyle::default_bar())
}

/// Size in bytes above which a command announces how much it will write.
const LARGE: u64 = 1 << 30;

/// Prints the estimated size of a large output, and the free disk space.
pub fn announce_size(path: &Path, size: u64) {
    if size > LARGE {
        let free = free_space(path).map_or(String::new(), |free| {
            format!("; the disk has {} free", bytes(free))
        });
        let about = bytes(size);
        tell(format!(
            "{}: about {about} will be written{free}",
            path.display()
        ));
    }
}

/// Formats a number of bytes.
pub fn bytes(count: u64) -> String {
    indicatif::HumanBytes(count).to_string()
}

/// Formats a duration.
pub fn time(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 90.0 {
        format!("{seconds:.1} s")
    } else {
        indicatif::HumanDuration(duration).to_string()
    }
}
