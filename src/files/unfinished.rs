//! What this process is writing and has not finished: removed when the process is told to stop.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use tempfile::TempDir;

use crate::error::{Error, Result};

/// The parts of files and the temporary folders that are there now.
static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn unfinished() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    // The set is sound after every statement that changes it.
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opens a new file that does not outlive an interruption. While it is made nothing is removed, so that none escapes.
pub(super) fn create_new(path: &Path) -> io::Result<File> {
    let mut all = unfinished();
    let file = File::options().write(true).create_new(true).open(path)?;
    all.insert(path.to_path_buf());
    Ok(file)
}

/// Finishes such a file, by a rename or a removal. Where it was removed meanwhile, this waits for the end of the process.
pub(super) fn end<T>(path: &Path, finish: impl FnOnce() -> T) -> T {
    let done = finish();
    unfinished().remove(path);
    done
}

/// Removes every part and temporary folder of this process, which must end right after: whoever begins or finishes one
/// from here on waits for ever. Where this very thread is in the middle of that, nothing is removed.
pub fn remove_unfinished() {
    let Some(all) = (0..20).find_map(|_| soon()) else {
        return;
    };
    for path in all.iter() {
        // What cannot be removed has a name that tells what it is; the next write to the same place removes it.
        let _ = match path.is_dir() {
            true => fs::remove_dir_all(path),
            false => fs::remove_file(path),
        };
    }
    std::mem::forget(all);
}

/// The set, where no thread is in the middle of making or finishing something; else none, after a pause.
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

/// A temporary folder that is gone when this is dropped, and also when the process is interrupted.
#[derive(Debug)]
pub struct Scratch(Option<TempDir>);

impl Scratch {
    /// Makes a folder of a new name in `place`.
    ///
    /// # Errors
    /// What the system says.
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

    /// The folder.
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
