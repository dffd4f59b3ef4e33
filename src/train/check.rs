//! Checks a run's folder: every byte of every file in it is covered by a checksum.

mod strangers;

use super::checkpoint::{self, Checkpoint, Position};
use super::checksums::{Checksums, listed_name};
use super::epochs::{DROP, EPOCH_FILES, EpochMetrics, kept_lines, whole_lines};
use super::folder::{BEST, CHECKPOINTS, CHECKSUMS, CONFIG, EVENTS, REPORT_PAGE};
use super::stored::StoredSettings;
use super::tensorboard;
use crate::error::{Error, Place, Result, Warning};
use crate::files::{self, CHECKSUM, Tensors};
use crate::limits::{CHECKSUMS_BYTES, RUN_FILE_BYTES, SETTINGS_BYTES};
use crate::text::ranges;
use crate::weights::{Weights, open_checked, read_tensors};
use std::path::Path;

/// What a check of a run found.
#[derive(Debug, Default)]
pub struct RunCheck {
    /// Files of the run that were checked.
    pub checked: usize,
    /// Every problem; empty where there is none.
    pub problems: Vec<Error>,
    /// What looks wrong but does no harm by itself.
    pub warnings: Vec<Warning>,
}

/// Attempts to check a run that changes meanwhile.
const ATTEMPTS: usize = 3;

/// Checks every file of a run, also while it is being trained: settings, lines, checkpoints, weights, event files and the
/// report are compared with `checksums.json` and with the checksums that they carry themselves.
#[must_use]
pub fn check_run(folder: &Path) -> RunCheck {
    let list = || files::bytes_of(&folder.join(CHECKSUMS), CHECKSUMS_BYTES).ok();
    let mut before = list();
    for _ in 1..ATTEMPTS {
        let found = Checker::check(folder);
        let now = list();
        if found.problems.is_empty() || now == before {
            return found;
        }
        before = now;
    }
    Checker::check(folder)
}

/// Checks a weights file by itself, which PyTorch may have saved.
#[must_use]
pub fn check_weights(path: &Path) -> RunCheck {
    let mut found = RunCheck {
        checked: 1,
        ..RunCheck::default()
    };
    let file = read_tensors(path);
    let sealed = file
        .as_ref()
        .is_ok_and(|file| file.metadata.contains_key(CHECKSUM));
    match file.and_then(|file| Weights::of(file, path)) {
        Err(error) => found.problems.push(error),
        Ok(_) if sealed => {}
        Ok(_) => {
            let what =
                "no checksum, as in files that PyTorch saves: damaged numbers would go unnoticed";
            let help = "if sinew wrote it, export it again";
            found
                .warnings
                .push(Warning::new(Place::file(path), what, help));
        }
    }
    found
}

struct Checker<'a> {
    folder: &'a Path,
    /// None where there is no list, or a damaged one.
    checksums: Option<Checksums>,
    /// That of the newest whole checkpoint.
    position: Position,
    found: RunCheck,
}

impl Checker<'_> {
    fn check(folder: &Path) -> RunCheck {
        let mut checker = Checker {
            folder,
            checksums: None,
            position: Position::default(),
            found: RunCheck::default(),
        };
        checker.list();
        checker.settings();
        checker.checkpoints();
        checker.epoch_lines();
        checker.best();
        checker.events();
        checker.page();
        checker.listed_in_vain();
        checker.others();
        checker.found
    }

    fn list(&mut self) {
        match Checksums::of_run(self.folder) {
            Ok(Some(checksums)) => {
                self.checksums = Some(checksums);
                self.found.checked += 1;
            }
            Ok(None) => {
                let what = format!(
                    "no {CHECKSUMS}, as in runs of earlier versions: text files are checked by their syntax alone"
                );
                self.warn(self.folder, what, "`sinew train --resume` writes one");
            }
            Err(error) => self.found.problems.push(error),
        }
    }

    fn settings(&mut self) {
        let path = self.folder.join(CONFIG);
        self.found.checked += 1;
        let edited = match StoredSettings::of_run(self.folder) {
            Ok(settings) => settings.edited(),
            Err(error) => return self.found.problems.push(error),
        };
        let edited = match edited {
            Ok(edited) => edited,
            Err(error) => return self.found.problems.push(error),
        };
        let bytes = match files::bytes_of(&path, SETTINGS_BYTES) {
            Ok(bytes) => bytes,
            Err(error) => return self.found.problems.push(error),
        };
        let listed = |sums: &Checksums| sums.files.contains_key(CONFIG);
        let known = self.checksums.as_ref().filter(|sums| listed(sums));
        let known = known.is_none_or(|sums| sums.knows_config(&bytes));
        if known && edited.is_empty() {
            return;
        }
        let clauses: Vec<String> = edited.into_iter().map(|(_, clause)| clause).collect();
        let what = match clauses.is_empty() {
            true => "changed since it was written (its checksum differs)".to_string(),
            false => format!("changed since it was written: {}", clauses.join("; ")),
        };
        let help = "restore it: `sinew check RUN --mend` rewrites it from the newest checkpoint";
        self.problem(&path, what, help);
    }

    fn checkpoints(&mut self) {
        let folder = self.folder.join(CHECKPOINTS);
        let paths = match checkpoint::list(&folder) {
            Ok(paths) => paths,
            Err(error) => return self.found.problems.push(error),
        };
        let mut whole = 0;
        for path in &paths {
            let file = self.tensors(path, "use another checkpoint");
            let Some(checked) = self.noted(file).flatten() else {
                continue;
            };
            if let Some(checkpoint) = self.noted(Checkpoint::of(checked, path)) {
                whole += 1;
                self.position = checkpoint.position;
            }
        }
        if whole == 0 {
            let what = "no whole checkpoint, so the run cannot be resumed";
            self.problem(&folder, what, "start a new run");
        }
    }

    /// Reads a safetensors file of the run, which carries a checksum of its own; none where it is gone by now.
    fn tensors(&mut self, path: &Path, help: &str) -> Result<Option<Tensors>> {
        match open_checked(path) {
            // Beside a training, an old one may be gone by now.
            Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                return Ok(None);
            }
            judged => drop(judged?),
        }
        // Its header shows that it is as large as its model.
        let Some(bytes) = self.bytes(path, u64::MAX)? else {
            return Ok(None);
        };
        let file = Tensors::parse(&bytes, path)?;
        let wrong = |what: &str| Err(Error::input(Place::file(path), what, help));
        if !file.metadata.contains_key(CHECKSUM) {
            return wrong("damaged: it has no checksum, which a run's own files have");
        }
        // Its own checksum covers names and numbers. Written again, they must be the same bytes.
        let name = listed_name(self.folder, path);
        let listed = self.checksums.as_ref().map(|sums| sums.files.get(&name));
        if let Some(listed) = listed
            && !listed.is_some_and(|sum| sum.is(&bytes))
        {
            let mut again = Vec::with_capacity(bytes.len());
            let written = file.write_to(&mut again);
            written.map_err(|e| Error::io(path, "check", e))?;
            if again != bytes {
                return wrong("changed since it was written (its checksum differs)");
            }
        }
        Ok(Some(file))
    }

    fn epoch_lines(&mut self) {
        for (name, epoch_of) in EPOCH_FILES {
            let path = self.folder.join(name);
            let bytes = self.bytes(&path, RUN_FILE_BYTES);
            let Some(bytes) = self.noted(bytes) else {
                continue;
            };
            let Some(bytes) = bytes else {
                self.problem(
                    &path,
                    "missing",
                    "restore it, or resume the run, which rewrites it",
                );
                continue;
            };
            let covered = self.covered(&path, &bytes);
            if covered == Some(false) {
                let help = "restore it from a copy: a line that can still be read is kept as it is by `--mend` and --resume";
                self.problem(&path, CHANGED, help);
            }
            let mut last = 0;
            for line in whole_lines(&bytes, epoch_of) {
                let what = match line.epoch {
                    Err(what) => format!("damaged: {what}"),
                    Ok(epoch) if epoch <= last => format!("epoch {epoch} comes after epoch {last}"),
                    Ok(epoch) => {
                        last = epoch;
                        continue;
                    }
                };
                let place = Place::file(&path).line(line.number);
                self.found.problems.push(Error::input(place, what, DROP));
            }
            let kept = kept_lines(&bytes, epoch_of, self.position.epoch);
            if !kept.lost.is_empty() {
                let what = format!("no readable line for epoch {}", ranges(&kept.lost));
                if covered == Some(true) && !kept.damaged {
                    let help = "those numbers were lost earlier and cannot be restored";
                    self.warn(&path, what, help);
                } else {
                    self.problem(&path, what, "restore the file, or train on without them");
                }
            }
        }
    }

    fn best(&mut self) {
        let path = self.folder.join(BEST);
        let metrics = self.folder.join(EPOCH_FILES[0].0);
        let metrics = files::bytes_of(&metrics, RUN_FILE_BYTES).unwrap_or_default();
        let is_best = |line: &[u8]| {
            let line = serde_json::from_slice::<EpochMetrics>(line);
            line.is_ok_and(|metrics| metrics.best)
        };
        let written = metrics.split(|byte| *byte == b'\n').any(is_best);
        let help = "restore it, or use --checkpoint last";
        let file = self.tensors(&path, help);
        match self.noted(file) {
            Some(Some(file)) => {
                self.noted(Weights::of(file, &path));
            }
            Some(None) if written => self.problem(&path, "missing", help),
            _ => {}
        }
    }

    fn events(&mut self) {
        let paths = tensorboard::list(&self.folder.join(EVENTS));
        let paths = self.noted(paths).unwrap_or_default();
        for (index, path) in paths.iter().enumerate() {
            let bytes = self.bytes(path, RUN_FILE_BYTES);
            let Some(Some(bytes)) = self.noted(bytes) else {
                continue;
            };
            let help =
                "TensorBoard may lack some points; `sinew check RUN --mend` keeps the intact part";
            let (damaged, cut) = tensorboard::faults(&bytes);
            let name = listed_name(self.folder, path);
            let listed = self.checksums.as_ref().and_then(|s| s.files.get(&name));
            let listed = listed.map_or(0, |sum| sum.bytes);
            if let Some(at) = damaged {
                self.problem(path, format!("damaged at byte {at}"), help);
            } else if self.covered(path, &bytes) == Some(false) {
                self.problem(path, CHANGED, help);
            } else if let Some(at) = cut {
                let newest = index + 1 == paths.len();
                let what = format!("half a record at byte {at}");
                if newest && at as u64 >= listed {
                    let help = "resuming the run removes it";
                    self.warn(path, format!("{what}, as a kill leaves it"), help);
                } else {
                    self.problem(path, format!("cut short: {what}"), help);
                }
            }
        }
    }

    fn page(&mut self) {
        let path = self.folder.join(REPORT_PAGE);
        let bytes = self.bytes(&path, RUN_FILE_BYTES);
        let Some(Some(bytes)) = self.noted(bytes) else {
            return;
        };
        let help = "`sinew report` rewrites it";
        match files::sealed(&bytes) {
            Some(true) => {}
            Some(false) => {
                self.problem(
                    &path,
                    "changed since it was written (its checksum differs)",
                    help,
                );
            }
            None => self.warn(&path, "no checksum, as in pages of earlier versions", help),
        }
    }

    /// Files that are listed and gone.
    fn listed_in_vain(&mut self) {
        let Some(checksums) = &self.checksums else {
            return;
        };
        let names: Vec<String> = checksums.files.keys().cloned().collect();
        let gone = |name: &&String| !self.folder.join(name).exists();
        let gone: Vec<&String> = names.iter().filter(gone).collect();
        let checkpoints = checkpoint::list(&self.folder.join(CHECKPOINTS));
        let newest = checkpoints.unwrap_or_default().pop();
        for name in gone {
            let path = self.folder.join(name);
            if name.starts_with(EVENTS) {
                let help = "restore it, or go without these points in TensorBoard";
                self.problem(&path, "missing", help);
            } else if name.starts_with(CHECKPOINTS) {
                // Those that newer ones replace are removed.
                if newest.as_ref().is_none_or(|newest| *newest < path) {
                    self.warn(&path, "missing", "resuming the run uses an older one");
                }
            }
        }
    }

    /// Reads a file of at most `most` bytes; none where there is none.
    fn bytes(&mut self, path: &Path, most: u64) -> Result<Option<Vec<u8>>> {
        let bytes = files::bytes_if_there(path, most)?;
        self.found.checked += usize::from(bytes.is_some());
        Ok(bytes)
    }

    /// Whether a growing file has what is listed of it; none where it is not listed.
    fn covered(&self, path: &Path, bytes: &[u8]) -> Option<bool> {
        let name = listed_name(self.folder, path);
        Some(self.checksums.as_ref()?.files.get(&name)?.covers(bytes))
    }

    fn noted<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.found.problems.push(error)).ok()
    }

    fn problem(&mut self, path: &Path, what: impl Into<String>, help: &str) {
        let error = Error::input(Place::file(path), what, help);
        self.found.problems.push(error);
    }

    fn warn(&mut self, path: &Path, what: impl Into<String>, help: &str) {
        let warning = Warning::new(Place::file(path), what, help);
        self.found.warnings.push(warning);
    }
}

/// The problem of a growing file whose bytes have changed.
const CHANGED: &str = "changed or cut short since it was written (its checksum differs)";
