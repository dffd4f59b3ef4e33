//! Reader of prepared data, memory-mapped.

use std::ops::Range;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use safetensors::Dtype;

use super::manifest::{Manifest, ShardEntry};
use super::writer::checksum;
use crate::error::{Error, Place, Result};
use crate::files::{Header, MappedFile, foreign};
use crate::skeleton::Clip;

/// Open prepared data; it can be read from any number of threads.
#[derive(Debug)]
pub struct Prepared {
    folder: PathBuf,
    manifest: Manifest,
    shards: Vec<MappedFile>,
    /// The byte range of each clip's tensor in its shard.
    ranges: Vec<Range<usize>>,
}

const PREPARE_AGAIN: &str = "restore it, or prepare the data again";

impl Prepared {
    /// Opens prepared data: reads the manifest and the header of each shard, and checks that they agree.
    ///
    /// # Errors
    /// As [`Manifest::read`]; also for shards that are missing, have the wrong size or do not contain their clips. All such
    /// shards are reported.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref().to_path_buf();
        let manifest = Manifest::read(&folder)?;
        let mut errors = Vec::new();
        let mut shards = Vec::with_capacity(manifest.shards.len());
        for shard in &manifest.shards {
            match map(&folder.join(&shard.file), shard) {
                Ok(shard) => shards.push(shard),
                Err(error) => errors.push(error),
            }
        }
        if !errors.is_empty() {
            return Err(several(&folder, errors));
        }
        let mut members = vec![Vec::new(); shards.len()];
        for (index, clip) in manifest.clips.iter().enumerate() {
            members[clip.shard].push(index);
        }
        let mut ranges = vec![0..0; manifest.clips.len()];
        for (shard, members) in members.iter().enumerate() {
            match locate(&folder, &manifest, shard, &shards[shard], members) {
                Ok(found) => members
                    .iter()
                    .zip(found)
                    .for_each(|(index, range)| ranges[*index] = range),
                Err(error) => errors.push(error),
            }
        }
        if !errors.is_empty() {
            return Err(several(&folder, errors));
        }
        Ok(Prepared {
            folder,
            manifest,
            shards,
            ranges,
        })
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Number of clips.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Whether there are no clips.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Reads one clip and verifies its checksum, which takes microseconds.
    ///
    /// # Errors
    /// [`Error::Input`] if there is no such clip or its checksum is wrong.
    pub fn clip(&self, index: usize) -> Result<Clip> {
        let (Some(entry), Some(bytes)) = (self.manifest.clips.get(index), self.tensor(index))
        else {
            let what = format!("no clip with index {index}; there are {}", self.len());
            return Err(Error::input(
                Place::file(&self.folder),
                what,
                "use a smaller index",
            ));
        };
        if checksum(bytes) != entry.checksum {
            let shard = self.manifest.shards.get(entry.shard);
            let file = self.folder.join(shard.map_or("", |shard| &shard.file));
            return Err(Error::input(
                Place::file(file).entry(&entry.name),
                "wrong checksum: the file was damaged after it was written",
                "prepare the data again",
            ));
        }
        let data = bytes
            .chunks_exact(4)
            .map(|x| f32::from_le_bytes([x[0], x[1], x[2], x[3]]))
            .collect();
        Ok(Clip {
            name: entry.name.clone(),
            label: entry.label,
            bodies: entry.bodies,
            frames: entry.frames,
            joints: self.manifest.layout.len(),
            data,
        })
    }

    /// The bytes of a clip's tensor.
    fn tensor(&self, index: usize) -> Option<&[u8]> {
        let entry = self.manifest.clips.get(index)?;
        self.shards
            .get(entry.shard)?
            .get(self.ranges.get(index)?.clone())
    }

    /// Verifies the checksums of all shards. Returns one error per damaged clip, or one for the shard if the damage is
    /// outside its clips.
    #[must_use]
    pub fn verify(&self) -> Vec<Error> {
        let clips = &self.manifest.clips;
        let mut members = vec![Vec::new(); self.shards.len()];
        for (at, clip) in clips.iter().enumerate() {
            if let Some(members) = members.get_mut(clip.shard) {
                members.push(at);
            }
        }
        let shards: Vec<_> = self.manifest.shards.iter().enumerate().collect();
        shards
            .into_par_iter()
            .map(|(index, shard)| {
                if self
                    .shards
                    .get(index)
                    .is_some_and(|bytes| checksum(bytes) == shard.checksum)
                {
                    return Vec::new();
                }
                let path = self.folder.join(&shard.file);
                let damaged = members[index].iter().filter(|at| {
                    let bytes = self.tensor(**at);
                    bytes.is_none_or(|bytes| checksum(bytes) != clips[**at].checksum)
                });
                let fault = |clip: &str| {
                    let place = Place::file(&path).entry(clip);
                    Error::input(place, "wrong checksum: the data was damaged", PREPARE_AGAIN)
                };
                let mut errors: Vec<_> = damaged.map(|at| fault(&clips[*at].name)).collect();
                if errors.is_empty() {
                    errors.push(Error::input(
                        Place::file(&path),
                        "wrong checksum",
                        PREPARE_AGAIN,
                    ));
                }
                errors
            })
            .flatten()
            .collect()
    }
}

/// One error, or several under a summary.
fn several(folder: &Path, mut errors: Vec<Error>) -> Error {
    if errors.len() == 1 {
        return errors.remove(0);
    }
    Error::Several {
        summary: format!("{}: {} shards are damaged", folder.display(), errors.len()),
        errors,
    }
}

/// Maps a shard, which must have the size stated in the manifest.
fn map(path: &Path, shard: &ShardEntry) -> Result<MappedFile> {
    let fault = |what| Err(Error::input(Place::file(path), what, PREPARE_AGAIN));
    if !path.exists() {
        return fault("the shard is missing".to_string());
    }
    let bytes = MappedFile::open(path)?;
    if bytes.len() as u64 != shard.bytes {
        let there = bytes.len();
        return match foreign(&bytes) {
            Some((what, help)) => Err(Error::input(Place::file(path), what, help)),
            None => fault(format!(
                "the shard has {there} bytes instead of {}",
                shard.bytes
            )),
        };
    }
    Ok(bytes)
}

/// The byte ranges of the clips of a shard.
fn locate(
    folder: &Path,
    manifest: &Manifest,
    shard: usize,
    bytes: &[u8],
    clips: &[usize],
) -> Result<Vec<Range<usize>>> {
    let path = folder.join(&manifest.shards[shard].file);
    let header = Header::parse(bytes, &path)?;
    let place = Place::file(path);
    let joints = manifest.layout.len();
    let mut ranges = Vec::with_capacity(clips.len());
    for clip in clips.iter().map(|index| &manifest.clips[*index]) {
        let fault = |what: String| {
            Err(Error::input(
                place.clone().entry(&clip.name),
                what,
                PREPARE_AGAIN,
            ))
        };
        let Some(tensor) = header.tensors.get(&clip.name) else {
            return fault("the shard does not contain this clip".into());
        };
        let shape = [clip.bodies, clip.frames, joints, 3];
        if tensor.dtype != Dtype::F32 || tensor.shape != shape {
            return fault(format!(
                "the tensor is {:?} {:?}, not F32 {shape:?}",
                tensor.dtype, tensor.shape
            ));
        }
        // `Header::parse` checked the ranges against the length of the mapped bytes.
        ranges.push(tensor.bytes.start as usize..tensor.bytes.end as usize);
    }
    Ok(ranges)
}
