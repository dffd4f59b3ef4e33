//! Kinds of output files: the name that fits each, and which existing files may be replaced.

use crate::error::{Error, Result};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The kind of a file that is written, which its first bytes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputKind {
    /// Safetensors: eight bytes of length, then JSON.
    Tensors,
    /// An HTML page.
    Page,
    /// An SVG picture.
    Picture,
}

impl OutputKind {
    fn is(self, head: &[u8]) -> bool {
        match self {
            OutputKind::Tensors => head.get(8) == Some(&b'{'),
            OutputKind::Page => head.to_ascii_lowercase().starts_with(b"<!doctype html"),
            OutputKind::Picture => [&b"<svg"[..], b"<?xml"]
                .iter()
                .any(|start| head.starts_with(start)),
        }
    }

    /// The file name's extensions, the usual one first.
    fn extensions(self) -> &'static [&'static str] {
        match self {
            OutputKind::Tensors => &["safetensors"],
            OutputKind::Page => &["html", "htm"],
            OutputKind::Picture => &["svg"],
        }
    }

    fn name(self) -> &'static str {
        match self {
            OutputKind::Tensors => "a safetensors file",
            OutputKind::Page => "an HTML page",
            OutputKind::Picture => "an SVG picture",
        }
    }
}

/// Refuses a file name whose extension is that of another kind of file, and an existing file of another kind. A name
/// without a known extension is accepted.
///
/// # Errors
/// [`Error::Usage`] for such a name, [`Error::Exists`] for such a file, [`Error::Io`] for one that cannot be read.
pub fn check_kind(path: &Path, output: OutputKind) -> Result<()> {
    if path.is_file() {
        let mut head = Vec::new();
        let read = File::open(path).and_then(|file| file.take(64).read_to_end(&mut head));
        read.map_err(|e| Error::io(path, "read", e))?;
        if !head.is_empty() && !output.is(&head) {
            let what = format!("exists and is not {}; not overwritten", output.name());
            return Err(Error::exists(path, what, ANOTHER_NAME));
        }
    }
    fitting_name(path, output)
}

/// What to do about a file that is not overwritten: it may be one that a run needs, so nothing is said of removing it.
pub const ANOTHER_NAME: &str = "choose another file name";

/// Extensions of formats that people expect weights, pages or pictures in. A dot may also be part of a name.
const OTHERS: [&str; 33] = [
    "safetensors",
    "html",
    "htm",
    "svg",
    "onnx",
    "pt",
    "pth",
    "bin",
    "ckpt",
    "h5",
    "hdf5",
    "keras",
    "npy",
    "npz",
    "pkl",
    "pickle",
    "pb",
    "tflite",
    "engine",
    "trt",
    "mlmodel",
    "mlpackage",
    "param",
    "zip",
    "tar",
    "gz",
    "json",
    "csv",
    "toml",
    "txt",
    "pdf",
    "png",
    "jpg",
];

/// Refuses an extension that promises another kind of file.
fn fitting_name(path: &Path, output: OutputKind) -> Result<()> {
    if let Some(extension) = path.extension() {
        let is = |known: &&str| extension.eq_ignore_ascii_case(known);
        if OTHERS.iter().any(is) && !output.extensions().iter().any(is) {
            let what = format!(
                "{} has the extension .{}, but the file written is {}",
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
