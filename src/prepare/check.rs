//! Everything that is wrong with an archive or with prepared data.

use std::path::Path;

use super::{folder, pipeline, tally_of};
use crate::error::{Error, Place, Result, Warning};
use crate::formats::{Catalogue, Dataset, is_own_clips};
use crate::shards::{MANIFEST, Prepared};

/// What a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An archive, a folder of clips, or a clip.
    Source,
    /// Prepared data, finished or not.
    Prepared,
    /// A training run.
    Run,
}

/// Tells prepared data, a run and a source apart, by the files that stand in a folder. Other programs have files called
/// `manifest.json` and `config.toml` too: beside own clips they say nothing.
#[must_use]
pub fn kind(path: &Path) -> Kind {
    if is_own_clips(path) {
        Kind::Source
    } else if path.join(MANIFEST).exists() || folder::is_unfinished(path) {
        Kind::Prepared
    } else if path.join("config.toml").exists() {
        Kind::Run
    } else {
        Kind::Source
    }
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
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Checked {
    let found = match kind(path) {
        Kind::Prepared => prepared(path),
        _ => source(path, dataset, threads, progress),
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
    Ok(Checked {
        clips: data.len(),
        problems: data.verify(),
        warnings: Vec::new(),
    })
}

fn source(
    path: &Path,
    dataset: Option<Dataset>,
    threads: usize,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Checked> {
    let mut catalogue = Catalogue::open(&[path], dataset)?;
    let mut problems = Problems::default();
    for problem in std::mem::take(&mut catalogue.problems) {
        problems.add(problem);
    }
    let mut tally = tally_of(catalogue.dataset);
    pipeline::run(&catalogue, 0, threads, progress, |_, recording| {
        match (recording, &mut tally) {
            (Err(error), _) => problems.add(error),
            (Ok(recording), Some(tally)) => tally.add(&recording.clip),
            (Ok(_), None) => {}
        }
        Ok(())
    })?;
    let mut warnings = catalogue.warnings;
    if let Some(tally) = &tally {
        warnings.extend(tally.warnings(&catalogue.layout, &Place::file(path)));
    }
    Ok(Checked {
        clips: catalogue.items.len(),
        problems: problems.list(path),
        warnings,
    })
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
