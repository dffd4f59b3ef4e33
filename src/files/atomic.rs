//! Files that are whole or not there: a sibling temporary file, synced, renamed, and its folder synced.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::unfinished;
use crate::error::{Error, Place, Result};

/// How the name of every temporary file ends; whatever ends so was left by an interrupted write.
const SUFFIX: &str = ".sinew-part";

/// A file that appears under its name at [`AtomicFile::commit`], whole. Dropped before, or interrupted, it leaves nothing.
#[derive(Debug)]
pub struct AtomicFile {
    target: PathBuf,
    part: PathBuf,
    file: File,
    committed: bool,
}

impl AtomicFile {
    /// Starts a file beside its target; of a link, beside what it leads to.
    ///
    /// # Errors
    /// [`Error::Input`] for a target that is there and no file, such as a folder or a device; what the system says to
    /// creating it.
    pub fn create(target: impl AsRef<Path>) -> Result<Self> {
        let mut target = target.as_ref().to_path_buf();
        if let Ok(there) = fs::metadata(&target) {
            if !there.is_file() {
                let what = "exists and is not a file that can be replaced";
                return Err(Error::input(Place::file(target), what, "name a file"));
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

    /// Syncs, renames over the target and syncs the folder.
    ///
    /// # Errors
    /// What the system says; the target is then as it was before.
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
            // Nothing more can be done about a part that cannot be removed; its name tells what it is.
            let _ = unfinished::end(&self.part, || fs::remove_file(&self.part));
        }
    }
}

/// Writes a whole file, or leaves the one that was there.
///
/// # Errors
/// What the system says.
pub fn write(target: impl AsRef<Path>, bytes: &[u8]) -> Result<()> {
    let mut file = AtomicFile::create(&target)?;
    file.write_all(bytes)
        .map_err(|error| Error::io(&target, "write", error))?;
    file.commit()
}

/// A temporary file of its own beside the target, locked for as long as it is open: what is locked, somebody writes.
fn part_of(target: &Path) -> io::Result<(PathBuf, File)> {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let process = std::process::id();
    let mut number = 0u64;
    loop {
        let part = folder_of(target).join(format!(".{name}.{process}-{number}{SUFFIX}"));
        number += 1;
        match unfinished::create_new(&part) {
            // Another process may have taken it for left over before it was locked, or be about to. A file system without
            // locks cannot be asked whose a part is.
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

/// Removes a temporary file unless somebody still writes it; returns whether it is gone.
fn remove_part(part: &Path) -> io::Result<bool> {
    // Held until the part is gone, so that whoever has just made it sees that it is lost.
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

/// Removes what interrupted writes left in a folder; returns how many files.
///
/// # Errors
/// What the system says.
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

/// True for the name of a file that an interrupted write left.
#[must_use]
pub fn is_leftover(path: &Path) -> bool {
    path.file_name().is_some_and(|name| {
        let name = name.to_string_lossy();
        name.starts_with('.') && name.ends_with(SUFFIX)
    })
}

/// Removes what interrupted writes of this file left. What cannot be removed is no reason not to write.
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

/// Makes a folder, with those above it.
///
/// # Errors
/// What the system says.
pub fn create_folder(folder: impl AsRef<Path>) -> Result<()> {
    fs::create_dir_all(&folder).map_err(|error| Error::io(&folder, "create the folder", error))
}

/// The folder that a path lies in.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes a rename in the folder last; only Unix can open a folder for that.
fn sync_folder(folder: &Path) -> Result<()> {
    if cfg!(unix) {
        let synced = File::open(folder).and_then(|handle| handle.sync_all());
        synced.map_err(|error| Error::io(folder, "sync the folder", error))?;
    }
    Ok(())
}
