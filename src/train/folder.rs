//! What lies in a run's folder, under which name, and who may use it.

use crate::error::{Error, Result};
use crate::files;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

pub(super) const CONFIG: &str = "config.toml";
pub(super) const METRICS: &str = "metrics.jsonl";
pub(super) const TIMING: &str = "timing.jsonl";
pub(super) const CHECKSUMS: &str = "checksums.json";
pub(super) const EVENTS: &str = "tensorboard";
pub(super) const CHECKPOINTS: &str = "checkpoints";
pub(super) const BEST: &str = "best.safetensors";
pub(super) const LOCK: &str = ".lock";

/// The page that `sinew report` writes there.
pub const REPORT_PAGE: &str = "report.html";

/// Files that only grow while a run goes on, beside those in [`EVENTS`].
pub(super) const GROWING: [&str; 2] = [METRICS, TIMING];

/// Whether a folder holds a run, or what is left of one.
#[must_use]
pub(crate) fn is_run_folder(folder: &Path) -> bool {
    [CONFIG, CHECKSUMS]
        .iter()
        .any(|name| folder.join(name).exists())
}

/// What a start that was killed may have left in a folder without settings.
const OF_A_START: [&str; 5] = [METRICS, TIMING, LOCK, CHECKPOINTS, BEST];

/// Refuses a folder that a new run cannot have: one in which another process is training, one that holds a run, or anything
/// but what a start that was killed left.
///
/// # Errors
/// [`Error::Locked`] for the first, [`Error::Exists`] with what it holds, [`Error::Io`] where it cannot be read.
pub(super) fn check_free(folder: &Path) -> Result<()> {
    if is_locked(&folder.join(LOCK)) {
        return Err(in_use(folder));
    }
    check_contents(folder)
}

/// Refuses a folder with a run or other files.
fn check_contents(folder: &Path) -> Result<()> {
    if folder.join(CONFIG).exists() {
        let help = "resume it with --resume, or choose another --out";
        return Err(Error::exists(folder, "already holds a run", help));
    }
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Error::io(folder, "use as the run's folder", e)),
    };
    if folder.join(CHECKSUMS).exists() {
        // It is written only once there are settings.
        let what = format!("holds a run whose {CONFIG} is gone");
        let help = "`sinew check RUN --mend` restores it; or choose a new folder for --out";
        return Err(Error::exists(folder, what, help));
    }
    for entry in entries {
        let path = entry.map_err(|e| Error::io(folder, "read", e))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !OF_A_START.contains(&name.as_ref()) && !files::is_leftover(&path) {
            let what = format!("contains other files, such as {name}");
            return Err(Error::exists(folder, what, "choose a new folder for --out"));
        }
    }
    Ok(())
}

/// The locked folder of a run that is being started. Unless the start is finished, what it wrote is removed again.
#[derive(Debug)]
pub(super) struct NewFolder {
    folder: PathBuf,
    /// Whether it was there before.
    existed: bool,
    lock: Option<Lock>,
}

impl NewFolder {
    /// Creates and locks a folder.
    ///
    /// # Errors
    /// As [`check_free`].
    pub(super) fn create(folder: &Path) -> Result<Self> {
        check_free(folder)?;
        let existed = folder.exists();
        files::create_folder(folder.join(CHECKPOINTS))?;
        let lock = lock(folder)?;
        // Another process may have been quicker, and have ended already.
        check_contents(folder)?;
        Ok(NewFolder {
            folder: folder.to_path_buf(),
            existed,
            lock: Some(lock),
        })
    }

    /// The start is finished; the lock stays with the run.
    pub(super) fn finish(mut self) -> Option<Lock> {
        self.lock.take()
    }
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        // Taken by `finish`.
        let Some(lock) = self.lock.take() else { return };
        // What cannot be removed does not block another start: `check_free` accepts it.
        for file in [METRICS, TIMING, BEST, CHECKSUMS] {
            let _ = std::fs::remove_file(self.folder.join(file));
        }
        let _ = std::fs::remove_dir_all(self.folder.join(CHECKPOINTS));
        drop(lock);
        let _ = std::fs::remove_file(self.folder.join(LOCK));
        if !self.existed {
            let _ = std::fs::remove_dir(&self.folder);
        }
    }
}

/// Whether another process trains in the folder of this lock.
pub(super) fn is_locked(lock: &Path) -> bool {
    let Ok(file) = File::open(lock) else {
        return false;
    };
    match file.try_lock() {
        Ok(()) => {
            drop(Lock(file));
            false
        }
        Err(error) => matches!(error, TryLockError::WouldBlock),
    }
}

/// A lock that ends with this value. Closing the file is not enough: a process that this one is starting meanwhile holds a
/// copy of it for a moment.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // A lock that cannot be removed here ends with the process.
        let _ = self.0.unlock();
    }
}

/// The error where another process is training in a folder.
fn in_use(folder: &Path) -> Error {
    let what = "another process is training in this folder";
    let help = "wait until it ends, or stop it; `sinew eval` and `sinew report` work meanwhile";
    Error::locked(folder, what, help)
}

/// Locks a run's folder for this process.
pub(super) fn lock(folder: &Path) -> Result<Lock> {
    let path = folder.join(LOCK);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path);
    let file = file.map_err(|e| Error::io(&path, "write", e))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(in_use(folder)),
        Err(TryLockError::Error(e)) => Err(Error::io(&path, "lock", e)),
    }
}
