//! Writer of shards: collects clips, then writes them in the safetensors format.

use std::io::Write;
use std::path::Path;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::manifest::{ClipEntry, ShardEntry};
use crate::error::{Error, Result};
use crate::files::AtomicFile;
use crate::skeleton::{About, Clip};

/// xxh3-64 of some bytes, as 16 hexadecimal digits.
#[must_use]
pub fn checksum(bytes: &[u8]) -> String {
    format!("{:016x}", xxh3_64(bytes))
}

/// [`checksum`] of a text in pieces.
pub(super) fn checksum_of<const N: usize>(pieces: [&str; N]) -> String {
    let mut sum = Xxh3::new();
    for piece in pieces {
        sum.update(piece.as_bytes());
    }
    format!("{:016x}", sum.digest())
}

/// The file name of a shard.
#[must_use]
pub fn shard_name(index: usize) -> String {
    format!("shard-{index:05}.safetensors")
}

/// Collects clips and writes them as one shard. Whether a shard is full depends only on its clips, so the same clips in the
/// same order give the same files.
#[derive(Debug, Default)]
pub struct ShardWriter {
    clips: Vec<Clip>,
    bytes: usize,
}

impl ShardWriter {
    /// Maximum number of clips in a shard.
    pub const CLIPS: usize = 1024;
    /// Size of the coordinates, in bytes, at which a shard is full.
    pub const BYTES: usize = 64 << 20;

    /// Whether the next clip belongs in a new shard.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.clips.len() >= Self::CLIPS || self.bytes >= Self::BYTES
    }

    /// Whether there are no clips.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.clips.is_empty()
    }

    /// Adds a clip; returns its manifest entry, with `shard` as the index of the shard.
    pub fn push(&mut self, clip: Clip, ids: Vec<String>, about: About, shard: usize) -> ClipEntry {
        let entry = ClipEntry {
            label: clip.label,
            shard,
            bodies: clip.bodies,
            frames: clip.frames,
            ids,
            spans: (0..clip.bodies)
                .map(|body| clip.span(body).unwrap_or([0, clip.frames - 1]))
                .collect(),
            checksum: with_bytes(&clip.data, checksum),
            name: clip.name.clone(),
            about,
        };
        self.bytes += clip.data.len() * 4;
        self.clips.push(clip);
        entry
    }

    /// Writes the shard to a folder, atomically, and clears the writer.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be written.
    pub fn write(&mut self, folder: &Path, index: usize) -> Result<ShardEntry> {
        let file = shard_name(index);
        let path = folder.join(&file);
        let refused = |error| Error::io(&path, "write", error);
        let clips = std::mem::take(&mut self.clips);
        self.bytes = 0;
        let mut header = serde_json::to_vec(&Header(&clips))
            .map_err(|error| refused(std::io::Error::other(error)))?;
        // Data starts at a multiple of eight bytes, as in files of the safetensors crate.
        header.resize(header.len().next_multiple_of(8), b' ');
        let mut out = AtomicFile::create(&path)?;
        let mut sum = Xxh3::new();
        let mut bytes = 0;
        let mut put = |part: &[u8]| {
            sum.update(part);
            bytes += part.len() as u64;
            out.write_all(part)
        };
        put(&(header.len() as u64).to_le_bytes()).map_err(refused)?;
        put(&header).map_err(refused)?;
        for clip in &clips {
            with_bytes(&clip.data, &mut put).map_err(refused)?;
        }
        out.commit()?;
        Ok(ShardEntry {
            file,
            bytes,
            checksum: format!("{:016x}", sum.digest()),
        })
    }
}

/// Calls `f` with the numbers as little-endian bytes.
fn with_bytes<T>(data: &[f32], f: impl FnOnce(&[u8]) -> T) -> T {
    if cfg!(target_endian = "little") {
        f(bytemuck::cast_slice(data))
    } else {
        f(&data
            .iter()
            .flat_map(|x| x.to_le_bytes())
            .collect::<Vec<_>>())
    }
}

/// The JSON header of the safetensors format: type, shape and byte range of each tensor.
struct Header<'a>(&'a [Clip]);

#[derive(Serialize)]
struct Tensor {
    dtype: &'static str,
    shape: [usize; 4],
    data_offsets: [usize; 2],
}

impl Serialize for Header<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        let mut start = 0;
        for clip in self.0 {
            let end = start + clip.data.len() * 4;
            let shape = [clip.bodies, clip.frames, clip.joints, 3];
            map.serialize_entry(
                &clip.name,
                &Tensor {
                    dtype: "F32",
                    shape,
                    data_offsets: [start, end],
                },
            )?;
            start = end;
        }
        map.end()
    }
}
