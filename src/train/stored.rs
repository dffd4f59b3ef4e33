//! The settings of a run: `config.toml`, compared with what its newest checkpoint was trained with.

use super::checkpoint::Checkpoint;
use super::checksums::Checksums;
use super::folder::{CHECKPOINTS, CHECKSUMS, CONFIG};
use super::run::Run;
use crate::error::{Error, Place, Result};
use crate::files;
use crate::limits::SETTINGS_BYTES;
use crate::settings::{Difference, ResolvedSettings};
use std::io::ErrorKind;
use std::path::Path;

/// The settings of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredSettings {
    /// What `config.toml` says.
    pub config: ResolvedSettings,
    /// What the steps so far were trained with: the same, unless somebody edited `config.toml`.
    pub trained: ResolvedSettings,
}

impl StoredSettings {
    /// Reads both. A `config.toml` with the checksum that `checksums.json` has of it is what the program wrote; another one
    /// is compared with the newest whole checkpoint, if there is one.
    ///
    /// # Errors
    /// [`Error::Input`] where the folder holds no run or its settings are damaged, [`Error::Io`] where they cannot be read.
    pub fn of_run(folder: &Path) -> Result<Self> {
        let path = folder.join(CONFIG);
        if std::fs::metadata(&path).is_err_and(|e| is_absent(&e)) {
            let what = format!("not a run folder (no {CONFIG})");
            let help = match folder.join(CHECKSUMS).exists() {
                true => MEND,
                false => "give the folder that `sinew train --out` made",
            };
            return Err(Error::input(Place::file(folder), what, help));
        }
        let bytes = files::bytes_of(&path, SETTINGS_BYTES)?;
        let config = ResolvedSettings::from_config(&bytes, &path).map_err(|error| match error {
            Error::Input { place, what, .. } => Error::input(place, what, MEND),
            other => other,
        })?;
        let trained = match Checksums::of_run(folder) {
            Ok(Some(sums)) if sums.knows_config(&bytes) => None,
            _ => trained(folder, &config),
        };
        Ok(StoredSettings {
            trained: trained.unwrap_or_else(|| config.clone()),
            config,
        })
    }

    /// The settings that were edited in `config.toml`: each key, and a clause with both values.
    ///
    /// # Errors
    /// [`Error::Usage`] where a value cannot be written as TOML.
    pub fn edited(&self) -> Result<Vec<(String, String)>> {
        let clause = |Difference { key, first, second }: Difference| {
            let clause = format!("{key} is {first} and was {second}");
            (key, clause)
        };
        let differences = self.config.differences(&self.trained)?;
        Ok(differences.into_iter().map(clause).collect())
    }

    /// What `config.toml` says, refused where it was edited.
    ///
    /// # Errors
    /// [`Error::Input`] with the list of what was edited.
    pub fn unedited(self, folder: &Path) -> Result<ResolvedSettings> {
        let edited = self.edited()?;
        if edited.is_empty() {
            return Ok(self.config);
        }
        let clauses: Vec<String> = edited.into_iter().map(|(_, clause)| clause).collect();
        let what = format!(
            "changed since the newest checkpoint: {}",
            clauses.join("; ")
        );
        let help = "restore the values (`sinew check RUN --mend` does), or resume with --allow KEY for each";
        Err(Error::input(Place::file(folder.join(CONFIG)), what, help))
    }
}

/// Whether nothing is there, rather than something that may not be looked at.
fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// What to do about settings that cannot be read.
const MEND: &str = "`sinew check RUN --mend` writes the file anew from the newest checkpoint";

/// What the newest whole checkpoint was trained with, on the data and with the threads that `config` says.
fn trained(folder: &Path, config: &ResolvedSettings) -> Option<ResolvedSettings> {
    let mut trained = of_checkpoint(folder)?;
    // A checkpoint does not say where the data lie, and threads change nothing.
    trained.run.data = config.run.data.clone();
    trained.run.threads = config.run.threads;
    // Read from JSON a number can come out a last place off: it is compared with one that went the same way.
    let text = serde_json::to_string(config).ok()?;
    let config_from_json: ResolvedSettings = serde_json::from_str(&text).ok()?;
    let differences = config_from_json.differences(&trained).ok()?;
    let sets = differences
        .iter()
        .map(|Difference { key, second, .. }| format!("{key}={second}"));
    let sets: Vec<String> = sets.collect();
    config.with(&sets).ok().or(Some(trained))
}

/// The settings in the newest whole checkpoint; none where there is none, or it is of another version.
pub(super) fn of_checkpoint(folder: &Path) -> Option<ResolvedSettings> {
    let checkpoints = folder.join(CHECKPOINTS);
    let newest = Checkpoint::newest_of(&checkpoints, |_| true, &mut |_| ());
    let (_, checkpoint) = newest.ok()??;
    serde_json::from_str(checkpoint.about.get("recipe")?).ok()
}

impl Run {
    /// The settings of a run, read without opening it.
    ///
    /// # Errors
    /// [`Error::Input`] where the folder holds no run, or its settings are damaged or were edited; [`Error::Io`] where they
    /// cannot be read.
    pub fn settings_of(folder: &Path) -> Result<ResolvedSettings> {
        StoredSettings::of_run(folder)?.unedited(folder)
    }
}
