//! A run's folder: its settings, what it measured, its checkpoints, and the weights that were best.

use super::checkpoint::{self, Best, Checkpoint, Position};
use super::checksums::{ChecksumWriter, listed_name};
use super::epochs::{EPOCH_FILES, EpochMetrics, EpochTiming, append_line, kept_lines, read_lines};
use super::folder::{
    BEST, CHECKPOINTS, CONFIG, EVENTS, GROWING, Lock, METRICS, NewFolder, TIMING, lock,
};
use super::stored::StoredSettings;
use super::tensorboard::{self, EventLog};
use super::weights::best_weights;
use crate::error::{Error, Result};
use crate::files;
use crate::limits::{RUN_FILE_BYTES, SETTINGS_BYTES};
use crate::settings::ResolvedSettings;
use crate::text::ranges;
use crate::weights::Weights;
use std::path::{Path, PathBuf};

/// An open run, locked against a second process.
#[derive(Debug)]
pub struct Run {
    folder: PathBuf,
    /// The settings.
    pub settings: ResolvedSettings,
    /// What the steps so far were trained with.
    trained: ResolvedSettings,
    checksums: ChecksumWriter,
    /// What was noticed when the run was opened.
    warnings: Vec<String>,
    /// While the run is being started.
    new: Option<NewFolder>,
    /// None while the run is being started, and at ranks that write nothing.
    lock: Option<Lock>,
}

impl Run {
    /// Creates the folder of a new run. It is a run once [`Run::keep_settings`] has written its settings; dropped before, it
    /// removes what it wrote.
    ///
    /// # Errors
    /// [`Error::Exists`] where the folder holds a run or other files, [`Error::Locked`] where another process starts a run
    /// there, [`Error::Io`] where the folder cannot be written.
    #[doc(hidden)]
    pub fn create(folder: &Path, settings: ResolvedSettings) -> Result<Self> {
        let new = NewFolder::create(folder)?;
        let checkpoints = folder.join(CHECKPOINTS);
        files::remove_leftovers(folder)?;
        files::remove_leftovers(&checkpoints)?;
        for file in GROWING {
            files::write(folder.join(file), b"")?;
        }
        // A start that was killed before the settings were written may have left checkpoints of another model.
        for old in checkpoint::list(&checkpoints)? {
            std::fs::remove_file(&old).map_err(|e| Error::io(&old, "remove", e))?;
        }
        Ok(Run {
            folder: folder.to_path_buf(),
            trained: settings.clone(),
            settings,
            checksums: ChecksumWriter::create(folder)?,
            warnings: Vec::new(),
            new: Some(new),
            lock: None,
        })
    }

    /// The run at a rank other than the first; only the first one writes to the folder.
    pub(super) fn of_other_rank(folder: &Path, settings: ResolvedSettings) -> Self {
        Run {
            folder: folder.to_path_buf(),
            trained: settings.clone(),
            settings,
            checksums: ChecksumWriter::open(Path::new("")).0,
            warnings: Vec::new(),
            new: None,
            lock: None,
        }
    }

    /// Opens a run that exists.
    ///
    /// # Errors
    /// [`Error::Input`] where there is none, or its `config.toml` is damaged or was edited; [`Error::Failed`] where another
    /// process has it.
    pub fn open(folder: &Path) -> Result<Self> {
        let run = Self::open_edited(folder)?;
        let (config, trained) = (run.settings.clone(), run.trained.clone());
        StoredSettings { config, trained }.unedited(folder)?;
        Ok(run)
    }

    /// As [`Run::open`], also where `config.toml` was edited: [`Run::trained`] is what the steps so far were trained with.
    ///
    /// # Errors
    /// As [`Run::open`].
    #[doc(hidden)]
    pub fn open_edited(folder: &Path) -> Result<Self> {
        let settings = StoredSettings::of_run(folder)?;
        let lock = lock(folder)?;
        files::remove_leftovers(folder)?;
        files::remove_leftovers(folder.join(CHECKPOINTS))?;
        let (checksums, damaged) = ChecksumWriter::open(folder);
        Ok(Run {
            folder: folder.to_path_buf(),
            settings: settings.config,
            trained: settings.trained,
            checksums,
            warnings: damaged.iter().map(ToString::to_string).collect(),
            new: None,
            lock: Some(lock),
        })
    }

    /// Whether a folder holds a run.
    pub fn exists(folder: &Path) -> bool {
        folder.join(CONFIG).exists()
    }

    /// The settings that the steps so far were trained with: those in `config.toml`, unless it was edited.
    pub fn trained(&self) -> &ResolvedSettings {
        &self.trained
    }

    /// The folder of checkpoints.
    pub fn checkpoints(&self) -> PathBuf {
        self.folder.join(CHECKPOINTS)
    }

    /// The best weights.
    pub fn best(&self) -> PathBuf {
        best(&self.folder)
    }

    /// The run's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What was noticed when the run was opened, once.
    pub(super) fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    /// The best epoch up to a position; none where the best weights on disk are those of a later epoch, which may not
    /// come again.
    pub(super) fn best_until(&self, position: &Position) -> Option<Best> {
        let kept = best_weights(&self.folder).ok()?.epoch?;
        position.best.filter(|_| kept <= position.epoch)
    }

    /// Writes the settings: those of a new run when its first checkpoint is written, those of another when it has been set
    /// up with them.
    ///
    /// # Errors
    /// [`Error::Io`].
    #[doc(hidden)]
    pub fn keep_settings(&mut self) -> Result<()> {
        let (text, path) = (self.settings.to_toml()?, self.folder.join(CONFIG));
        let before = files::bytes_of(&path, SETTINGS_BYTES).ok();
        if before.as_deref() != Some(text.as_bytes()) {
            if before.is_some() {
                self.checksums.will_replace_config(text.as_bytes())?;
            }
            files::write(&path, text.as_bytes())?;
        }
        if let Some(new) = self.new.take() {
            self.lock = new.finish();
        }
        self.list_settings()
    }

    /// Writes a checkpoint: a regular one, or that of a run that a signal stops.
    pub(super) fn save(&mut self, checkpoint: &Checkpoint, stopped: bool) -> Result<()> {
        let folder = self.checkpoints();
        let path = match stopped {
            true => checkpoint.save_stopped(&folder)?,
            false => checkpoint.save(&folder, self.settings.train.keep)?,
        };
        self.checksums.replaced(listed_name(&self.folder, &path));
        self.checksums.write()
    }

    /// Writes the weights that are the best so far; [`Run::save`] lists them.
    pub(super) fn write_best(&mut self, weights: &Weights) -> Result<()> {
        weights.write(&self.best())?;
        self.checksums.replaced(BEST.into());
        Ok(())
    }

    /// Removes checkpoints that a kill kept from being removed when the one at `newest` had been written.
    pub(super) fn remove_superseded(&mut self, newest: &Path) -> Result<()> {
        let keep = self.settings.train.keep;
        let gone = checkpoint::superseded(&self.checkpoints(), newest, keep)?;
        self.remove(&gone)
    }

    /// Removes the checkpoints that signals made, where there is a whole regular one.
    pub(super) fn remove_stopped(&mut self) -> Result<()> {
        let (mut stopped, regular): (Vec<_>, Vec<_>) = checkpoint::list(&self.checkpoints())?
            .into_iter()
            .partition(|path| checkpoint::is_stopped(path));
        if !stopped.is_empty() && !regular.iter().any(|path| Checkpoint::load(path).is_ok()) {
            stopped.clear();
        }
        self.remove(&stopped)
    }

    /// Lists `config.toml` as it is, and brings the rest of `checksums.json` up to date.
    pub(super) fn list_settings(&mut self) -> Result<()> {
        self.checksums.replaced(CONFIG.into());
        self.checksums.write()
    }

    /// Brings `checksums.json` up to date.
    pub(super) fn list_files(&mut self) -> Result<()> {
        self.checksums.write()
    }

    /// Removes files, which are no longer listed before they go.
    fn remove(&mut self, paths: &[PathBuf]) -> Result<()> {
        if paths.is_empty() {
            return Ok(());
        }
        let names = paths.iter().map(|path| listed_name(&self.folder, path));
        let names: Vec<String> = names.collect();
        self.checksums.write_without(&names)?;
        for path in paths {
            std::fs::remove_file(path).map_err(|e| Error::io(path, "remove", e))?;
        }
        Ok(())
    }

    /// Drops what was measured after a position: the epochs from there on will be run again. What is lost of those before
    /// is told through `warn`, and the rest is kept.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn rewind(
        &mut self,
        position: &Position,
        warn: &mut dyn FnMut(String),
    ) -> Result<()> {
        let (mut rewritten, mut list_first) = (Vec::new(), false);
        for (name, epoch_of) in EPOCH_FILES {
            let path = self.folder.join(name);
            let found = files::bytes_if_there(&path, RUN_FILE_BYTES)?;
            let there = found.is_some();
            let old = found.unwrap_or_default();
            let kept = kept_lines(&old, epoch_of, position.epoch);
            let intact = self.checksums.covers(name, &old);
            // Lines that are missing from a file as it is listed were told of when they were lost.
            let news = !kept.lost.is_empty() && (intact != Some(true) || kept.damaged);
            let changed = intact == Some(false) && !kept.bytes.is_empty();
            let mut faults = Vec::new();
            if news {
                let epochs = ranges(&kept.lost);
                faults.push(format!(
                    "no readable line for epoch {epochs}: those numbers are lost, the other lines are kept"
                ));
            }
            if changed && !(news && kept.damaged) {
                faults.push(
                    "changed since it was written, so a number in it may be wrong; kept as it is"
                        .into(),
                );
            }
            if !faults.is_empty() {
                warn(format!("{}: {}", path.display(), faults.join("; ")));
            }
            if kept.bytes != old || !there || intact == Some(false) {
                list_first |= self.checksums.will_change(name, &old, &kept.bytes);
                rewritten.push((path, kept.bytes));
            }
        }
        for file in tensorboard::rewound(&self.folder.join(EVENTS), position)? {
            let name = listed_name(&self.folder, &file.path);
            let cut = self.checksums.covers(&name, &file.old) == Some(false);
            if file.damaged > 0 || cut {
                let (path, bytes) = (file.path.display(), file.damaged);
                warn(format!(
                    "{path}: damaged or cut short ({bytes} bytes are dropped), so TensorBoard may lack some points"
                ));
            }
            if file.new != file.old || cut {
                list_first |= self.checksums.will_change(&name, &file.old, &file.new);
                rewritten.push((file.path, file.new));
            }
        }
        if list_first {
            self.checksums.write_without(&[])?;
        }
        for (path, bytes) in rewritten {
            files::write(&path, &bytes)?;
        }
        Ok(())
    }

    /// Brings the folder of a run that is at its end into the form that it has without interruptions.
    pub(super) fn finish(&mut self) -> Result<()> {
        if let Some((file, others)) = tensorboard::merged(&self.folder.join(EVENTS))? {
            let name = listed_name(&self.folder, &file.path);
            if self.checksums.will_change(&name, &file.old, &file.new) {
                self.checksums.write_without(&[])?;
            }
            files::write(&file.path, &file.new)?;
            self.remove(&others)?;
        }
        self.checksums.write()
    }

    /// The TensorBoard log of the steps after a position.
    pub(super) fn events(&self, position: &Position) -> EventLog {
        EventLog::new(self.folder.join(EVENTS), position.step)
    }

    /// Appends an epoch's numbers and times.
    ///
    /// # Errors
    /// [`Error::Io`].
    #[doc(hidden)]
    pub fn append(&self, metrics: &EpochMetrics, timing: &EpochTiming) -> Result<()> {
        append_line(&self.folder.join(METRICS), metrics)?;
        append_line(&self.folder.join(TIMING), timing)
    }

    /// The numbers of the epochs that are finished.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::Input`] at a damaged line.
    pub fn metrics(folder: &Path) -> Result<Vec<EpochMetrics>> {
        read_lines(&folder.join(METRICS))
    }

    /// The times of the epochs that are finished.
    ///
    /// # Errors
    /// As [`Run::metrics`].
    pub fn timing(folder: &Path) -> Result<Vec<EpochTiming>> {
        read_lines(&folder.join(TIMING))
    }
}

/// The path of a run's best weights.
pub fn best(folder: &Path) -> PathBuf {
    folder.join(BEST)
}
