//! What a command may write: under a name of its own kind of file, over such a file, and over nothing that a run needs.

use crate::error::{Error, Place, Result};
use crate::files::folder_of;
use crate::shards::MANIFEST;
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
            Output::Tensors => "a safetensors file",
            Output::Page => "an HTML page",
            Output::Picture => "an SVG picture",
        }
    }
}

/// Refuses a file name whose extension promises another kind of file than the command writes, and a file that exists and
/// is of another kind, or that is a run's own. A name without such an extension is taken.
///
/// # Errors
/// [`Error::Usage`] for such a name, [`Error::Input`] for such a file, [`Error::Io`] for one that cannot be read.
pub fn may_write(path: &Path, output: Output) -> Result<()> {
    let refused = |what: &str| {
        let help = "choose another file, or remove this one first";
        Err(Error::input(Place::file(path), what.to_string(), help))
    };
    let there = path.is_file();
    // A file that is not there yet may still be one that a run would take for its own.
    let known = if there { path } else { folder_of(path) };
    let Ok(known) = std::fs::canonicalize(known) else {
        return fitting_name(path, output);
    };
    let whole = match path.file_name() {
        Some(name) if !there => known.join(name),
        _ => known,
    };
    let needs = |run: &Path| whole == best(run) || whole.starts_with(run.join("checkpoints"));
    if whole.ancestors().any(|run| needs(run) && Run::exists(run)) {
        return refused("a run needs this file; not overwritten");
    }
    let in_data = whole
        .parent()
        .is_some_and(|folder| folder.join(MANIFEST).exists());
    if in_data && output == Output::Tensors {
        return refused("its folder holds prepared data; not written there");
    }
    if !there {
        return fitting_name(path, output);
    }
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(64).read_to_end(&mut head));
    read.map_err(|e| Error::io(path, "read", e))?;
    if head.is_empty() || output.is(&head) {
        return fitting_name(path, output);
    }
    refused(&format!(
        "it exists and is not {}; not overwritten",
        output.name()
    ))
}

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
fn fitting_name(path: &Path, output: Output) -> Result<()> {
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
