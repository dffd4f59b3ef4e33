//! Prepared data, memory-mapped.

use std::ops::Range;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use safetensors::Dtype;

use super::manifest::{Manifest, ShardEntry};
use super::writer::checksum;
use crate::error::{Error, Place, Result};
use crate::files::{Header, MappedFile, foreign};
use crate::skeleton::Clip;

/// A folder of prepared data, open for reading from any number of threads.
#[derive(Debug)]
pub struct Prepared {
    folder: PathBuf,
    manifest: Manifest,
    shards: Vec<MappedFile>,
    /// Where each clip's tensor lies in its shard.
    ranges: Vec<Range<usize>>,
}

const PREPARE_AGAIN: &str = "restore it, or prepare the data again";

impl Prepared {
    /// Opens prepared data: reads the manifest and the header of each shard, and checks that they agree.
    ///
    /// # Errors
    /// What [`Manifest::read`] says; a shard that is missing, has another size, or does not hold its clips. Several
    /// such shards are all listed.
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

    /// All that is known beside the coordinates.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Number of clips.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// True without clips.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Reads one clip and holds it against its checksum, which costs microseconds.
    ///
    /// # Errors
    /// An index that is no clip's, a clip whose bytes have changed.
    pub fn clip(&self, index: usize) -> Result<Clip> {
        let (Some(entry), Some(bytes)) = (self.manifest.clips.get(index), self.tensor(index))
        else {
            let what = format!("it has {} clips, none of number {index}", self.len());
            return Err(Error::input(
                Place::file(&self.folder),
                what,
                "name a clip that is there",
            ));
        };
        if checksum(bytes) != entry.checksum {
            let shard = self.manifest.shards.get(entry.shard);
            let file = self.folder.join(shard.map_or("", |shard| &shard.file));
            return Err(Error::input(
                Place::file(file).entry(&entry.name),
                "its checksum is wrong: the file was damaged after it was written",
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

    /// Compares every byte with its checksum; names the clips that are damaged, or the shard where none is.
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
                    Error::input(
                        place,
                        "its checksum is wrong: the data were damaged",
                        PREPARE_AGAIN,
                    )
                };
                let mut errors: Vec<_> = damaged.map(|at| fault(&clips[*at].name)).collect();
                if errors.is_empty() {
                    errors.push(Error::input(
                        Place::file(&path),
                        "its checksum is wrong",
                        PREPARE_AGAIN,
                    ));
                }
                errors
            })
            .flatten()
            .collect()
    }
}

/// One error, or all under one line.
fn several(folder: &Path, mut errors: Vec<Error>) -> Error {
    if errors.len() == 1 {
        return errors.remove(0);
    }
    Error::Several {
        summary: format!("{}: {} shards are damaged", folder.display(), errors.len()),
        errors,
    }
}

/// Maps a shard of the size that the manifest gives.
fn map(path: &Path, shard: &ShardEntry) -> Result<MappedFile> {
    let fault = |what| Err(Error::input(Place::file(path), what, PREPARE_AGAIN));
    if !path.exists() {
        return fault("this shard is missing".to_string());
    }
    let bytes = MappedFile::open(path)?;
    if bytes.len() as u64 != shard.bytes {
        let there = bytes.len();
        return match foreign(&bytes) {
            Some((what, help)) => Err(Error::input(Place::file(path), what, help)),
            None => fault(format!("this shard has {there} bytes, not {}", shard.bytes)),
        };
    }
    Ok(bytes)
}

/// Where the clips of a shard lie in its file.
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
            return fault("the shard does not hold this clip".into());
        };
        let shape = [clip.bodies, clip.frames, joints, 3];
        if tensor.dtype != Dtype::F32 || tensor.shape != shape {
            return fault(format!(
                "it is {:?} {:?}, not F32 {shape:?}",
                tensor.dtype, tensor.shape
            ));
        }
        // The header was held against the length of the mapped bytes.
        ranges.push(tensor.bytes.start as usize..tensor.bytes.end as usize);
    }
    Ok(ranges)
}
