//! Free disk space. `statvfs` is called directly, since sysinfo lists whole disks rather than the file system of a path.

use std::path::Path;

use crate::error::{Error, Result};

/// Bytes available to this user on the file system of a path, or of its nearest existing parent; `None` if unknown.
#[must_use]
pub fn free_space(path: &Path) -> Option<u64> {
    let path = std::path::absolute(path).ok()?;
    path.ancestors().find(|at| at.exists()).and_then(free)
}

#[cfg(unix)]
fn free(path: &Path) -> Option<u64> {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::CString::new(path.as_os_str().as_bytes()).ok()?;
    let mut found = std::mem::MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: the path is null-terminated, and the pointer is to a writable structure of the right type.
    let done = unsafe { libc::statvfs(path.as_ptr(), found.as_mut_ptr()) } == 0;
    // SAFETY: a successful call has initialised the structure.
    let found = done.then(|| unsafe { found.assume_init() })?;
    if found.f_blocks == 0 {
        // /proc and other file systems that do not report sizes.
        return None;
    }
    #[allow(clippy::unnecessary_cast, reason = "the types differ between systems")]
    (found.f_bavail as u64).checked_mul(found.f_frsize as u64)
}

#[cfg(not(unix))]
fn free(_: &Path) -> Option<u64> {
    None
}

/// Checks that the disk has enough free space before a large write.
///
/// # Errors
/// [`Error::Space`] if fewer than `bytes` are free.
pub fn check_space(path: &Path, bytes: u64) -> Result<()> {
    match free_space(path) {
        Some(free) if free < bytes => {
            let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
            let what = format!(
                "about {:.1} GiB will be written, but the disk has only {:.1} GiB free",
                gib(bytes),
                gib(free)
            );
            let help = "free some space, or choose another disk";
            Err(Error::Space {
                path: path.to_path_buf(),
                what,
                help: help.into(),
            })
        }
        _ => Ok(()),
    }
}
