//! Event files for TensorBoard. They hold times of day; nothing else of a run depends on them.

mod message;
mod record;

use super::checkpoint::Position;
use crate::error::{Error, Result};
use crate::files;
use crate::limits::RUN_FILE_BYTES;
use message::What;
use record::Part;
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How the tags begin that every step has; the others come at the end of an epoch.
const STEPS: &str = "train/";

/// The events of a run from here on, in a file of their own: a TensorBoard that is open reads on in the newest file.
#[derive(Debug)]
pub struct EventLog {
    folder: PathBuf,
    /// The step that the run goes on after.
    after: usize,
    /// Made with the first event.
    file: Option<(PathBuf, File)>,
}

impl EventLog {
    /// Events of the steps after `after`, for files in a folder.
    #[must_use]
    pub fn new(folder: PathBuf, after: usize) -> Self {
        EventLog {
            folder,
            after,
            file: None,
        }
    }

    /// Appends numbers at a step. Tags that begin with `train/` are those of the step itself, all others those of the
    /// epoch that it ends.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn add(&mut self, step: usize, scalars: &[(&str, f64)]) -> Result<()> {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = since.unwrap_or_default().as_secs_f64();
        let mut bytes = Vec::new();
        let mut put = |step: usize, what: &What<'_>| {
            record::append(&mut bytes, &message::event(now, step, what));
        };
        let (path, file) = match &mut self.file {
            Some(open) => open,
            None => {
                put(0, &What::Version);
                if self.after > 0 {
                    put(self.after + 1, &What::Start);
                }
                self.file.insert(create(&self.folder)?)
            }
        };
        for (tag, value) in scalars {
            put(step, &What::Scalar(tag, *value as f32));
        }
        // One write, so that a reader seldom finds half a record.
        file.write_all(&bytes)
            .map_err(|e| Error::io(path, "write", e))
    }

    /// Has the disk keep what was added.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn sync(&self) -> Result<()> {
        match &self.file {
            Some((path, file)) => file.sync_data().map_err(|e| Error::io(path, "write", e)),
            None => Ok(()),
        }
    }
}

/// An event file as it is and as it is going to be.
pub(super) struct Rewritten {
    /// The file.
    pub path: PathBuf,
    /// Its bytes.
    pub old: Vec<u8>,
    /// What they become.
    pub new: Vec<u8>,
    /// Bytes that are no record, and not half a record at the end either.
    pub damaged: usize,
}

/// The event files without the numbers that were written after a position: those steps will be run again.
///
/// # Errors
/// [`Error::Io`].
pub(super) fn rewound(folder: &Path, position: &Position) -> Result<Vec<Rewritten>> {
    let kept = |event: &[u8]| {
        message::scalar(event).is_none_or(|(step, tag)| {
            let (step, last) = (usize::try_from(step), position.step);
            let ended = position.step_in_epoch == 0;
            step.is_ok_and(|step| step < last || step == last && (ended || tag.starts_with(STEPS)))
        })
    };
    let rewound = |path: PathBuf| {
        let old = bytes_of(&path)?;
        let mut new = Vec::with_capacity(old.len());
        let mut damaged = 0;
        for part in record::parts(&old) {
            match part {
                Part::Record(event) if kept(event) => record::append(&mut new, event),
                Part::Record(_) | Part::Cut(_) => {}
                Part::Damaged(range) => damaged += range.len(),
            }
        }
        Ok(Rewritten {
            path,
            old,
            new,
            damaged,
        })
    };
    list(folder)?.into_iter().map(rewound).collect()
}

/// The one event file that a run has at its end, with every number once, and the files whose numbers it takes over; none
/// where there is one file alone.
///
/// # Errors
/// [`Error::Io`].
pub(super) fn merged(folder: &Path) -> Result<Option<(Rewritten, Vec<PathBuf>)>> {
    let mut paths = list(folder)?;
    if paths.len() < 2 {
        return Ok(None);
    }
    let others = paths.split_off(1);
    let path = paths.remove(0);
    let old = bytes_of(&path)?;
    let (mut new, mut seen) = (Vec::new(), BTreeSet::new());
    let mut take = |bytes: &[u8], first: bool| {
        for part in record::parts(bytes) {
            let Part::Record(event) = part else {
                continue;
            };
            let wanted = match message::scalar(event) {
                // A kill after the merging leaves numbers in two files.
                Some((step, tag)) => seen.insert((step, tag.to_string())),
                None => first && new.is_empty(),
            };
            if wanted {
                record::append(&mut new, event);
            }
        }
    };
    take(&old, true);
    for other in &others {
        take(&bytes_of(other)?, false);
    }
    let merged = Rewritten {
        path,
        old,
        new,
        damaged: 0,
    };
    Ok(Some((merged, others)))
}

/// What is wrong with an event file's bytes: where a damaged part begins, or where half a record at the end does.
pub(super) fn faults(bytes: &[u8]) -> (Option<usize>, Option<usize>) {
    let (mut damaged, mut cut) = (None, None);
    for part in record::parts(bytes) {
        match part {
            Part::Record(_) => {}
            Part::Damaged(range) => damaged = damaged.or(Some(range.start)),
            Part::Cut(start) => cut = Some(start),
        }
    }
    (damaged, cut)
}

fn bytes_of(path: &Path) -> Result<Vec<u8>> {
    files::bytes_of(path, RUN_FILE_BYTES)
}

/// The event files of a folder in the order of their numbers.
pub(super) fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Error::io(folder, "read the folder", e)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry
            .map_err(|e| Error::io(folder, "read the folder", e))?
            .path();
        if number(&path).is_some() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The number in a file's name, which has what TensorBoard knows event files by.
fn number(path: &Path) -> Option<u32> {
    let name = path.file_name()?.to_str()?;
    let rest = name.strip_prefix("events.out.tfevents.")?;
    rest.strip_suffix(".sinew")?.parse().ok()
}

/// A new file behind those that are there.
fn create(folder: &Path) -> Result<(PathBuf, File)> {
    files::create_folder(folder)?;
    let newest = list(folder)?.last().and_then(|path| number(path));
    let next = newest.map_or(0, |newest| newest + 1);
    let path = folder.join(format!("events.out.tfevents.{next:010}.sinew"));
    let file = OpenOptions::new().append(true).create_new(true).open(&path);
    let file = file.map_err(|e| Error::io(&path, "write", e))?;
    Ok((path, file))
}
