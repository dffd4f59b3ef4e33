//! What lies in a run's folder, under which name, and who may use it.

use super::checksums::CHECKSUMS;
use crate::error::{Error, Result};
use crate::files;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

pub(super) const CONFIG: &str = "config.toml";
pub(super) const METRICS: &str = "metrics.jsonl";
pub(super) const TIMING: &str = "timing.jsonl";
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

/// A run shares its folder with nothing else; what a start that was broken off left is no stranger.
pub(super) fn refuse_strangers(folder: &Path) -> Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Error::io(folder, "use as the run's folder", e)),
    };
    if folder.join(CHECKSUMS).exists() {
        // It is written only once there are settings.
        let what = format!("it holds a run whose {CONFIG} is gone");
        let help = "`sinew check RUN --mend` restores it; or choose a new folder for --out";
        return Err(Error::exists(folder, what, help));
    }
    const OURS: [&str; 5] = [METRICS, TIMING, LOCK, CHECKPOINTS, BEST];
    for entry in entries {
        let path = entry.map_err(|e| Error::io(folder, "read", e))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !OURS.contains(&name.as_ref()) && !files::is_leftover(&path) {
            let what = format!("contains other files, such as {name}");
            return Err(Error::exists(folder, what, "choose a new folder for --out"));
        }
    }
    Ok(())
}

/// Whether another process trains in the folder of this lock.
pub(super) fn is_locked(lock: &Path) -> bool {
    let held = File::open(lock).map(|file| file.try_lock());
    matches!(held, Ok(Err(TryLockError::WouldBlock)))
}

/// Locks a run's folder for this process.
pub(super) fn lock(folder: &Path) -> Result<File> {
    let path = folder.join(LOCK);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path);
    let file = file.map_err(|e| Error::io(&path, "write", e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::locked(
            folder,
            "another process trains in this folder",
            "wait for it, or choose another --out",
        )),
        Err(TryLockError::Error(e)) => Err(Error::io(&path, "lock", e)),
    }
}
