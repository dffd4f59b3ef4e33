//! Progress: a bar on a terminal, plain lines now and then where there is none; always on standard error.

use super::tell;
use crate::files::free_space;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The bar alone, with the time that has passed and that is left.
const ALONE: &str = "{prefix} {bar:30} {human_pos}/{human_len} {elapsed} +{eta}";

/// The bar with a note below, which has the whole line and says itself what time is left.
const NOTED: &str = "{prefix} {wide_bar} {human_pos}/{human_len} {elapsed}\n{msg}";

/// Time between plain lines.
const PAUSE: Duration = Duration::from_secs(10);

/// How far some work of a known size is.
pub struct Progress {
    what: String,
    bar: Option<ProgressBar>,
    said: Mutex<Instant>,
}

impl Progress {
    /// Starts to tell of `total` units of work; a total that comes later is set by [`Progress::at`].
    pub fn new(what: &str, total: usize) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total as u64);
            bar.set_style(style(ALONE));
            bar.set_prefix(what.to_string());
            bar
        });
        Progress {
            what: what.to_string(),
            bar,
            said: Mutex::new(Instant::now()),
        }
    }

    /// `done` of `total` units are done.
    pub fn at(&self, done: usize, total: usize) {
        self.with(done, total, String::new);
    }

    /// As [`Progress::at`], with a note that is only made when it is shown.
    pub fn with(&self, done: usize, total: usize, note: impl FnOnce() -> String) {
        match &self.bar {
            Some(bar) => {
                bar.set_length(total as u64);
                bar.set_position(done as u64);
                let note = note();
                if !note.is_empty() && bar.message().is_empty() {
                    bar.set_style(style(NOTED));
                }
                bar.set_message(note);
            }
            None => {
                let Ok(mut said) = self.said.lock() else {
                    return;
                };
                if said.elapsed() >= PAUSE {
                    *said = Instant::now();
                    tell(format!("{} {done}/{total} {}", self.what, note()));
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

/// Bytes beyond which a command says before it starts how much it will write.
const MUCH: u64 = 1 << 30;

/// Says about how many bytes will be written where they are many, and how many the disk has.
pub fn tell_size(path: &Path, size: u64) {
    if size > MUCH {
        let free = free_space(path).map_or(String::new(), |free| {
            format!("; the disk has {} left", bytes(free))
        });
        let about = bytes(size);
        tell(format!(
            "{}: about {about} will be written{free}",
            path.display()
        ));
    }
}

/// A number of bytes for people.
pub fn bytes(count: u64) -> String {
    indicatif::HumanBytes(count).to_string()
}

/// A time for people.
pub fn time(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 90.0 {
        format!("{seconds:.1} s")
    } else {
        indicatif::HumanDuration(duration).to_string()
    }
}
