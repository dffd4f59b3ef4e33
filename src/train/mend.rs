//! Repairs a run's folder without training, and lists what is lost.

use super::checkpoint::{Checkpoint, Position};
use super::checksums::Checksums;
use super::epochs::last_epoch;
use super::folder::{CHECKPOINTS, CONFIG, EVENTS, lock};
use super::run::Run;
use super::stored::{StoredSettings, of_checkpoint};
use crate::error::{Error, Place, Result};
use crate::files;
use crate::limits::SETTINGS_BYTES;
use crate::settings::ResolvedSettings;
use std::path::Path;

/// Repairs a run: rewrites a damaged or edited `config.toml` from the newest intact checkpoint, drops damaged lines and
/// records of metrics, timing and event files, and lists every file in `checksums.json`. Returns a line for each thing that
/// was done or lost; damaged checkpoints and weights stay as they are.
///
/// # Errors
/// [`Error::Input`] where no whole checkpoint is left, [`Error::Locked`] where a process trains in the folder,
/// [`Error::Io`].
pub fn mend_run(folder: &Path) -> Result<Vec<String>> {
    let mut done = Vec::new();
    mend_settings(folder, &mut done)?;
    for name in lost_events(folder) {
        done.push(format!(
            "{}: gone; TensorBoard lacks its points",
            folder.join(name).display()
        ));
    }
    let mut run = Run::open(folder)?;
    done.extend(run.take_warnings());
    let newest = Checkpoint::newest(&run.checkpoints(), &mut |error| {
        done.push(error.to_string())
    })?;
    // Whatever can be read stays, also behind the newest whole checkpoint: going back to that is what --resume does.
    let everything = Position {
        epoch: newest.position.epoch.max(last_epoch(folder)?),
        step: usize::MAX,
        step_in_epoch: 0,
        ..newest.position
    };
    run.rewind(&everything, &mut |text| done.push(text))?;
    run.list_settings()?;
    Ok(done)
}

/// Listed event files that are not there.
fn lost_events(folder: &Path) -> Vec<String> {
    let listed = Checksums::of_run(folder).ok().flatten().unwrap_or_default();
    let events = listed
        .files
        .into_keys()
        .filter(|name| name.starts_with(EVENTS));
    events.filter(|name| !folder.join(name).exists()).collect()
}

fn mend_settings(folder: &Path, done: &mut Vec<String>) -> Result<()> {
    let path = folder.join(CONFIG);
    let settings = match StoredSettings::of_run(folder) {
        Ok(settings) if settings.edited()?.is_empty() => {
            let bytes = files::bytes_of(&path, SETTINGS_BYTES)?;
            let listed = Checksums::of_run(folder).ok().flatten();
            if listed.is_none_or(|sums| !sums.lists_config() || sums.knows_config(&bytes)) {
                return Ok(());
            }
            settings.config
        }
        Ok(settings) => settings.trained,
        Err(error @ Error::Input { .. }) => {
            let checkpoints = folder.join(CHECKPOINTS);
            if !checkpoints.is_dir() {
                return Err(error);
            }
            let Some(mut settings) = of_checkpoint(folder) else {
                let what = "no intact checkpoint to take the settings from";
                let help = "restore config.toml from a copy";
                return Err(Error::input(Place::file(checkpoints), what, help));
            };
            settings.run.data =
                data_in(&files::bytes_of(&path, SETTINGS_BYTES).unwrap_or_default());
            settings
        }
        Err(error) => return Err(error),
    };
    let _lock = lock(folder)?;
    files::write(&path, settings.to_toml()?.as_bytes())?;
    let path = path.display();
    done.push(format!(
        "{path}: rewritten with the settings of the newest checkpoint{}",
        unknown_data(&settings)
    ));
    Ok(())
}

/// What a checkpoint does not say.
fn unknown_data(settings: &ResolvedSettings) -> &'static str {
    match settings.run.data.is_empty() {
        true => {
            ", which does not say where the data are: name them, as in `sinew train DATA --resume RUN`"
        }
        false => "",
    }
}

/// The folder of the data in settings that cannot be read as a whole; nothing where that line cannot be read either.
fn data_in(config: &[u8]) -> String {
    let data = |line: &[u8]| {
        let line: toml::Table = std::str::from_utf8(line).ok()?.parse().ok()?;
        Some(line.get("data")?.as_str()?.to_string())
    };
    let lines = config.split(|byte| *byte == b'\n');
    lines.filter_map(data).next().unwrap_or_default()
}
