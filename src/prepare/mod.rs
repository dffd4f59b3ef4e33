//! From sources to prepared data: clips are parsed on all cores and written, in their order, as shards.

mod check;
mod collection;
mod folder;
mod journal;
mod observe;
mod pipeline;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub use crate::formats::Dataset;
pub(crate) use check::is_prepared;
#[doc(hidden)]
pub use check::{Checked, check};
pub use collection::Collection;
use folder::Target;
use journal::Finished;
use observe::Tally;

use crate::error::{Error, Place, Result, Warning};
use crate::event::Event;
use crate::files::check_space;
use crate::formats::{Catalogue, Recording};
use crate::limits::CLASSES;
use crate::shards::{ClipEntry, Counts, FORMAT, Manifest, Prepared, ShardWriter, Skipped, VERSION};
use crate::skeleton::Layout;

/// What to prepare, and how.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PrepareOptions {
    /// Archives, folders or single clips.
    pub sources: Vec<PathBuf>,
    /// The folder to write: new, empty, or left by an interrupted preparation.
    pub out: PathBuf,
    /// The kind of the sources; default: detected from their file names.
    pub dataset: Option<Dataset>,
    /// Threads that parse clips; 0, the default, uses all cores.
    pub threads: usize,
    /// Whether to leave out bad entries instead of stopping at them; default: false.
    pub skip_bad: bool,
    /// Set to true, from any thread, it interrupts the preparation. The same preparation, started again, continues.
    pub stop: Arc<AtomicBool>,
}

impl PrepareOptions {
    /// Prepares all clips of the sources into a folder, on all cores.
    pub fn new<S: Into<PathBuf>>(
        sources: impl IntoIterator<Item = S>,
        out: impl Into<PathBuf>,
    ) -> Self {
        PrepareOptions {
            sources: sources.into_iter().map(Into::into).collect(),
            out: out.into(),
            dataset: None,
            threads: 0,
            skip_bad: false,
            stop: Arc::default(),
        }
    }
}

/// The result of a preparation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PrepareSummary {
    /// Sums over all clips.
    pub counts: Counts,
    /// Shards.
    pub shards: usize,
    /// Those of them that an interrupted preparation had finished.
    pub resumed: usize,
    /// Bytes of coordinates, headers included.
    pub bytes: u64,
    /// Bad entries left out, by `skip_bad`.
    pub skipped: Vec<Skipped>,
    /// Number of files in the sources that are not clips.
    pub ignored: usize,
    /// What looks wrong and stopped nothing.
    pub warnings: Vec<Warning>,
}

/// Turns archives, folders or single clips into prepared data, without unpacking anything to disk.
///
/// The same sources give the same bytes, for any number of threads, and also where an interrupted preparation of the same
/// sources is continued: the shards that it finished are kept. Memory holds one shard and a bounded number of parsed clips.
/// `events` receives the size of the output, and the clips that are done.
///
/// # Errors
/// [`Error::Input`] or [`Error::Io`] for a source that cannot be opened; [`Error::Exists`] for an output folder that holds
/// something else, and [`Error::Locked`] for one that another process writes to; [`Error::Space`] for a disk with too
/// little space, and [`Error::Io`] for one that cannot be written; [`Error::Several`], which lists all bad entries, unless
/// [`PrepareOptions::skip_bad`] is set. Nothing is published then, and the folder is left as it was. [`Error::Interrupted`] after [`PrepareOptions::stop`]: finished shards stay.
pub fn prepare(options: &PrepareOptions, events: &mut dyn FnMut(Event)) -> Result<PrepareSummary> {
    let catalogue = Catalogue::open(&options.sources, options.dataset)?;
    let source = options
        .sources
        .first()
        .map_or(Path::new(""), PathBuf::as_path);
    few_enough(catalogue.classes.len(), source)?;
    let bytes = output_bytes(&catalogue);
    // The size is only known within a factor of two, and an interrupted preparation may have written a part.
    let written = folder::bytes_there(&options.out);
    check_space(&options.out, (bytes / 2).saturating_sub(written))?;
    events(Event::Output { bytes });
    prepare_listed(catalogue, options, &mut |done, total| {
        events(Event::Progress { done, total });
    })
}

/// About how many bytes the prepared data will have, by the size of their sources: a text of NTU RGB+D has twelve numbers
/// per joint, of which three are kept; an array has as many numbers as what is made of it.
fn output_bytes(catalogue: &Catalogue) -> u64 {
    let percent = match catalogue.dataset {
        Dataset::Ntu => 13,
        Dataset::Sbu => 50,
        Dataset::Clips => 100,
    };
    catalogue.unpacked_bytes() / 100 * percent
}

/// Refuses more classes than prepared data are read with.
fn few_enough(classes: usize, place: &Path) -> Result<()> {
    if classes <= CLASSES {
        return Ok(());
    }
    let what = format!("{classes} classes, and {CLASSES} are the most");
    let help = "check that the column of labels is the right one";
    Err(Error::input(Place::file(place), what, help))
}

fn prepare_listed(
    mut catalogue: Catalogue,
    options: &PrepareOptions,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<PrepareSummary> {
    let mut bad = std::mem::take(&mut catalogue.problems);
    let job = job_description(&catalogue, options);
    let (mut target, finished) = Target::claim(&options.out, &job)?;
    let classes = catalogue.classes.clone();
    let mut manifest = empty_manifest(catalogue.dataset, &catalogue.layout, classes);
    manifest.counts.missing = catalogue.missing;
    manifest.skipped = bad.iter().map(skipped).collect();
    let resumed = finished.len();
    let first = finished.last().map_or(0, |finished| finished.items);
    let tally = finished.last().and_then(|finished| finished.tally.clone());
    for finished in finished {
        add_shard(&mut manifest, finished);
    }
    let mut shard = ShardWriter::default();
    let mut part = Part {
        tally: tally.or_else(|| tally_of(catalogue.dataset)),
        ..Part::default()
    };
    pipeline::parse_in_order(
        &catalogue,
        first,
        options.threads,
        progress,
        |index, recording: Result<Recording>| {
            if options.stop.load(Ordering::Relaxed) {
                target.keep_finished();
                let what = "finished shards are kept; run the same command to continue";
                return Err(Error::Interrupted(what.into()));
            }
            part.items = index + 1;
            match recording {
                Err(error) => {
                    part.skipped.push(skipped(&error));
                    bad.push(error);
                }
                // Nothing will be published any more; the rest is only read to list all that is bad.
                Ok(_) if !bad.is_empty() && !options.skip_bad => {}
                Ok(Recording { clip, ids, about }) => {
                    if let Some(tally) = &mut part.tally {
                        tally.add(&clip);
                    }
                    let entry = shard.push(clip, ids, about, manifest.shards.len());
                    part.clips.push(entry);
                    if shard.is_full() {
                        part.finish(&mut shard, &mut target, &mut manifest)?;
                    }
                }
            }
            Ok(())
        },
    )?;
    if !bad.is_empty() && !options.skip_bad {
        return Err(all_bad(bad, options.skip_bad));
    }
    if manifest.clips.is_empty() && shard.is_empty() {
        if !bad.is_empty() {
            return Err(all_bad(bad, options.skip_bad));
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
        part.finish(&mut shard, &mut target, &mut manifest)?;
    }
    manifest.skipped.append(&mut part.skipped);
    target.publish(&manifest)?;
    let mut warnings = std::mem::take(&mut catalogue.warnings);
    warnings.extend(check::of_manifest(&manifest, &options.out));
    if let (Some(tally), Some(source)) = (&part.tally, options.sources.first()) {
        warnings.extend(tally.warnings(&catalogue.layout, &Place::file(source)));
    }
    Ok(PrepareSummary {
        shards: manifest.shards.len(),
        resumed,
        bytes: manifest.shards.iter().map(|shard| shard.bytes).sum(),
        counts: manifest.counts,
        skipped: manifest.skipped,
        ignored: catalogue.ignored,
        warnings,
    })
}

/// What has been gathered since the last shard was written.
#[derive(Default)]
struct Part {
    clips: Vec<ClipEntry>,
    skipped: Vec<Skipped>,
    items: usize,
    /// What was seen of all clips so far; none where nothing is looked for.
    tally: Option<Tally>,
}

impl Part {
    /// Writes the shard, has the journal say so, and starts over.
    fn finish(
        &mut self,
        shard: &mut ShardWriter,
        target: &mut Target,
        manifest: &mut Manifest,
    ) -> Result<()> {
        let finished = Finished {
            shard: shard.write(target.folder(), manifest.shards.len())?,
            clips: std::mem::take(&mut self.clips),
            skipped: std::mem::take(&mut self.skipped),
            items: self.items,
            tally: self.tally.clone(),
        };
        target.finished(&finished)?;
        add_shard(manifest, finished);
        Ok(())
    }
}

/// What clips of a kind are observed with: your own alone, since the formats of the datasets say what is missing.
fn tally_of(dataset: Dataset) -> Option<Tally> {
    (dataset == Dataset::Clips).then(Tally::default)
}

/// What looks wrong about the numbers of prepared clips, such as zeros where joints are missing: one warning a kind. Every
/// clip of own data is read; other kinds are not looked at.
///
/// # Errors
/// A clip that cannot be read.
pub(crate) fn number_warnings(prepared: &Prepared) -> Result<Vec<Warning>> {
    let manifest = prepared.manifest();
    let Some(mut tally) = tally_of(manifest.dataset) else {
        return Ok(Vec::new());
    };
    for index in 0..prepared.len() {
        tally.add(&prepared.clip(index)?);
    }
    Ok(tally.warnings(&manifest.layout, &Place::file(prepared.folder())))
}

/// Decides whether an interrupted preparation was this one: the sources, how they are read, and who reads them.
fn job_description(catalogue: &Catalogue, options: &PrepareOptions) -> String {
    format!(
        "{} {} {FORMAT} {VERSION}, sinew {}",
        catalogue.fingerprint(),
        if options.skip_bad { "skip" } else { "stop" },
        env!("CARGO_PKG_VERSION"),
    )
}

/// The manifest before its first shard.
fn empty_manifest(dataset: Dataset, layout: &Layout, classes: Vec<String>) -> Manifest {
    Manifest {
        format: FORMAT.into(),
        version: VERSION,
        dataset,
        unit: layout.unit.clone(),
        up: layout.up,
        layout: layout.clone(),
        counts: Counts {
            by_class: vec![0; classes.len()],
            ..Counts::default()
        },
        classes,
        shards: Vec::new(),
        clips: Vec::new(),
        skipped: Vec::new(),
        checksum: String::new(),
    }
}

/// Adds a finished shard.
fn add_shard(manifest: &mut Manifest, finished: Finished) {
    let counts = &mut manifest.counts;
    for clip in &finished.clips {
        counts.clips += 1;
        counts.frames += clip.frames;
        counts.bodies += clip.bodies;
        if let Some(count) = counts.by_class.get_mut(clip.label) {
            *count += 1;
        }
    }
    manifest.shards.push(finished.shard);
    manifest.clips.extend(finished.clips);
    manifest.skipped.extend(finished.skipped);
}

/// All bad entries under one line. `skipped`: they were left out, and nothing is left.
fn all_bad(mut bad: Vec<Error>, skipped: bool) -> Error {
    if bad.len() == 1 && !skipped {
        return may_be_skipped(bad.remove(0));
    }
    let count = bad.len();
    let summary = match (count, skipped) {
        (1, true) => "its only entry is bad, and nothing was published".into(),
        (_, true) => format!("all {count} entries are bad, and nothing was published"),
        _ => {
            format!("{count} entries are bad and nothing was published; --skip-bad leaves them out")
        }
    };
    Error::Several {
        summary,
        errors: bad,
    }
}

/// The error of the only bad entry, with the option that leaves it out.
fn may_be_skipped(error: Error) -> Error {
    let or_skip = |help: String| match help.ends_with("leave it out") {
        true => format!("{help} with --skip-bad"),
        false => format!("{help}, or leave it out with --skip-bad"),
    };
    match error {
        Error::Input { place, what, help } => Error::input(place, what, or_skip(help)),
        Error::Io {
            path,
            action,
            source,
            help,
        } => Error::Io {
            path,
            action,
            source,
            help: or_skip(help),
        },
        other => other,
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
