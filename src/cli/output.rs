//! What a command may write: under a name of its own kind of file, over such a file, and over nothing that a run needs.

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

    /// The file name's extensions, the usual one first.
    fn extensions(self) -> &'static [&'static str] {
        match self {
            Output::Tensors => &["safetensors"],
            Output::Page => &["html", "htm"],
            Output::Picture => &["svg"],
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

/// Refuses a file name whose extension promises another kind of file than the command writes, and a file that is there
/// already and is of another kind, or a run's own. A name without an extension is taken.
///
/// # Errors
/// [`Error::Usage`] for such a name, [`Error::Input`] for such a file, [`Error::Io`] for one that cannot be read.
pub fn may_write(path: &Path, output: Output) -> Result<()> {
    if !path.is_file() {
        return fitting_name(path, output);
    }
    let refused = |what: &str| {
        let help = "choose another file, or remove this one first";
        Err(Error::input(Place::file(path), what.to_string(), help))
    };
    let whole = std::fs::canonicalize(path).map_err(|e| Error::io(path, "find", e))?;
    let needs = |run: &Path| whole == best(run) || whole.starts_with(run.join("checkpoints"));
    if whole.ancestors().any(|run| needs(run) && Run::exists(run)) {
        return refused("a run needs this file; not overwritten");
    }
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(64).read_to_end(&mut head));
    read.map_err(|e| Error::io(path, "read", e))?;
    if head.is_empty() || output.is(&head) {
        return fitting_name(path, output);
    }
    refused(&format!(
        "it exists and is not a {}; not overwritten",
        output.name()
    ))
}

/// Refuses an extension that promises another kind of file.
fn fitting_name(path: &Path, output: Output) -> Result<()> {
    if let Some(extension) = path.extension() {
        let fits = |known: &&str| extension.eq_ignore_ascii_case(known);
        if !output.extensions().iter().any(fits) {
            let what = format!(
                "{} has the extension .{}, and what is written is a {}",
                path.display(),
                extension.to_string_lossy(),
                output.name()
            );
            let fitting = path.with_extension(output.extensions()[0]);
            return Err(Error::usage(what, format!("name it {}", fitting.display())));
        }
    }
    Ok(())
}
