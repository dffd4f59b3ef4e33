//! Registry of unfinished files and temporary folders, which are removed when the process is interrupted.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use tempfile::TempDir;

use crate::error::{Error, Result};

/// The temporary files and folders that exist now.
static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn unfinished() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    // The set is consistent after every statement that changes it.
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Creates a file that an interruption removes. The registry is locked meanwhile, so that no file escapes the removal.
pub(super) fn create_new(path: &Path) -> io::Result<File> {
    let mut all = unfinished();
    let file = File::options().write(true).create_new(true).open(path)?;
    all.insert(path.to_path_buf());
    Ok(file)
}

/// Finishes such a file by renaming or removing it. After [`remove_unfinished`] this blocks until the process ends.
pub(super) fn end<T>(path: &Path, finish: impl FnOnce() -> T) -> T {
    let done = finish();
    unfinished().remove(path);
    done
}

/// Removes all temporary files and folders of this process, which must then exit: any thread that creates or finishes one
/// afterwards blocks forever. Does nothing if the registry stays locked, as when the calling thread itself holds the lock.
pub fn remove_unfinished() {
    let Some(all) = (0..20).find_map(|_| soon()) else {
        return;
    };
    for path in all.iter() {
        // If removal fails, the next write to the same target removes the file.
        let _ = match path.is_dir() {
            true => fs::remove_dir_all(path),
            false => fs::remove_file(path),
        };
    }
    std::mem::forget(all);
}

/// The set, unless another thread holds the lock; in that case `None` after a pause.
fn soon() -> Option<MutexGuard<'static, BTreeSet<PathBuf>>> {
    match UNFINISHED.try_lock() {
        Ok(all) => Some(all),
        Err(TryLockError::Poisoned(all)) => Some(all.into_inner()),
        Err(TryLockError::WouldBlock) => {
            std::thread::sleep(Duration::from_millis(50));
            None
        }
    }
}

/// A temporary folder that is removed on drop and when the process is interrupted.
#[derive(Debug)]
pub struct Scratch(Option<TempDir>);

impl Scratch {
    /// Creates a folder with a new name in `place`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn create(place: &Path, prefix: &str) -> Result<Self> {
        let mut builder = tempfile::Builder::new();
        let folder = {
            let mut all = unfinished();
            let made = builder.prefix(prefix).tempdir_in(place);
            let folder = made.map_err(|error| Error::io(place, "write", error))?;
            all.insert(folder.path().to_path_buf());
            folder
        };
        Ok(Scratch(Some(folder)))
    }

    /// Path of the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.as_ref().map_or(Path::new(""), TempDir::path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(folder) = self.0.take() {
            let path = folder.path().to_path_buf();
            drop(folder);
            unfinished().remove(&path);
        }
    }
}
