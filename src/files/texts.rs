//! Reading of whole files within a size limit.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use super::{foreign, regular};
use crate::error::{Error, Place, Result};

/// Reads a regular UTF-8 file of at most `most` bytes.
///
/// # Errors
/// [`Error::Input`] for anything but a regular file, a larger file, and text that is not UTF-8; [`Error::Io`] if it cannot be
/// read.
pub fn text(path: &Path, most: u64) -> Result<String> {
    utf8(bytes_of(path, most)?, path)
}

/// Reads a regular file of at most `most` bytes.
///
/// # Errors
/// [`Error::Input`] for anything but a regular file, and for a larger file; [`Error::Io`] if it cannot be read.
pub fn bytes_of(path: &Path, most: u64) -> Result<Vec<u8>> {
    if regular(path)? > most {
        return Err(too_large(path, most));
    }
    bytes_up_to(path, most)
}

/// [`bytes_of`], or `None` if there is no such file.
///
/// # Errors
/// As [`bytes_of`].
pub fn bytes_if_there(path: &Path, most: u64) -> Result<Option<Vec<u8>>> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        _ => bytes_of(path, most).map(Some),
    }
}

/// Reads a UTF-8 file or pipe, such as a shell's `<(command)`. Endless input is rejected at the limit.
///
/// # Errors
/// As [`text`].
pub fn text_or_pipe(path: &Path, most: u64) -> Result<String> {
    utf8(bytes_up_to(path, most)?, path)
}

fn bytes_up_to(path: &Path, most: u64) -> Result<Vec<u8>> {
    let refused = |error| Error::io(path, "read", error);
    let file = File::open(path).map_err(refused)?;
    let mut bytes = Vec::new();
    // Reading one more byte than allowed distinguishes a file that is too large from one that just fits.
    let limited = file.take(most.saturating_add(1)).read_to_end(&mut bytes);
    if limited.map_err(refused)? as u64 > most {
        return Err(too_large(path, most));
    }
    Ok(bytes)
}

/// Converts bytes that were read from `path` to text.
///
/// # Errors
/// [`Error::Input`] at the line of the first byte that is not UTF-8.
pub fn utf8(bytes: Vec<u8>, path: &Path) -> Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let good = &error.as_bytes()[..at];
        let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
        let place = Place::file(path).line(line);
        match foreign(error.as_bytes()) {
            Some((what, help)) => Error::input(Place::file(path), what, help),
            None => {
                let byte = error.as_bytes()[at];
                let what = format!("not UTF-8 text: byte {at} is {byte:#04x}");
                Error::input(place, what, "save it as UTF-8, or restore a copy")
            }
        }
    })
}

fn too_large(path: &Path, most: u64) -> Error {
    let what = match most >> 20 {
        0 => format!("larger than {most} bytes, the limit for such a file"),
        mib => format!("larger than {mib} MiB, the limit for such a file"),
    };
    Error::input(Place::file(path), what, "check that it is the right file")
}
