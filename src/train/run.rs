//! A run's folder: its settings, what it measured, its checkpoints, and the weights that were best.

use super::checkpoint::{Best, Position};
use super::tensorboard::{self, EventLog};
use crate::error::{Error, Place, Result};
use crate::export::Weights;
use crate::files;
use crate::recipe::{self, Recipe};
use crate::shards::{MANIFEST, Prepared};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// One line of `metrics.jsonl`: an epoch's numbers, none of which a clock decides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochMetrics {
    /// The epoch, from 1.
    pub epoch: usize,
    /// Optimisation steps done at its end.
    pub step: usize,
    /// Learning rate of its last step.
    #[serde(deserialize_with = "number")]
    pub lr: f64,
    /// Mean training loss a sample: of smoothed targets, and where posteriors are fused the two streams' losses added, so
    /// it is no measure beside the validation loss.
    #[serde(deserialize_with = "number")]
    pub loss: f64,
    /// Share of training samples whose class was right.
    #[serde(deserialize_with = "number")]
    pub accuracy: f64,
    /// Validation clips' top-1, where they were evaluated.
    pub validation_top1: Option<f64>,
    /// Validation clips' loss, where they were evaluated.
    pub validation_loss: Option<f64>,
    /// Whether these are the best weights so far.
    pub best: bool,
}

/// One line of `timing.jsonl`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EpochTiming {
    /// The epoch, from 1.
    pub epoch: usize,
    /// Seconds of its training steps; of a run that was resumed within the epoch, of those since.
    #[serde(deserialize_with = "number")]
    pub seconds: f64,
    /// Training samples a second.
    #[serde(deserialize_with = "number")]
    pub samples_per_s: f64,
    /// Share of the time in which the device waited for data.
    #[serde(deserialize_with = "number")]
    pub data_wait: f64,
    /// Share of the time in which the ranks summed their gradients, waiting for the slowest included; 0 with one rank.
    #[serde(default, deserialize_with = "number")]
    pub exchange: f64,
}

/// JSON has no NaN and no infinity: they are written as null.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

/// An open run, locked against a second process.
#[derive(Debug)]
pub struct Run {
    folder: PathBuf,
    /// The settings, every derived number filled in.
    pub recipe: Recipe,
    /// None at ranks that write nothing.
    _lock: Option<File>,
}

const CONFIG: &str = "config.toml";
const METRICS: &str = "metrics.jsonl";
const TIMING: &str = "timing.jsonl";
const EVENTS: &str = "tensorboard";
const LOCK: &str = ".lock";

impl Run {
    /// Starts a new run, which is one when [`Run::keep_recipe`] has written its settings.
    ///
    /// # Errors
    /// [`Error::Failed`] where a run is there already, [`Error::Io`] where the folder cannot be written.
    pub fn create(folder: &Path, recipe: Recipe) -> Result<Self> {
        if Self::exists(folder) {
            return Err(Error::failed(
                format!("{} holds a run already", folder.display()),
                "go on with it by --resume, or choose another --out",
            ));
        }
        refuse_strangers(folder)?;
        files::create_folder(folder.join("checkpoints"))?;
        let lock = lock(folder)?;
        if Self::exists(folder) {
            // Another process was quicker, and is done already.
            return Self::create(folder, recipe);
        }
        files::remove_leftovers(folder)?;
        for file in [METRICS, TIMING] {
            files::write(folder.join(file), b"")?;
        }
        // A start that was broken off before the settings stood may have left checkpoints of another model.
        for old in super::checkpoint::list(&folder.join("checkpoints"))? {
            std::fs::remove_file(&old).map_err(|e| Error::io(&old, "remove", e))?;
        }
        Ok(Run {
            folder: folder.to_path_buf(),
            recipe,
            _lock: Some(lock),
        })
    }

    /// The run of a rank that does not lead: another process has the folder, and this one leaves it alone.
    pub(super) fn follow(folder: &Path, recipe: Recipe) -> Self {
        Run {
            folder: folder.to_path_buf(),
            recipe,
            _lock: None,
        }
    }

    /// Opens a run that exists.
    ///
    /// # Errors
    /// [`Error::Input`] where there is none, [`Error::Failed`] where another process has it.
    pub fn open(folder: &Path) -> Result<Self> {
        let recipe = Self::recipe(folder)?;
        let lock = lock(folder)?;
        files::remove_leftovers(folder)?;
        files::remove_leftovers(folder.join("checkpoints"))?;
        Ok(Run {
            folder: folder.to_path_buf(),
            recipe,
            _lock: Some(lock),
        })
    }

    /// Whether a folder holds a run.
    pub fn exists(folder: &Path) -> bool {
        folder.join(CONFIG).exists()
    }

    /// The settings of a run, read without opening it.
    ///
    /// # Errors
    /// [`Error::Input`] where the folder holds no run or its settings are damaged, [`Error::Io`] where they cannot be read.
    pub fn recipe(folder: &Path) -> Result<Recipe> {
        let config = folder.join(CONFIG);
        match std::fs::metadata(&config) {
            Ok(_) => recipe::load(&config),
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                let help = "give the folder that `sinew train --out` made";
                let what = "not a run folder (no config.toml)";
                Err(Error::input(Place::file(folder), what, help))
            }
            Err(e) => Err(Error::io(&config, "read", e)),
        }
    }

    /// The folder of checkpoints.
    pub fn checkpoints(&self) -> PathBuf {
        self.folder.join("checkpoints")
    }

    /// The best weights.
    pub fn best(&self) -> PathBuf {
        best(&self.folder)
    }

    /// The run's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The best epoch up to a position; none where the best weights on disk are those of a later epoch, which may not
    /// come again.
    pub(super) fn best_until(&self, position: &Position) -> Option<Best> {
        let kept = Weights::read(&self.best()).ok()?.epoch?;
        position.best.filter(|_| kept <= position.epoch)
    }

    /// Writes the settings: those of a new run when its first checkpoint stands, those of another when it has been set
    /// up with them.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn keep_recipe(&self) -> Result<()> {
        let text = self.recipe.to_toml()?;
        files::write(self.folder.join(CONFIG), text.as_bytes())
    }

    /// Drops what was measured after a position: the epochs from there on will be run again.
    ///
    /// # Errors
    /// [`Error::Io`], or a line that cannot be read.
    pub fn rewind(&self, position: &Position) -> Result<()> {
        for file in [METRICS, TIMING] {
            let path = self.folder.join(file);
            let text = match std::fs::read_to_string(&path) {
                Ok(text) => text,
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
                Err(e) => return Err(Error::io(&path, "read", e)),
            };
            // A line that was cut short by a kill belongs to an epoch that runs again.
            let epoch = |line: &str| -> Option<u64> {
                serde_json::from_str::<serde_json::Value>(line).ok()?["epoch"].as_u64()
            };
            let kept: String = text
                .lines()
                .filter(|line| epoch(line).is_some_and(|e| e as usize <= position.epoch))
                .map(|line| format!("{line}\n"))
                .collect();
            files::write(&path, kept.as_bytes())?;
        }
        tensorboard::rewind(&self.folder.join(EVENTS), position)
    }

    /// What TensorBoard is told of the steps after a position.
    pub(super) fn events(&self, position: &Position) -> EventLog {
        EventLog::new(self.folder.join(EVENTS), position.step)
    }

    /// Appends an epoch's numbers and times.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn append(&self, metrics: &EpochMetrics, timing: &EpochTiming) -> Result<()> {
        append(&self.folder.join(METRICS), metrics)?;
        append(&self.folder.join(TIMING), timing)
    }

    /// The numbers of the epochs that are finished.
    ///
    /// # Errors
    /// [`Error::Io`], or a line that is none of ours.
    pub fn metrics(folder: &Path) -> Result<Vec<EpochMetrics>> {
        lines(&folder.join(METRICS))
    }

    /// The times of the epochs that are finished.
    ///
    /// # Errors
    /// As [`Run::metrics`].
    pub fn timing(folder: &Path) -> Result<Vec<EpochTiming>> {
        lines(&folder.join(TIMING))
    }
}

/// The lines of a file, less a last one that a kill cut short.
fn lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::io(path, "read", e))?;
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let read = |(n, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|e| {
            let what = format!("damaged: {e}");
            let help = "resume the run, which mends it";
            Error::input(Place::file(path).line(n + 1), what, help)
        })
    };
    whole.lines().enumerate().map(read).collect()
}

/// The prepared data of a run: those in `given`, or where its settings say that they are.
///
/// # Errors
/// As [`Prepared::open`]; where the run's own are gone, [`Error::Input`] that says how to name where they are now.
pub fn data_of(run: &Path, recipe: &Recipe, given: Option<&Path>) -> Result<Prepared> {
    if let Some(folder) = given {
        return Prepared::open(folder);
    }
    let folder = Path::new(&recipe.run.data);
    if folder.join(MANIFEST).exists() {
        return Prepared::open(folder);
    }
    let what = format!("the prepared data of {} are not there", run.display());
    let help = format!(
        "if they were moved, say where they are: `sinew eval {0} --data DATA`, `sinew train DATA --resume {0}`",
        run.display()
    );
    Err(Error::input(Place::file(folder), what, help))
}

/// The best weights of a run.
pub fn best(folder: &Path) -> PathBuf {
    folder.join("best.safetensors")
}

/// A run shares its folder with nothing else; what a start that was broken off left is no stranger.
fn refuse_strangers(folder: &Path) -> Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Error::io(folder, "use as the run's folder", e)),
    };
    const OURS: [&str; 5] = [METRICS, TIMING, LOCK, "checkpoints", "best.safetensors"];
    for entry in entries {
        let path = entry.map_err(|e| Error::io(folder, "read", e))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !OURS.contains(&name.as_ref()) && !files::is_leftover(&path) {
            let what = format!("{} holds other things, such as {name}", folder.display());
            return Err(Error::failed(what, "choose a new folder for --out"));
        }
    }
    Ok(())
}

fn append(path: &Path, line: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_string(line)
        .map_err(|e| Error::input(Place::file(path), e.to_string(), "report this defect"))?;
    text.push('\n');
    let file = OpenOptions::new().append(true).create(true).open(path);
    let mut file = file.map_err(|e| Error::io(path, "write", e))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_data())
        .map_err(|e| Error::io(path, "write", e))
}

fn lock(folder: &Path) -> Result<File> {
    let path = folder.join(LOCK);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path);
    let file = file.map_err(|e| Error::io(&path, "write", e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::failed(
            format!("another process trains in {}", folder.display()),
            "wait for it, or choose another --out",
        )),
        Err(TryLockError::Error(e)) => Err(Error::io(&path, "lock", e)),
    }
}
