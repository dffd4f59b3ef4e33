//! Mending a run's folder without training: what can be restored is, and what is lost is said.

use super::checkpoint::Checkpoint;
use super::folder::{CHECKPOINTS, CONFIG, lock};
use super::run::Run;
use super::stored::{StoredSettings, of_checkpoint};
use crate::error::{Error, Place, Result};
use crate::files;
use crate::limits::SETTINGS_BYTES;
use crate::recipe::Recipe;
use std::path::Path;

/// Mends a run: writes a damaged or edited `config.toml` anew from the newest whole checkpoint, drops damaged lines and
/// records of metrics, timing and event files, and lists every file in `checksums.json`. Returns a line for each thing that
/// was done or lost; damaged checkpoints and weights stay as they are.
///
/// # Errors
/// [`Error::Input`] where no whole checkpoint is left, [`Error::Failed`] where a process trains in the folder,
/// [`Error::Io`].
pub fn mend_run(folder: &Path) -> Result<Vec<String>> {
    let mut done = Vec::new();
    mend_settings(folder, &mut done)?;
    let mut run = Run::open(folder)?;
    done.extend(run.take_warnings());
    let newest = Checkpoint::newest(&run.checkpoints(), &mut |error| {
        done.push(error.to_string())
    })?;
    run.rewind(&newest.position, &mut |text| done.push(text))?;
    run.list_settings()?;
    Ok(done)
}

fn mend_settings(folder: &Path, done: &mut Vec<String>) -> Result<()> {
    let path = folder.join(CONFIG);
    let recipe = match StoredSettings::of_run(folder) {
        Ok(settings) if settings.edited()?.is_empty() => return Ok(()),
        Ok(settings) => settings.trained,
        Err(error @ Error::Input { .. }) => {
            let checkpoints = folder.join(CHECKPOINTS);
            if !checkpoints.is_dir() {
                return Err(error);
            }
            let Some(mut recipe) = of_checkpoint(folder) else {
                let what = "no whole checkpoint, whose settings could be taken";
                let help = "restore config.toml from a copy";
                return Err(Error::input(Place::file(checkpoints), what, help));
            };
            recipe.run.data = data_in(&files::bytes_of(&path, SETTINGS_BYTES).unwrap_or_default());
            recipe
        }
        Err(error) => return Err(error),
    };
    let _lock = lock(folder)?;
    files::write(&path, recipe.to_toml()?.as_bytes())?;
    let path = path.display();
    done.push(format!(
        "{path}: written anew from the newest checkpoint{}",
        unknown_data(&recipe)
    ));
    Ok(())
}

/// What a checkpoint does not say.
fn unknown_data(recipe: &Recipe) -> &'static str {
    match recipe.run.data.is_empty() {
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
