//! The output folder of a preparation: claimed and locked, filled, and either published or restored.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, TryLockError};
use std::path::{Path, PathBuf};

use super::journal::{Finished, Journal};
use crate::error::{Error, Result};
use crate::files;
use crate::shards::{MANIFEST, Manifest};

/// File that is present and locked while the folder is being filled. If it is unlocked, the preparation was interrupted: the
/// file lists the finished shards, and all other files of the preparation can be removed.
const MARKER: &str = ".sinew-preparing";

/// A claimed folder. If it is dropped before it is published, its files are removed, unless the finished shards are kept.
pub(super) struct Target {
    folder: PathBuf,
    /// Whether the folder was created here.
    made: bool,
    /// Published, or left for the next preparation.
    stays: bool,
    /// Holds the lock.
    journal: Journal,
}

impl Target {
    /// Creates the folder, or claims an empty one or one left by an interrupted preparation. Returns the shards that the
    /// latter had finished if it was the same job; all its other files are removed.
    pub(super) fn claim(folder: &Path, job: &str) -> Result<(Self, Vec<Finished>)> {
        let refuse = |what: &str, help: &str| Err(Error::exists(folder, what, help));
        let made = !folder.exists();
        if !made && !folder.is_dir() {
            return refuse("a file, not a folder", "choose a new folder with --out");
        }
        if made {
            files::create_folder(folder)?;
        } else if folder.join(MANIFEST).exists() {
            // Left if the process was killed just after writing the manifest.
            let _ = fs::remove_file(folder.join(MARKER));
            return refuse(
                "already contains prepared data",
                "use it, or choose another folder with --out",
            );
        }
        let marker = folder.join(MARKER);
        let found = names(folder)?;
        if !found.is_empty() && !marker.exists() {
            return refuse(
                "contains other files",
                "choose a new or empty folder with --out",
            );
        }
        if let Some(foreign) = found.iter().find(|name| !is_ours(name)) {
            let what = format!(
                "left by an interrupted preparation, but also contains {}",
                foreign.display()
            );
            return refuse(&what, "remove that, or choose another folder with --out");
        }
        let mut journal = match Journal::open(&marker) {
            Ok(journal) => journal,
            Err(error) => {
                if made {
                    // Failure is harmless: it leaves an empty folder.
                    let _ = fs::remove_dir(folder);
                }
                return Err(Error::io(folder, "write", error));
            }
        };
        // On file systems without locks the folder is used unlocked.
        if let Err(TryLockError::WouldBlock) = journal.file().try_lock() {
            return Err(Error::locked(
                folder,
                "in use by another preparation",
                "wait for it to finish, or choose another folder with --out",
            ));
        }
        let finished = journal.resume(folder, job)?;
        let target = Target {
            folder: folder.to_path_buf(),
            made,
            stays: false,
            journal,
        };
        target.keep(&finished)?;
        Ok((target, finished))
    }

    /// Records a finished shard in the journal, so that an interrupted preparation can be resumed after it.
    pub(super) fn finished(&mut self, finished: &Finished) -> Result<()> {
        self.journal.add(finished)
    }

    /// Leaves the folder to the next preparation, which continues with the shards that are finished by now.
    pub(super) fn keep_finished(&mut self) {
        self.stays = true;
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes the manifest, which turns the folder into prepared data.
    pub(super) fn publish(mut self, manifest: &Manifest) -> Result<()> {
        manifest.write(&self.folder)?;
        self.stays = true;
        let marker = self.folder.join(MARKER);
        fs::remove_file(&marker).map_err(|error| Error::io(&marker, "remove", error))
    }

    /// Removes temporary files, and all shards except these.
    fn keep(&self, finished: &[Finished]) -> Result<()> {
        files::remove_leftovers(&self.folder)?;
        let finished: HashSet<&OsStr> = finished.iter().map(|f| f.shard.file.as_ref()).collect();
        let kept = |path: &Path| finished.contains(path.file_name().unwrap_or_default());
        for path in names(&self.folder)? {
            if is_shard(&path) && !kept(&path) {
                fs::remove_file(&path).map_err(|error| Error::io(&path, "remove", error))?;
            }
        }
        Ok(())
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // An error is already being reported. Files that cannot be removed stay with the marker and without a manifest, so
        // they are never mistaken for prepared data, and the next preparation removes them.
        if !self.stays && self.keep(&[]).is_ok() {
            let _ = fs::remove_file(self.folder.join(MARKER));
            if self.made {
                let _ = fs::remove_dir(&self.folder);
            }
        }
        // Closing the file is not enough: a process that this one is starting meanwhile holds a copy of it for a moment.
        let _ = self.journal.file().unlock();
    }
}

/// Total size of the shards in a folder, in bytes; 0 if it cannot be read.
pub(super) fn bytes_there(folder: &Path) -> u64 {
    let names = names(folder).unwrap_or_default();
    let shards = names.iter().filter(|path| is_shard(path));
    shards
        .filter_map(|path| Some(fs::metadata(path).ok()?.len()))
        .sum()
}

/// Whether a preparation is filling the folder, or was interrupted while doing so.
pub(super) fn is_unfinished(folder: &Path) -> bool {
    folder.join(MARKER).exists() && !folder.join(MANIFEST).exists()
}

fn names(folder: &Path) -> Result<Vec<PathBuf>> {
    let refused = |error| Error::io(folder, "read the folder", error);
    fs::read_dir(folder)
        .map_err(refused)?
        .map(|entry| Ok(entry.map_err(refused)?.path()))
        .collect()
}

fn is_ours(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == MARKER)
        || is_shard(path)
        || files::is_leftover(path)
}

fn is_shard(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let index = name
        .strip_prefix("shard-")
        .and_then(|rest| rest.strip_suffix(".safetensors"));
    index.is_some_and(|index| index.len() >= 5 && index.bytes().all(|byte| byte.is_ascii_digit()))
}
