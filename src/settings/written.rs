//! Settings as written: a preset, over it a file, over both single settings.

use super::table::{flat, overlay, overlay_sets, table_of, unwritable};
use super::{AUTO, Data, Model, Preset, ResolvedSettings, Sections, Settings, Written};
use crate::error::{Error, Place, Result};
use crate::files;
use crate::limits::SETTINGS_BYTES;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The section that no preset has.
const RUN: &str = r#"
[run]
task = "auto"
preset = ""
data = "auto"
checksum = "auto"
protocol = "auto"
seed = 0
device = "auto"
plan = "auto"
threads = "auto"
"#;

/// A file of settings, which is read once, since it may be a pipe.
#[derive(Debug, Clone)]
pub struct SettingsFile {
    path: PathBuf,
    table: Table,
}

impl SettingsFile {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Io`] where it cannot be read, [`Error::Input`] at the line where it is not TOML.
    pub fn read(path: &Path) -> Result<Self> {
        let text = files::text_or_pipe(path, SETTINGS_BYTES)?;
        let (path, table) = (path.to_path_buf(), table_of(&text, path)?);
        Ok(SettingsFile { path, table })
    }

    /// The preset that the file is based on, where it names one, as a run's `config.toml` does.
    ///
    /// # Errors
    /// [`Error::Input`] for a name that no preset has.
    pub fn preset(&self) -> Result<Option<Preset>> {
        let run = self.table.get("run");
        let name = run.and_then(|run| run.get("preset")?.as_str());
        let name = name.filter(|name| !name.is_empty());
        name.map(str::parse).transpose().map_err(|e| self.input(e))
    }

    /// An error about the file's contents.
    fn input(&self, error: Error) -> Error {
        match error {
            Error::Usage { what, help, .. } => Error::input(Place::file(&self.path), what, help),
            other => other,
        }
    }
}

impl Preset {
    /// The file's text, from which the section `run` is missing.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Preset::Sinew => include_str!("../../assets/recipes/sinew.toml"),
            Preset::Paper => include_str!("../../assets/recipes/paper.toml"),
            Preset::Reference => include_str!("../../assets/recipes/reference.toml"),
        }
    }
}

impl Settings {
    /// The settings of a preset.
    ///
    /// # Errors
    /// None for the presets as they are.
    pub fn preset(preset: Preset) -> Result<Self> {
        Self::layered(preset, None, &[] as &[&str])
    }

    /// A preset, over it a file, over both `KEY=VALUE` settings.
    ///
    /// # Errors
    /// [`Error::Usage`] for an unknown key, with the nearest known one, or a value of the wrong type or out of range;
    /// [`Error::Input`] where a value in the file is of the wrong type.
    pub fn layered<T: AsRef<str>>(
        preset: Preset,
        file: Option<&SettingsFile>,
        sets: &[T],
    ) -> Result<Self> {
        let mut table: Table = format!("{}{RUN}", preset.text()).parse().map_err(|e| {
            Error::usage(format!("preset {preset}: {e}"), "please report this defect")
        })?;
        if let Some(file) = file {
            let source = file.path.display().to_string();
            overlay(&mut table, file.table.clone(), &source)?;
        }
        name_preset(&mut table, preset);
        if let Some(file) = file {
            // A value of the wrong type is the file's so far; its range counts once all layers are there.
            Settings::typed(table.clone()).map_err(|e| file.input(e))?;
        }
        overlay_sets(&mut table, sets)?;
        name_preset(&mut table, preset);
        Self::from_table(table)
    }

    /// The keys that are open, or depend on the dataset, in the order of the sections.
    ///
    /// # Errors
    /// As [`Sections::to_toml`].
    pub fn open_keys(&self) -> Result<Vec<String>> {
        let table = self.table()?;
        let open = flat(&table).filter(|(_, value)| is_open(value));
        Ok(open.map(|(key, _)| key).collect())
    }

    /// These settings as resolved ones, where nothing is open: [`crate::train::resolve`] fills in what is.
    ///
    /// # Errors
    /// [`Error::Setting`] with the first open key.
    pub fn complete(&self) -> Result<ResolvedSettings> {
        if let Some(key) = self.open_keys()?.first() {
            return Err(still_open(key));
        }
        Sections::from_table(self.table()?)
    }
}

fn name_preset(table: &mut Table, preset: Preset) {
    if let Some(Value::Table(run)) = table.get_mut("run") {
        run.insert("preset".into(), Value::String(preset.name().into()));
    }
}

impl Model<Written> {
    /// The section as resolved, where nothing in it is open.
    ///
    /// # Errors
    /// [`Error::Setting`] with the first open key.
    pub fn complete(&self) -> Result<Model> {
        complete_section("model", self)
    }
}

impl Data<Written> {
    /// The section as resolved, where nothing in it is open.
    ///
    /// # Errors
    /// [`Error::Setting`] with the first open key.
    pub fn complete(&self) -> Result<Data> {
        complete_section("data", self)
    }
}

fn complete_section<W: Serialize, R: DeserializeOwned>(name: &str, section: &W) -> Result<R> {
    let table = Table::try_from(section).map_err(unwritable)?;
    if let Some((key, _)) = table.iter().find(|(_, value)| is_open(value)) {
        return Err(still_open(&format!("{name}.{key}")));
    }
    let wrong = |e: toml::de::Error| Error::usage(e.message(), "check the type");
    Value::Table(table).try_into().map_err(wrong)
}

fn still_open(key: &str) -> Error {
    let what = format!("{key} is open, and there are no training clips to derive it from");
    Error::setting(what, format!("set {key} to a value")).about_key(key)
}

/// Whether a value is open, or depends on the dataset.
fn is_open(value: &Value) -> bool {
    match value {
        Value::String(text) => text == AUTO,
        Value::Array(elements) => elements.iter().any(is_open),
        Value::Table(_) => true,
        _ => false,
    }
}
