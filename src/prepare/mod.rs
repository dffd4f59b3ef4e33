//! From sources to prepared data: clips are parsed on all cores and written, in their order, as shards.

mod check;
mod folder;
mod pipeline;

use std::path::PathBuf;

pub use check::{Checked, Kind, check, kind};
use folder::Target;

use crate::error::{Error, Place, Result};
use crate::formats::{Catalogue, Dataset, Item, Recording};
use crate::shards::{Counts, FORMAT, Manifest, ShardWriter, Skipped, VERSION};

/// What to prepare, and how.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Archives, folders or single clips.
    pub sources: Vec<PathBuf>,
    /// The folder that the prepared data go to: new, empty, or left by an interrupted preparation.
    pub out: PathBuf,
    /// Kind of the sources; none looks at their file names.
    pub dataset: Option<Dataset>,
    /// Threads that parse; 0 takes all cores.
    pub threads: usize,
    /// Publish without the bad entries instead of stopping at them.
    pub skip_bad: bool,
}

/// What was prepared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Sums over all clips.
    pub counts: Counts,
    /// Shards written.
    pub shards: usize,
    /// Bytes of coordinates, headers included.
    pub bytes: u64,
    /// Bad entries left out, by `skip_bad`.
    pub skipped: Vec<Skipped>,
    /// Files of the sources that are no clips.
    pub ignored: usize,
}

/// Prepares data: same sources, same bytes, whatever the number of threads. Memory holds one shard and a bounded
/// number of clips on their way. `progress` hears of every clip: done, of how many.
///
/// # Errors
/// A source that cannot be opened; an output folder that holds something else; a disk that is full or cannot be
/// written; bad entries, all listed, unless `skip_bad`. Nothing is published then.
pub fn prepare(options: &Options, progress: &(dyn Fn(usize, usize) + Sync)) -> Result<Summary> {
    let mut catalogue = Catalogue::open(&options.sources, options.dataset)?;
    let mut bad = std::mem::take(&mut catalogue.problems);
    let target = Target::claim(&options.out)?;
    let mut manifest = Manifest {
        format: FORMAT.into(),
        version: VERSION,
        dataset: catalogue.dataset.name().into(),
        unit: catalogue.layout.unit.clone(),
        up: catalogue.layout.up,
        layout: catalogue.layout.clone(),
        counts: Counts {
            by_class: vec![0; catalogue.classes.len()],
            missing: catalogue.missing,
            ..Counts::default()
        },
        classes: catalogue.classes.clone(),
        shards: Vec::new(),
        clips: Vec::with_capacity(catalogue.items.len()),
        skipped: Vec::new(),
        checksum: String::new(),
    };
    let mut shard = ShardWriter::default();
    pipeline::run(
        &catalogue,
        options.threads,
        progress,
        |_: &Item, recording: Result<Recording>| {
            match recording {
                Err(error) => bad.push(error),
                // Nothing will be published any more; the rest is only read to list all that is bad.
                Ok(_) if !bad.is_empty() && !options.skip_bad => {}
                Ok(Recording { clip, ids, about }) => {
                    let counts = &mut manifest.counts;
                    counts.clips += 1;
                    counts.frames += clip.frames;
                    counts.bodies += clip.bodies;
                    if let Some(count) = counts.by_class.get_mut(clip.label) {
                        *count += 1;
                    }
                    manifest
                        .clips
                        .push(shard.push(clip, ids, about, manifest.shards.len()));
                    if shard.is_full() {
                        manifest
                            .shards
                            .push(shard.write(target.folder(), manifest.shards.len())?);
                    }
                }
            }
            Ok(())
        },
    )?;
    if !bad.is_empty() && !options.skip_bad {
        return Err(all_bad(bad));
    }
    if manifest.clips.is_empty() {
        if !bad.is_empty() {
            return Err(all_bad(bad));
        }
        let place = options
            .sources
            .first()
            .map_or_else(Place::default, Place::file);
        let what = format!(
            "all its {} clips are on the missing list",
            catalogue.missing
        );
        return Err(Error::input(place, what, "name a source with other clips"));
    }
    if !shard.is_empty() {
        manifest
            .shards
            .push(shard.write(target.folder(), manifest.shards.len())?);
    }
    manifest.skipped = bad.iter().map(skipped).collect();
    target.publish(&manifest)?;
    Ok(Summary {
        shards: manifest.shards.len(),
        bytes: manifest.shards.iter().map(|shard| shard.bytes).sum(),
        counts: manifest.counts,
        skipped: manifest.skipped,
        ignored: catalogue.ignored,
    })
}

/// All bad entries under one line.
fn all_bad(mut bad: Vec<Error>) -> Error {
    if bad.len() == 1 {
        return bad.remove(0);
    }
    let summary = format!(
        "{} entries are bad and nothing was published; --skip-bad leaves them out",
        bad.len()
    );
    Error::Several {
        summary,
        errors: bad,
    }
}

/// A bad entry as the manifest records it: without the paths of this machine.
fn skipped(error: &Error) -> Skipped {
    let (place, why) = match error {
        Error::Input { place, what, .. } => (place.clone(), what.clone()),
        Error::Io {
            path,
            action,
            source,
            ..
        } => (Place::file(path), format!("cannot {action}: {source}")),
        other => (Place::default(), other.to_string()),
    };
    let file = || {
        place
            .file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    let entry = place.entry.clone().unwrap_or_else(file);
    let why = place
        .line
        .map_or(why.clone(), |line| format!("line {line}: {why}"));
    Skipped { entry, why }
}
