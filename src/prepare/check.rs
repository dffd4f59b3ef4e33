//! Everything that is wrong with an archive or with prepared data.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::{few_enough, folder, number_warnings, pipeline, tally_of};
use crate::error::{Error, Place, Result, Warning};
use crate::formats::coverage::set_warnings;
use crate::formats::{Catalogue, Dataset, is_own_clips};
use crate::shards::{MANIFEST, Manifest, Prepared};

/// Whether a folder holds prepared data, or data whose preparation has begun. A folder of own clips is neither, even if it
/// holds a `manifest.json`: other programs write files of that name too.
#[must_use]
pub fn is_prepared(folder: &Path) -> bool {
    let prepared = folder.join(MANIFEST).exists() || folder::is_unfinished(folder);
    prepared && !is_own_clips(folder)
}

/// What a check found.
#[derive(Debug)]
pub struct Checked {
    /// Clips looked at.
    pub clips: usize,
    /// Everything wrong; empty when all is well.
    pub problems: Vec<Error>,
    /// What looks wrong and stops nothing.
    pub warnings: Vec<Warning>,
}

/// Most problems of a source that are listed; of more the number is.
const MOST_LISTED: usize = 10_000;

/// Reads every clip of a source, or every byte of prepared data, and lists what is wrong, of a source the first
/// 10,000 problems. `progress` is called after every clip of a source: done, of how many.
#[must_use]
pub fn check(
    path: &Path,
    dataset: Option<Dataset>,
    threads: usize,
    progress: &mut dyn FnMut(usize, usize),
) -> Checked {
    let found = if is_prepared(path) {
        prepared(path)
    } else {
        source(path, dataset, threads, progress)
    };
    found.unwrap_or_else(|error| Checked {
        clips: 0,
        problems: each(error),
        warnings: Vec::new(),
    })
}

fn prepared(path: &Path) -> Result<Checked> {
    if folder::is_unfinished(path) {
        let what = "its preparation was interrupted, or is still running";
        return Err(Error::input(
            Place::file(path),
            what,
            "run the same `sinew prepare` again",
        ));
    }
    let data = Prepared::open(path)?;
    let mut warnings = strangers(&data)?;
    warnings.extend(of_manifest(data.manifest(), path));
    let problems = data.verify();
    if problems.is_empty() {
        warnings.extend(number_warnings(&data)?);
    }
    Ok(Checked {
        clips: data.len(),
        problems,
        warnings,
    })
}

/// Files beside those of prepared data: nobody reads them.
fn strangers(data: &Prepared) -> Result<Vec<Warning>> {
    let folder = data.folder();
    let refused = |error| Error::io(folder, "read the folder", error);
    let shards = data.manifest().shards.iter();
    let shards: HashSet<&str> = shards.map(|shard| &shard.file[..]).collect();
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(refused)? {
        let path = entry.map_err(refused)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name != MANIFEST && !shards.contains(&*name) {
            found.push(path);
        }
    }
    found.sort();
    let warning = |path: &PathBuf| {
        let what = "not a file of the prepared data";
        Warning::new(Place::file(path), what, "it is not checked")
    };
    Ok(found.iter().map(warning).collect())
}

fn source(
    path: &Path,
    dataset: Option<Dataset>,
    threads: usize,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Checked> {
    let mut catalogue = Catalogue::open(&[path], dataset)?;
    few_enough(catalogue.classes.len(), path)?;
    let mut problems = Problems::default();
    for problem in std::mem::take(&mut catalogue.problems) {
        problems.add(problem);
    }
    let mut tally = tally_of(catalogue.dataset);
    pipeline::parse_in_order(&catalogue, 0, threads, progress, |_, recording| {
        match (recording, &mut tally) {
            (Err(error), _) => problems.add(error),
            (Ok(recording), Some(tally)) => tally.add(&recording.clip),
            (Ok(_), None) => {}
        }
        Ok(())
    })?;
    let mut warnings = std::mem::take(&mut catalogue.warnings);
    // A clip by itself is a part of nothing.
    if !path.is_file() || catalogue.items.len() > 1 {
        let items = catalogue.items.iter();
        let labelled = items.filter_map(|item| Some((item.label?, &item.about)));
        let dataset = catalogue.dataset.name();
        warnings.extend(set_warnings(dataset, &catalogue.classes, labelled, path));
    }
    if let Some(tally) = &tally {
        warnings.extend(tally.warnings(&catalogue.layout, &Place::file(path)));
    }
    Ok(Checked {
        clips: catalogue.items.len(),
        problems: problems.list(path),
        warnings,
    })
}

/// What the clips of prepared data in `folder` lack.
pub(super) fn of_manifest(manifest: &Manifest, folder: &Path) -> Vec<Warning> {
    let clips = manifest.clips.iter().map(|clip| (clip.label, &clip.about));
    set_warnings(manifest.dataset.name(), &manifest.classes, clips, folder)
}

/// Problems up to a number that somebody may read; the others are counted.
#[derive(Default)]
struct Problems {
    listed: Vec<Error>,
    more: usize,
}

impl Problems {
    fn add(&mut self, problem: Error) {
        if self.listed.len() < MOST_LISTED {
            self.listed.push(problem);
        } else {
            self.more += 1;
        }
    }

    fn list(mut self, path: &Path) -> Vec<Error> {
        if self.more > 0 {
            let what = format!("it has {} problems", self.listed.len() + self.more);
            let help = format!("the first {MOST_LISTED} follow: correct them and check again");
            let first = Error::input(Place::file(path), what, help);
            self.listed.insert(0, first);
        }
        self.listed
    }
}

/// The single errors of a list.
fn each(error: Error) -> Vec<Error> {
    match error {
        Error::Several { errors, .. } => errors,
        error => vec![error],
    }
}
