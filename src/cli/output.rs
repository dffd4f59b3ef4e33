//! What a command may write over: its own kind of file, and nothing that a run lives on.

use crate::error::{Error, Place, Result};
use crate::train::{Run, best};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// What a file that a command writes begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Safetensors: eight bytes of length, then JSON.
    Tensors,
    /// An HTML page.
    Page,
    /// An SVG picture.
    Picture,
}

impl Output {
    fn is(self, head: &[u8]) -> bool {
        match self {
            Output::Tensors => head.get(8) == Some(&b'{'),
            Output::Page => head.to_ascii_lowercase().starts_with(b"<!doctype html"),
            Output::Picture => [&b"<svg"[..], b"<?xml"]
                .iter()
                .any(|start| head.starts_with(start)),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Output::Tensors => "safetensors file",
            Output::Page => "HTML page",
            Output::Picture => "SVG picture",
        }
    }
}

/// Refuses a file that a command is told to write over and that is of another kind, or a run's own.
///
/// # Errors
/// [`Error::Input`] for such a file, [`Error::Io`] for one that cannot be read.
pub fn may_write(path: &Path, output: Output) -> Result<()> {
    if !path.is_file() {
        return Ok(());
    }
    let refused = |what: &str| {
        let help = "choose another file, or remove this one first";
        Err(Error::input(Place::file(path), what.to_string(), help))
    };
    let whole = std::fs::canonicalize(path).map_err(|e| Error::io(path, "find", e))?;
    let needs = |run: &Path| whole == best(run) || whole.starts_with(run.join("checkpoints"));
    if whole.ancestors().any(|run| needs(run) && Run::exists(run)) {
        return refused("it is a run's own, and is not written over");
    }
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(64).read_to_end(&mut head));
    read.map_err(|e| Error::io(path, "read", e))?;
    if head.is_empty() || output.is(&head) {
        return Ok(());
    }
    refused(&format!(
        "it is there already and no {}, so it is not written over",
        output.name()
    ))
}
