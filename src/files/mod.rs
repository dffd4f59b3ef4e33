//! File access: atomic writes, reads within size limits, memory maps.

mod atomic;
mod foreign;
mod header;
mod mapped;
mod output;
mod page;
mod space;
mod tensors;
mod texts;
mod unfinished;

pub use atomic::{AtomicFile, create_folder, folder_of, is_leftover, remove_leftovers, write};
pub use foreign::foreign;
pub use header::{Header, TensorInfo};
pub use mapped::{MappedFile, mapped_at};
pub use output::{ANOTHER_NAME, OutputKind, check_kind};
pub use page::{seal, sealed};
pub use space::{check_space, free_space};
pub use tensors::{CHECKSUM, Numbers, TensorFile, Tensors};
pub use texts::{bytes_if_there, bytes_of, text, text_or_pipe, utf8};
pub use unfinished::{Scratch, remove_unfinished};

use std::path::Path;

use crate::error::{Error, Place, Result};

/// The size in bytes of a regular file. Called before a file is opened: opening a pipe would wait for its other end, and
/// reading a device may never end.
///
/// # Errors
/// [`Error::Input`] for a folder, a pipe, a device or a socket; [`Error::Io`] if there is no such file.
pub fn regular(path: &Path) -> Result<u64> {
    let metadata = std::fs::metadata(path).map_err(|e| Error::io(path, "read", e))?;
    if metadata.is_file() {
        return Ok(metadata.len());
    }
    let (what, help) = match metadata.is_dir() {
        true => ("a folder, not a file", "pass a file inside it"),
        false => (
            "a pipe, a device or a socket, not a file",
            "copy its contents to a file, and pass that",
        ),
    };
    Err(Error::input(Place::file(path), what, help))
}
