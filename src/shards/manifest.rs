//! What `manifest.json` holds.

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

/// The manifest's file name; without it a folder is not prepared data.
pub const MANIFEST: &str = "manifest.json";
/// The format's name.
pub const FORMAT: &str = "sinew-clips";
/// The format's version; another one is not read.
pub const VERSION: u32 = 1;

/// All that is known about prepared data beside the coordinates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// What it was prepared from: `ntu`, `sbu` or `clips`.
    pub dataset: Dataset,
    /// Joints, bones and orders.
    pub layout: Layout,
    /// Unit of the coordinates.
    pub unit: String,
    /// Which way is up.
    pub up: Axis,
    /// Class names by index.
    pub classes: Vec<String>,
    /// Sums over all clips.
    pub counts: Counts,
    /// Shards by index.
    pub shards: Vec<ShardEntry>,
    /// One entry a clip, in the order of the shards.
    pub clips: Vec<ClipEntry>,
    /// Bad entries that were left out.
    pub skipped: Vec<Skipped>,
    /// xxh3-64 of this file with sixteen zeros in this place.
    pub checksum: String,
}

/// Sums over all clips.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Clips.
    pub clips: usize,
    /// Frames of all clips.
    pub frames: usize,
    /// Tracked bodies of all clips.
    pub bodies: usize,
    /// Clips of each class.
    pub by_class: Vec<usize>,
    /// Entries that were left out since the source's authors list them as missing.
    pub missing: usize,
}

/// One clip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClipEntry {
    /// Its name, which is also that of its tensor.
    pub name: String,
    /// Class index.
    pub label: usize,
    /// Index of its shard.
    pub shard: usize,
    /// Tracked bodies.
    pub bodies: usize,
    /// Frames.
    pub frames: usize,
    /// The source's id of each body; text, since 64 bits don't fit a JSON number.
    pub ids: Vec<String>,
    /// First and last frame of each body.
    pub spans: Vec<[usize; 2]>,
    /// xxh3-64 of the tensor's bytes, 16 hexadecimal digits.
    pub checksum: String,
    /// What the source says beside the class.
    #[serde(flatten)]
    pub about: About,
}

/// One shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardEntry {
    /// File name, in the manifest's folder.
    pub file: String,
    /// Size of the file.
    pub bytes: u64,
    /// xxh3-64 of the file, 16 hexadecimal digits.
    pub checksum: String,
}

/// A bad entry that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The entry's name.
    pub entry: String,
    /// What is wrong with it.
    pub why: String,
}

/// What must be readable before the rest is looked at.
#[derive(Deserialize)]
struct Head {
    format: String,
    version: u32,
}

const NO_CHECKSUM: &str = "0000000000000000";
const PREPARE_AGAIN: &str = "prepare the data again";

impl Manifest {
    /// Writes the manifest into its folder, whole or not at all, its checksum included.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(MANIFEST);
        let blank = Manifest {
            checksum: NO_CHECKSUM.into(),
            ..self.clone()
        };
        let text = lines::to_string(&blank)
            .map_err(|error| Error::io(&path, "write", std::io::Error::other(error)))?;
        let sum = checksum(text.as_bytes());
        // The checksum is the last field, so the last run of zeros is its own.
        let (before, after) = text.rsplit_once(NO_CHECKSUM).unwrap_or((&text, ""));
        files::write(&path, format!("{before}{sum}{after}").as_bytes())
    }

    /// Reads the manifest of a folder of prepared data.
    ///
    /// # Errors
    /// No manifest, one beyond [`MANIFEST_BYTES`], not JSON, another format or version, a wrong checksum, or contents that
    /// contradict themselves.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(MANIFEST);
        let there = fs::metadata(&path).map_err(|error| error.kind());
        if matches!(there, Err(ErrorKind::NotFound | ErrorKind::NotADirectory)) {
            let (what, help) = if folder.exists() {
                (
                    format!("it has no {MANIFEST}, so it is not prepared data"),
                    "make it with `sinew prepare`",
                )
            } else {
                (
                    "there is no such folder".to_string(),
                    "check the path, or make it with `sinew prepare`",
                )
            };
            return Err(Error::input(Place::file(folder), what, help));
        }
        let text = files::text(&path, MANIFEST_BYTES)?;
        let broken = |error: serde_json::Error| {
            Error::input(
                Place::file(&path).line(error.line()),
                format!("not a manifest: {error}"),
                PREPARE_AGAIN,
            )
        };
        let fault = |what: String| Error::input(Place::file(&path), what, PREPARE_AGAIN);
        let head: Head = serde_json::from_str(&text).map_err(broken)?;
        if head.format != FORMAT {
            return Err(fault(format!(
                "its format is {:?}, not {FORMAT:?}",
                head.format
            )));
        }
        if head.version != VERSION {
            return Err(fault(format!(
                "it is version {} of the format; this program reads {VERSION}",
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
                "its checksum is wrong: it was damaged or edited".into(),
            ));
        }
        manifest.check().map_err(fault)?;
        Ok(manifest)
    }

    /// What contradicts itself.
    fn check(&self) -> std::result::Result<(), String> {
        self.layout
            .check()
            .map_err(|(key, what)| format!("the layout's `{key}`: {what}"))?;
        if self.classes.len() > CLASSES {
            let classes = self.classes.len();
            return Err(format!(
                "it has {classes} classes, and {CLASSES} are the most"
            ));
        }
        for shard in &self.shards {
            // A name alone: a manifest must not lead out of its folder.
            let mut parts = Path::new(&shard.file).components();
            let plain = matches!(parts.next(), Some(std::path::Component::Normal(_)))
                && parts.next().is_none();
            if !plain {
                return Err(format!("{:?} is no name of a shard", shard.file));
            }
        }
        if self.counts.clips != self.clips.len() {
            return Err(format!(
                "it counts {} clips and lists {}",
                self.counts.clips,
                self.clips.len()
            ));
        }
        for clip in &self.clips {
            let fault = if clip.label >= self.classes.len() {
                format!("has class {} of {}", clip.label, self.classes.len())
            } else if clip.shard >= self.shards.len() {
                format!("lies in shard {} of {}", clip.shard, self.shards.len())
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
