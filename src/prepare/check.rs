//! Checks of sources and prepared data.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::{few_enough, folder, number_warnings, pipeline, tally_of};
use crate::error::{Error, Place, Result, Warning};
use crate::formats::coverage::set_warnings;
use crate::formats::{Catalogue, Dataset, is_own_clips};
use crate::shards::{MANIFEST, Manifest, Prepared};

/// Whether a folder contains prepared data, complete or not. Other programs also write files called `manifest.json`, so a
/// folder with `clips.csv` and `layout.toml` is never prepared data.
#[must_use]
pub fn is_prepared(folder: &Path) -> bool {
    let prepared = folder.join(MANIFEST).exists() || folder::is_unfinished(folder);
    prepared && !is_own_clips(folder)
}

/// The result of a check.
#[derive(Debug)]
pub struct Checked {
    /// Number of clips checked.
    pub clips: usize,
    /// All problems found.
    pub problems: Vec<Error>,
    /// What looks wrong but does not prevent use.
    pub warnings: Vec<Warning>,
}

/// Limit on the number of problems listed for a source.
const MOST_LISTED: usize = 10_000;

/// Reads every clip of a source, or every byte of prepared data, and lists the problems; for a source, at most 10,000.
/// `progress` is called after each clip of a source with (clips done, total clips).
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
        let what = "the preparation was interrupted, or is still running";
        return Err(Error::input(
            Place::file(path),
            what,
            "run the same `sinew prepare` again",
        ));
    }
    let data = Prepared::open(path)?;
    let mut warnings = unrelated_files(&data)?;
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

/// A warning for each file in the folder that does not belong to the prepared data.
fn unrelated_files(data: &Prepared) -> Result<Vec<Warning>> {
    let folder = data.folder();
    let refused = |error| Error::io(folder, "read the folder", error);
    let shards = data.manifest().shards.iter();
    let shards: HashSet<&str> = shards.map(|shard| shard.file.as_str()).collect();
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
        let what = "does not belong to the prepared data";
        Warning::new(Place::file(path), what, "not checked")
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
    // A single clip is not expected to cover all classes.
    if !path.is_file() || catalogue.items.len() > 1 {
        let items = catalogue.items.iter();
        let labelled = items.filter_map(|item| Some((item.label?, &item.about)));
        let dataset = catalogue.dataset;
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

/// Warnings about the set of clips in a manifest.
pub(super) fn of_manifest(manifest: &Manifest, folder: &Path) -> Vec<Warning> {
    let clips = manifest.clips.iter().map(|clip| (clip.label, &clip.about));
    set_warnings(manifest.dataset, &manifest.classes, clips, folder)
}

/// A list of problems with a limit; further problems are only counted.
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
            let what = format!("{} problems found", self.listed.len() + self.more);
            let help =
                format!("only the first {MOST_LISTED} are listed: correct them and check again");
            let first = Error::input(Place::file(path), what, help);
            self.listed.insert(0, first);
        }
        self.listed
    }
}

/// The individual errors of a list.
fn each(error: Error) -> Vec<Error> {
    match error {
        Error::Several { errors, .. } => errors,
        error => vec![error],
    }
}
