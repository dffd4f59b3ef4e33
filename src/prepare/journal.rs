//! The journal of a preparation, which makes it resumable: JSON lines in the marker file.
//!
//! The first line identifies the job; each further line records a shard that was written and synced. A truncated last line
//! is dropped, and so is everything from the first shard that does not match its line.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::observe::Tally;
use crate::error::{Error, Result};
use crate::files::MappedFile;
use crate::shards::{ClipEntry, ShardEntry, Skipped, checksum};

/// A finished shard, and the position in the sources after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Finished {
    pub shard: ShardEntry,
    /// Its clips.
    pub clips: Vec<ClipEntry>,
    /// Entries left out since the previous shard because they cannot be used.
    pub skipped: Vec<Skipped>,
    /// Number of items of the catalogue processed so far.
    pub items: usize,
    /// Statistics of all clips so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tally: Option<Tally>,
}

#[derive(PartialEq, Serialize, Deserialize)]
struct Job {
    /// [`crate::formats::Catalogue::fingerprint`] and the options that affect the output.
    job: String,
}

/// The open journal.
pub(super) struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Opens a journal, creating the file if needed.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        Ok(Journal {
            path: path.to_path_buf(),
            file,
        })
    }

    /// The file, for locking.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// The finished shards of this job, in order; empty if the journal is that of another job. Everything after the last of
    /// them is cut off, so that [`Journal::add`] continues there.
    pub(super) fn resume(&mut self, folder: &Path, job: &str) -> Result<Vec<Finished>> {
        let refused = |error| Error::io(&self.path, "read", error);
        let mut text = Vec::new();
        self.file.read_to_end(&mut text).map_err(refused)?;
        // Only lines with a line end are complete.
        let mut lines = text.split_inclusive(|byte| *byte == b'\n');
        let mut lines = lines.by_ref().filter_map(|line| line.strip_suffix(b"\n"));
        let same = lines
            .next()
            .and_then(|line| serde_json::from_slice::<Job>(line).ok())
            .is_some_and(|found| found.job == job);
        let mut finished = Vec::new();
        let first = serde_json::to_string(&Job { job: job.into() })
            .map_err(|error| Error::io(&self.path, "write", io::Error::other(error)))?;
        let mut good = first.len() + 1;
        if same {
            for line in lines {
                match serde_json::from_slice::<Finished>(line) {
                    Ok(shard) if is_intact(folder, &shard.shard) => finished.push(shard),
                    _ => break,
                }
                good += line.len() + 1;
            }
        }
        let refused = |error| Error::io(&self.path, "write", error);
        if same {
            self.file.set_len(good as u64).map_err(refused)?;
            self.file.seek(io::SeekFrom::End(0)).map_err(refused)?;
        } else {
            self.file.set_len(0).map_err(refused)?;
            self.file.rewind().map_err(refused)?;
            self.line(&Job { job: job.into() })?;
        }
        Ok(finished)
    }

    /// Records one more finished shard.
    pub(super) fn add(&mut self, finished: &Finished) -> Result<()> {
        self.line(finished)
    }

    fn line(&mut self, value: &impl Serialize) -> Result<()> {
        let refused = |error| Error::io(&self.path, "write", error);
        let mut line =
            serde_json::to_vec(value).map_err(|error| refused(io::Error::other(error)))?;
        line.push(b'\n');
        self.file.write_all(&line).map_err(refused)?;
        self.file.sync_data().map_err(refused)
    }
}

/// Whether a shard exists and matches its size and checksum.
fn is_intact(folder: &Path, shard: &ShardEntry) -> bool {
    let path = folder.join(&shard.file);
    let same_size = fs::metadata(&path).is_ok_and(|found| found.len() == shard.bytes);
    same_size && MappedFile::open(&path).is_ok_and(|bytes| checksum(&bytes) == shard.checksum)
}
