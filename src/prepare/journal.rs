//! What a preparation has finished so far, line by line in its marker, so that the next one goes on after a kill.
//!
//! The first line says which job it is; every further one tells of a shard that is written and synced. A line that a
//! kill cut short is dropped, and so is whatever comes after a shard that is not as its line says.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::observe::Tally;
use crate::error::{Error, Result};
use crate::files::MappedFile;
use crate::shards::{ClipEntry, ShardEntry, Skipped, checksum};

/// A finished shard, and how far in the sources it reaches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Finished {
    pub shard: ShardEntry,
    /// Its clips.
    pub clips: Vec<ClipEntry>,
    /// Bad entries left out since the shard before.
    pub skipped: Vec<Skipped>,
    /// Items of the catalogue done with: these, and all before.
    pub items: usize,
    /// What was seen of all clips up to here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tally: Option<Tally>,
}

#[derive(PartialEq, Serialize, Deserialize)]
struct Job {
    /// [`crate::formats::Catalogue::fingerprint`] and the options that decide what is written.
    job: String,
}

/// The open journal.
pub(super) struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Opens the journal of a folder, made where there is none.
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

    /// The file, to lock.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// The shards that are finished for this job, in order; none for another one. What follows the last of them in
    /// the journal is cut off, so that [`Journal::add`] goes on there.
    pub(super) fn resume(&mut self, folder: &Path, job: &str) -> Result<Vec<Finished>> {
        let refused = |error| Error::io(&self.path, "read", error);
        let mut text = Vec::new();
        self.file.read_to_end(&mut text).map_err(refused)?;
        // A line is whole when its end is there.
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
                    Ok(shard) if is_whole(folder, &shard.shard) => finished.push(shard),
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

    /// Tells of one more finished shard.
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

/// True for a shard that is there with every byte that was written.
fn is_whole(folder: &Path, shard: &ShardEntry) -> bool {
    let path = folder.join(&shard.file);
    let same_size = fs::metadata(&path).is_ok_and(|found| found.len() == shard.bytes);
    same_size && MappedFile::open(&path).is_ok_and(|bytes| checksum(&bytes) == shard.checksum)
}
