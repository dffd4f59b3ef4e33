//! `manifest.json`: the index of prepared data.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::lines;
use super::writer::{checksum, checksum_of};
use crate::error::{Error, Place, Result};
use crate::files;
use crate::limits::{CLASSES, MANIFEST_BYTES};
use crate::settings::Dataset;
use crate::skeleton::{About, Axis, Layout};

/// File name of the manifest. A folder without it is not prepared data.
pub const MANIFEST: &str = "manifest.json";
/// Name of the format.
pub const FORMAT: &str = "sinew-clips";
/// Version of the format; other versions are rejected.
pub const VERSION: u32 = 1;

/// Everything about prepared data except the coordinates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// Type of the sources: `ntu`, `sbu` or `clips`.
    pub dataset: Dataset,
    /// The skeleton of all clips.
    pub layout: Layout,
    /// Unit of the coordinates.
    pub unit: String,
    /// The direction of up.
    pub up: Axis,
    /// Class names by index.
    pub classes: Vec<String>,
    /// Totals over all clips.
    pub counts: Counts,
    /// Shards by index.
    pub shards: Vec<ShardEntry>,
    /// One entry per clip, in the order of the shards.
    pub clips: Vec<ClipEntry>,
    /// Entries of the sources that `--skip-bad` left out.
    pub skipped: Vec<Skipped>,
    /// xxh3-64 of this file with sixteen zeros in place of the checksum.
    pub checksum: String,
}

/// Totals over all clips.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Number of clips.
    pub clips: usize,
    /// Number of frames.
    pub frames: usize,
    /// Number of tracked bodies.
    pub bodies: usize,
    /// Number of clips in each class.
    pub by_class: Vec<usize>,
    /// Number of entries left out because the authors of the dataset list their skeletons as missing.
    pub missing: usize,
}

/// One clip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClipEntry {
    /// Name of the clip and of its tensor.
    pub name: String,
    /// Class index.
    pub label: usize,
    /// Index of its shard.
    pub shard: usize,
    /// Number of tracked bodies.
    pub bodies: usize,
    /// Number of frames.
    pub frames: usize,
    /// The source's id of each body; text because 64-bit integers do not fit a JSON number.
    pub ids: Vec<String>,
    /// First and last frame of each body.
    pub spans: Vec<[usize; 2]>,
    /// xxh3-64 of the tensor's bytes, as 16 hexadecimal digits.
    pub checksum: String,
    /// Metadata from the source.
    #[serde(flatten)]
    pub about: About,
}

/// One shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardEntry {
    /// File name in the folder of the manifest.
    pub file: String,
    /// Size of the file, in bytes.
    pub bytes: u64,
    /// xxh3-64 of the file, as 16 hexadecimal digits.
    pub checksum: String,
}

/// An entry of the sources that was left out because it cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Name of the entry.
    pub entry: String,
    /// What is wrong with it.
    pub why: String,
}

/// The fields that are checked before the rest is parsed.
#[derive(Deserialize)]
struct Head {
    format: String,
    version: u32,
}

const NO_CHECKSUM: &str = "0000000000000000";
const PREPARE_AGAIN: &str = "prepare the data again";

impl Manifest {
    /// Writes the manifest with its checksum to a folder, atomically.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(MANIFEST);
        let blank = Manifest {
            checksum: NO_CHECKSUM.into(),
            ..self.clone()
        };
        let text = lines::to_string(&blank)
            .map_err(|error| Error::io(&path, "write", std::io::Error::other(error)))?;
        let sum = checksum(text.as_bytes());
        // The checksum is the last field, so the last run of zeros belongs to it.
        let (before, after) = text.rsplit_once(NO_CHECKSUM).unwrap_or((&text, ""));
        files::write(&path, format!("{before}{sum}{after}").as_bytes())
    }

    /// Reads the manifest of a folder of prepared data.
    ///
    /// # Errors
    /// [`Error::Input`] for a missing manifest, one larger than [`MANIFEST_BYTES`], invalid JSON, another format or version, a
    /// wrong checksum, or inconsistent contents.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(MANIFEST);
        let there = fs::metadata(&path).map_err(|error| error.kind());
        if matches!(there, Err(ErrorKind::NotFound | ErrorKind::NotADirectory)) {
            let is_run = ["config.toml", "checkpoints"]
                .iter()
                .all(|name| folder.join(name).exists());
            let (what, help) = if is_run {
                (
                    "this is a run folder, not prepared data".to_string(),
                    "pass the data folder; to continue this run use `sinew train --resume`",
                )
            } else if folder.exists() {
                (
                    format!("not prepared data (no {MANIFEST})"),
                    "create it with `sinew prepare`",
                )
            } else {
                (
                    "no such folder".to_string(),
                    "check the path, or create it with `sinew prepare`",
                )
            };
            return Err(Error::input(Place::file(folder), what, help));
        }
        let text = files::text(&path, MANIFEST_BYTES)?;
        let broken = |error: serde_json::Error| {
            Error::input(
                Place::file(&path).line(error.line()),
                format!("not a valid manifest: {error}"),
                PREPARE_AGAIN,
            )
        };
        let fault = |what: String| Error::input(Place::file(&path), what, PREPARE_AGAIN);
        let head: Head = serde_json::from_str(&text).map_err(broken)?;
        if head.format != FORMAT {
            return Err(fault(format!(
                "the format is {:?}, not {FORMAT:?}",
                head.format
            )));
        }
        if head.version != VERSION {
            return Err(fault(format!(
                "version {} of the format is not supported; this program reads version {VERSION}",
                head.version
            )));
        }
        let manifest: Manifest = serde_json::from_str(&text).map_err(broken)?;
        let sum = &manifest.checksum;
        let around = text.rsplit_once(sum.as_str());
        let around = around.filter(|_| sum.len() == NO_CHECKSUM.len());
        let blank = |(before, after)| checksum_of([before, NO_CHECKSUM, after]);
        if around.is_none_or(|around| blank(around) != *sum) {
            return Err(fault(
                "wrong checksum: the file was damaged or edited".into(),
            ));
        }
        manifest.check().map_err(fault)?;
        Ok(manifest)
    }

    /// Checks the contents for consistency; the error is the first problem.
    fn check(&self) -> std::result::Result<(), String> {
        self.layout
            .check()
            .map_err(|(key, what)| format!("the layout's `{key}`: {what}"))?;
        if self.classes.len() > CLASSES {
            let classes = self.classes.len();
            return Err(format!("{classes} classes, more than {CLASSES}"));
        }
        for shard in &self.shards {
            // A plain file name, so that a manifest cannot point out of its folder.
            let mut parts = Path::new(&shard.file).components();
            let plain = matches!(parts.next(), Some(std::path::Component::Normal(_)))
                && parts.next().is_none();
            if !plain {
                return Err(format!("{:?} is not a valid name for a shard", shard.file));
            }
        }
        if self.counts.clips != self.clips.len() {
            return Err(format!(
                "the manifest counts {} clips but lists {}",
                self.counts.clips,
                self.clips.len()
            ));
        }
        for clip in &self.clips {
            let fault = if clip.label >= self.classes.len() {
                format!("has class {} of {}", clip.label, self.classes.len())
            } else if clip.shard >= self.shards.len() {
                format!("is in shard {} of {}", clip.shard, self.shards.len())
            } else if clip.bodies == 0 || clip.frames == 0 {
                "is empty".into()
            } else if clip.ids.len() != clip.bodies || clip.spans.len() != clip.bodies {
                format!(
                    "has {} bodies, {} ids and {} spans",
                    clip.bodies,
                    clip.ids.len(),
                    clip.spans.len()
                )
            } else if clip
                .spans
                .iter()
                .any(|[first, last]| first > last || *last >= clip.frames)
            {
                format!("has a span outside its {} frames", clip.frames)
            } else {
                continue;
            };
            return Err(format!("clip {:?} {fault}", clip.name));
        }
        Ok(())
    }
}
