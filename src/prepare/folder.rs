//! The folder that prepared data go to: claimed, filled, and published or left as it was.

use std::fs::{self, TryLockError};
use std::path::{Path, PathBuf};

use super::journal::{Finished, Journal};
use crate::error::{Error, Result};
use crate::files;
use crate::shards::{MANIFEST, Manifest};

/// Stands in the folder, locked, while it is being filled. Found unlocked, it tells of an interrupted preparation and
/// what that had finished; all else that it left may be removed.
const MARKER: &str = ".sinew-preparing";

/// A claimed folder. Dropped before it is published, it is emptied, unless its finished shards are to be kept.
pub(super) struct Target {
    folder: PathBuf,
    /// The folder was made here.
    made: bool,
    /// Published, or left for the next preparation.
    stays: bool,
    /// Holds the lock.
    journal: Journal,
}

impl Target {
    /// Makes the folder, or takes an empty one or one that an interrupted preparation left. Returns what that had
    /// finished, if it was of the same job; everything else of it is removed.
    pub(super) fn claim(folder: &Path, job: &str) -> Result<(Self, Vec<Finished>)> {
        let refuse = |what: &str, help: &str| Err(Error::exists(folder, what, help));
        let made = !folder.exists();
        if !made && !folder.is_dir() {
            return refuse("it is a file, not a folder", "name a new folder with --out");
        }
        if made {
            files::create_folder(folder)?;
        } else if folder.join(MANIFEST).exists() {
            // Left by a kill just after the manifest was written.
            let _ = fs::remove_file(folder.join(MARKER));
            return refuse(
                "it holds prepared data already",
                "use them, or name another folder with --out",
            );
        }
        let marker = folder.join(MARKER);
        let found = names(folder)?;
        if !found.is_empty() && !marker.exists() {
            return refuse(
                "it holds something else",
                "name a new or empty folder with --out",
            );
        }
        if let Some(foreign) = found.iter().find(|name| !is_ours(name)) {
            let what = format!(
                "an interrupted preparation left it, and it also holds {}",
                foreign.display()
            );
            return refuse(
                &what,
                "remove what is not needed, or name another folder with --out",
            );
        }
        let mut journal = match Journal::open(&marker) {
            Ok(journal) => journal,
            Err(error) => {
                if made {
                    // The refusal is reported; an empty folder that stays harms nobody.
                    let _ = fs::remove_dir(folder);
                }
                return Err(Error::io(folder, "write", error));
            }
        };
        // A file system that knows no locks is used without.
        if let Err(TryLockError::WouldBlock) = journal.file().try_lock() {
            let help = "wait for it, or name another folder with --out";
            return Err(Error::locked(
                folder,
                "another preparation is filling it",
                help,
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

    /// Tells of a finished shard, which an interruption from here on spares.
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

    /// Writes the manifest, which makes the folder prepared data.
    pub(super) fn publish(mut self, manifest: &Manifest) -> Result<()> {
        manifest.write(&self.folder)?;
        self.stays = true;
        let marker = self.folder.join(MARKER);
        fs::remove_file(&marker).map_err(|error| Error::io(&marker, "remove", error))
    }

    /// Removes all shards but these, and parts of files.
    fn keep(&self, finished: &[Finished]) -> Result<()> {
        files::remove_leftovers(&self.folder)?;
        let kept = |path: &Path| {
            let name = path.file_name().unwrap_or_default();
            finished.iter().any(|one| *one.shard.file == *name)
        };
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
        if self.stays {
            return;
        }
        // A failure is being reported already. What cannot be removed lacks a manifest and keeps its marker, so it
        // is never taken for prepared data and the next preparation removes it.
        if self.keep(&[]).is_ok() {
            let _ = fs::remove_file(self.folder.join(MARKER));
            if self.made {
                let _ = fs::remove_dir(&self.folder);
            }
        }
    }
}

/// Bytes of the shards that a folder holds; 0 for one that cannot be read.
pub(super) fn bytes_there(folder: &Path) -> u64 {
    let names = names(folder).unwrap_or_default();
    let shards = names.iter().filter(|path| is_shard(path));
    shards
        .filter_map(|path| Some(fs::metadata(path).ok()?.len()))
        .sum()
}

/// True for a folder that a preparation is filling or left when it was interrupted.
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
