//! Whether a disk has room for what will be written.

use std::path::Path;

use crate::error::{Error, Result};

/// Bytes that the file system of a path, or of the nearest folder above it that exists, has for this user; none where the
/// system does not say.
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
    // SAFETY: the path ends with a zero byte, and the call fills in the structure that it is given.
    let done = unsafe { libc::statvfs(path.as_ptr(), found.as_mut_ptr()) } == 0;
    // SAFETY: a call that succeeded has filled it in.
    let found = done.then(|| unsafe { found.assume_init() })?;
    if found.f_blocks == 0 {
        // Such as /proc, and file systems that do not count.
        return None;
    }
    #[allow(clippy::unnecessary_cast, reason = "the types differ between systems")]
    (found.f_bavail as u64).checked_mul(found.f_frsize as u64)
}

#[cfg(not(unix))]
fn free(_: &Path) -> Option<u64> {
    None
}

/// Refuses to begin what the disk has no room for.
///
/// # Errors
/// [`Error::Space`] where `bytes` are more than what is free.
pub fn check_space(path: &Path, bytes: u64) -> Result<()> {
    match free_space(path) {
        Some(free) if free < bytes => {
            let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
            let what = format!(
                "about {:.1} GiB would be written, and the disk has {:.1} GiB left",
                gib(bytes),
                gib(free)
            );
            let help = "write less, free some space, or choose another disk";
            Err(Error::Space {
                path: path.to_path_buf(),
                what,
                help: help.into(),
            })
        }
        _ => Ok(()),
    }
}
