//! Atomic writes: a temporary file in the same folder is written, synced and renamed, then the folder is synced.
//!
//! Not built on `tempfile::NamedTempFile`, because a killed process cannot remove its temporary files: their names contain
//! the target's name, and they are locked while in use, so that a later write to the same target can recognise and remove
//! leftovers without touching files that another process is still writing.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::unfinished;
use crate::error::{Error, Place, Result};

/// Suffix of all temporary files. An unlocked file with this suffix was left by an interrupted write.
const SUFFIX: &str = ".sinew-part";

/// A file that appears under its name only with [`AtomicFile::commit`]. Dropping it earlier, or an interruption, leaves
/// nothing behind.
#[derive(Debug)]
pub struct AtomicFile {
    target: PathBuf,
    part: PathBuf,
    file: File,
    committed: bool,
}

impl AtomicFile {
    /// Creates the temporary file in the folder of the target. If the target is a link, its destination is replaced.
    ///
    /// # Errors
    /// [`Error::Input`] if the target exists and is not a regular file; [`Error::Io`] if the file cannot be created.
    pub fn create(target: impl AsRef<Path>) -> Result<Self> {
        let mut target = target.as_ref().to_path_buf();
        if let Ok(there) = fs::metadata(&target) {
            if !there.is_file() {
                let what = "exists and is not a regular file";
                return Err(Error::input(
                    Place::file(target),
                    what,
                    "choose another file name",
                ));
            }
            target = fs::canonicalize(&target).map_err(|e| Error::io(&target, "write", e))?;
        }
        remove_parts(&target);
        let (part, file) = part_of(&target).map_err(|e| Error::io(&target, "write", e))?;
        Ok(AtomicFile {
            target,
            part,
            file,
            committed: false,
        })
    }

    /// Syncs the file, renames it to the target and syncs the folder.
    ///
    /// # Errors
    /// [`Error::Io`]. Unless only the sync of the folder failed, the target is unchanged.
    pub fn commit(mut self) -> Result<()> {
        let refused = |error| Error::io(&self.target, "write", error);
        self.file.sync_all().map_err(refused)?;
        unfinished::end(&self.part, || fs::rename(&self.part, &self.target)).map_err(refused)?;
        self.committed = true;
        sync_folder(folder_of(&self.target))
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if !self.committed {
            // If removal fails, the next write to the same target removes the file.
            let _ = unfinished::end(&self.part, || fs::remove_file(&self.part));
        }
    }
}

/// Writes a file atomically.
///
/// # Errors
/// As [`AtomicFile::create`] and [`AtomicFile::commit`].
pub fn write(target: impl AsRef<Path>, bytes: &[u8]) -> Result<()> {
    let mut file = AtomicFile::create(&target)?;
    file.write_all(bytes)
        .map_err(|error| Error::io(&target, "write", error))?;
    file.commit()
}

/// Creates a new temporary file in the folder of the target and locks it. The lock marks it as in use while it is open.
fn part_of(target: &Path) -> io::Result<(PathBuf, File)> {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let process = std::process::id();
    let mut number = 0u64;
    loop {
        let part = folder_of(target).join(format!(".{name}.{process}-{number}{SUFFIX}"));
        number += 1;
        match unfinished::create_new(&part) {
            // Between creation and locking, another process may have locked it as a leftover or removed it. File systems
            // without locks return another error, and the file is used as it is.
            Ok(file) => {
                let taken = matches!(file.try_lock(), Err(TryLockError::WouldBlock));
                if !taken && part.exists() {
                    return Ok((part, file));
                }
                unfinished::end(&part, || {});
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// Removes a temporary file unless it is still being written; returns whether it is gone.
fn remove_part(part: &Path) -> io::Result<bool> {
    // The lock is held until the file is gone, so that a process that has just created it notices.
    let held = File::open(part);
    let locked = held.as_ref().map(File::try_lock);
    if matches!(locked, Ok(Err(TryLockError::WouldBlock))) {
        return Ok(false);
    }
    match fs::remove_file(part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(true),
    }
}

/// Removes the temporary files that interrupted writes left in a folder; returns their number.
///
/// # Errors
/// [`Error::Io`] if the folder cannot be read or a file cannot be removed.
pub fn remove_leftovers(folder: impl AsRef<Path>) -> Result<usize> {
    let folder = folder.as_ref();
    let mut removed = 0;
    for entry in
        fs::read_dir(folder).map_err(|error| Error::io(folder, "read the folder", error))?
    {
        let path = entry
            .map_err(|error| Error::io(folder, "read the folder", error))?
            .path();
        if is_leftover(&path) && remove_part(&path).map_err(|e| Error::io(&path, "remove", e))? {
            removed += 1;
        }
    }
    Ok(removed)
}

/// Whether a path has the name of a temporary file of an [`AtomicFile`].
#[must_use]
pub fn is_leftover(path: &Path) -> bool {
    path.file_name().is_some_and(|name| {
        let name = name.to_string_lossy();
        name.starts_with('.') && name.ends_with(SUFFIX)
    })
}

/// Removes the temporary files that interrupted writes to this target left; failures are ignored.
fn remove_parts(target: &Path) {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let start = format!(".{name}.");
    let Ok(found) = fs::read_dir(folder_of(target)) else {
        return;
    };
    for path in found.filter_map(|entry| Some(entry.ok()?.path())) {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let number = file
            .strip_prefix(&start)
            .and_then(|rest| rest.strip_suffix(SUFFIX));
        if number.is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit() || b == b'-')) {
            let _ = remove_part(&path);
        }
    }
}

/// Creates a folder and its parents.
///
/// # Errors
/// [`Error::Io`].
pub fn create_folder(folder: impl AsRef<Path>) -> Result<()> {
    fs::create_dir_all(&folder).map_err(|error| Error::io(&folder, "create the folder", error))
}

/// The parent folder of a path; `.` for a plain file name.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes a rename in the folder durable. Only Unix can open a folder for this.
fn sync_folder(folder: &Path) -> Result<()> {
    if cfg!(unix) {
        let synced = File::open(folder).and_then(|handle| handle.sync_all());
        synced.map_err(|error| Error::io(folder, "sync the folder", error))?;
    }
    Ok(())
}
