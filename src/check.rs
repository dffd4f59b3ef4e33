//! Checks whatever is at a path: an archive, a folder of clips, prepared data, a run, or a weights file.

use crate::error::{Error, Result, Warning};
use crate::event::Event;
use crate::formats::is_own_clips;
use crate::prepare::{self, is_prepared};
use crate::train::{check_run, check_weights, is_run_folder, mend_run};
use std::path::Path;

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathKind {
    /// An archive, a folder of clips, or a clip.
    Source,
    /// Prepared data, complete or not.
    Prepared,
    /// A run's folder.
    Run,
    /// A weights file.
    Weights,
}

/// Tells what is at a path by the names of files. A folder of own clips is one even if it holds a `manifest.json` or a
/// `config.toml`, since other programs write files of these names too.
#[must_use]
pub fn path_kind(path: &Path) -> PathKind {
    if is_own_clips(path) {
        PathKind::Source
    } else if is_prepared(path) {
        PathKind::Prepared
    } else if is_run_folder(path) {
        PathKind::Run
    } else if path.is_file() && path.extension().is_some_and(|end| end == "safetensors") {
        PathKind::Weights
    } else {
        PathKind::Source
    }
}

/// The result of a check.
#[derive(Debug)]
#[non_exhaustive]
pub struct Checked {
    /// What was checked.
    pub kind: PathKind,
    /// Clips checked, or files of a run.
    pub checked: usize,
    /// Every problem; empty where there is none.
    pub problems: Vec<Error>,
    /// What looks wrong but does no harm by itself.
    pub warnings: Vec<Warning>,
}

/// Reads every clip of a source, or every byte of prepared data, of a run or of a weights file, and lists each problem.
/// `events` receives the clips of a source that are done.
#[must_use]
pub fn check(path: &Path, events: &mut dyn FnMut(Event)) -> Checked {
    let kind = path_kind(path);
    let (checked, problems, warnings) = match kind {
        PathKind::Run | PathKind::Weights => {
            let found = match kind {
                PathKind::Run => check_run(path),
                _ => check_weights(path),
            };
            (found.checked, found.problems, found.warnings)
        }
        PathKind::Source | PathKind::Prepared => {
            let mut progress = |done, total| events(Event::Progress { done, total });
            let found = prepare::check(path, None, 0, &mut progress);
            (found.clips, found.problems, found.warnings)
        }
    };
    Checked {
        kind,
        checked,
        problems,
        warnings,
    }
}

/// Repairs a run: restores a damaged or edited `config.toml` from the newest intact checkpoint, drops damaged lines and
/// records of metrics, timing and event files, and lists every file in `checksums.json`. Returns a line for each repair and
/// each loss; damaged checkpoints and weights stay as they are.
///
/// # Errors
/// [`Error::Usage`] for prepared data, [`Error::Input`] where no checkpoint is intact, [`Error::Locked`] where a process
/// trains in the folder, [`Error::Io`].
pub fn mend(path: &Path) -> Result<Vec<String>> {
    if path_kind(path) == PathKind::Prepared {
        let what = format!("{} holds prepared data", path.display());
        let help = "--mend is for runs; prepare the data again instead";
        return Err(Error::usage(what, help));
    }
    mend_run(path)
}
