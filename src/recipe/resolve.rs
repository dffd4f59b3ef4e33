//! From a preset, a file and single settings to one whole recipe.

use super::Recipe;
use super::check::check;
use crate::error::{Error, Place, Result};
use crate::files;
use crate::limits::SETTINGS_BYTES;
use crate::text::edit_distance;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The names that `--preset` takes; the first is the default.
pub const PRESETS: [&str; 3] = ["sinew", "paper", "reference"];

/// Settings that decide the shape of a model's parameters or the meaning of its inputs: weights of one value do not fit
/// another.
pub const SHAPE_KEYS: [&str; 11] = [
    "model.temporal",
    "model.spatial",
    "model.fusion",
    "model.hidden",
    "model.part_hidden",
    "model.bidirectional",
    "model.peephole",
    "data.frames",
    "data.people",
    "data.bones",
    "data.motion",
];

/// What a run is before anything is said about it.
const RUN: &str = r#"
[run]
task = ""
preset = ""
data = ""
checksum = ""
protocol = ""
seed = 0
device = ""
plan = ""
threads = 0
"#;

/// A recipe file, as it was read: once, since it may be a pipe.
pub struct File {
    path: PathBuf,
    table: Table,
}

impl File {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Io`] for one that cannot be read, [`Error::Input`] at the line for one that is not TOML.
    pub fn read(path: &Path) -> Result<Self> {
        let text = files::text_or_pipe(path, SETTINGS_BYTES)?;
        let (path, table) = (path.to_path_buf(), table_of(&text, path)?);
        Ok(File { path, table })
    }

    /// The preset that it says it stands over, as a run's `config.toml` does.
    pub fn preset(&self) -> Option<&str> {
        let named = self.table.get("run")?.get("preset")?.as_str()?;
        (!named.is_empty()).then_some(named)
    }
}

/// A preset, over it the keys of a recipe file, over those the `KEY=VALUE` settings.
///
/// # Errors
/// [`Error::Usage`] for an unknown preset, an unknown key (the nearest one is named) or a value of the wrong kind;
/// [`Error::Input`] where that is the file's.
pub fn resolve(preset: &str, file: Option<&File>, sets: &[String]) -> Result<Recipe> {
    let text = match preset {
        "sinew" => include_str!("../../assets/recipes/sinew.toml"),
        "paper" => include_str!("../../assets/recipes/paper.toml"),
        "reference" => include_str!("../../assets/recipes/reference.toml"),
        _ => {
            let what = format!("there is no preset {preset:?}");
            return Err(Error::usage(
                what,
                format!("choose one of {}", PRESETS.join(", ")),
            ));
        }
    };
    let mut table = parse(&format!("{text}{RUN}")).map_err(|e| {
        Error::usage(
            format!("preset {preset}: {e}"),
            "this is a defect, report it",
        )
    })?;
    if let Some(File { path, table: over }) = file {
        overlay(&mut table, over.clone(), &path.display().to_string())?;
        // A value of the wrong kind is the file's so far.
        typed(table.clone()).map_err(|e| match e {
            Error::Usage { what, help } => Error::input(Place::file(path), what, help),
            other => other,
        })?;
    }
    put_all(&mut table, sets)?;
    put(
        &mut table,
        "run",
        "preset",
        Value::String(preset.to_string()),
    );
    from_table(table)
}

/// Puts `KEY=VALUE` settings over a table.
fn put_all(table: &mut Table, sets: &[String]) -> Result<()> {
    for set in sets {
        let (key, value) = set.split_once('=').ok_or_else(|| {
            Error::usage(
                format!("--set {set:?} has no value"),
                "write it as KEY=VALUE",
            )
        })?;
        let mut one = Table::new();
        let value = value_of(value.trim());
        match key.trim().split_once('.') {
            Some((section, field)) => {
                let inner = Table::from_iter([(field.to_string(), value)]);
                one.insert(section.to_string(), Value::Table(inner));
            }
            None => {
                one.insert(key.trim().to_string(), value);
            }
        }
        overlay(table, one, "--set")?;
    }
    Ok(())
}

/// The recipe of a `config.toml`, which has every key, from its bytes.
///
/// # Errors
/// [`Error::Input`], at the line of `path` where there is one, for bytes that are no such file.
pub fn parse_config(bytes: &[u8], path: &Path) -> Result<Recipe> {
    let text = files::utf8(bytes.to_vec(), path)?;
    from_table(table_of(&text, path)?).map_err(|e| match e {
        Error::Usage { what, .. } => {
            let help =
                "it was changed by hand, or another version wrote it: mend it, or train anew";
            Error::input(Place::file(path), what, help)
        }
        other => other,
    })
}

impl Recipe {
    /// The settings of a text that [`Recipe::to_toml`] wrote.
    ///
    /// # Errors
    /// [`Error::Usage`] for another text.
    pub fn from_toml(text: &str) -> Result<Self> {
        let table = toml::from_str(text).map_err(|e| {
            Error::usage(
                format!("the settings cannot be read: {e}"),
                "give all ranks the same program",
            )
        })?;
        from_table(table)
    }

    /// The text of `config.toml`.
    ///
    /// # Errors
    /// [`Error::Usage`] where a value cannot be written as TOML, such as a seed above 2⁶³.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|e| {
            Error::usage(
                format!("the settings cannot be written: {e}"),
                "choose a smaller number",
            )
        })
    }

    fn table(&self) -> Result<Table> {
        parse(&self.to_toml()?).map_err(|e| Error::usage(e.to_string(), "report this defect"))
    }

    /// The same recipe with `KEY=VALUE` settings put over it.
    ///
    /// # Errors
    /// As [`resolve`].
    pub fn with(&self, sets: &[String]) -> Result<Recipe> {
        let mut table = self.table()?;
        put_all(&mut table, sets)?;
        from_table(table)
    }

    /// The value of a setting, as TOML has it and `--set` takes it.
    ///
    /// # Errors
    /// As [`Recipe::to_toml`]; [`Error::Usage`] for a key that no setting has.
    pub fn value(&self, key: &str) -> Result<String> {
        let table = self.table()?;
        let found = flat(&table).find(|(known, _)| known == key);
        let text = found.map(|(_, value)| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        text.ok_or_else(|| unknown(&table, key, "settings"))
    }

    /// Refuses a key that no setting has.
    ///
    /// # Errors
    /// [`Error::Usage`], with the nearest key.
    pub fn knows(&self, key: &str) -> Result<()> {
        let table = self.table()?;
        match flat(&table).any(|(known, _)| known == key) {
            true => Ok(()),
            false => Err(unknown(&table, key, "--allow")),
        }
    }

    /// Every key whose value differs in `other` and makes another run of it, with a clause that has both values. More
    /// loader threads, and the same data in another place, make no other run.
    ///
    /// # Errors
    /// As [`Recipe::to_toml`].
    pub fn differences(&self, other: &Recipe) -> Result<Vec<(String, String)>> {
        let differing = self.differing(other)?.into_iter();
        let clause = |(key, mine, theirs)| {
            let clause = format!("{key} is {mine} and would be {theirs}");
            (key, clause)
        };
        Ok(differing.map(clause).collect())
    }

    /// As [`Recipe::differences`], with the value here and the value there, both as TOML.
    ///
    /// # Errors
    /// As [`Recipe::to_toml`].
    pub fn differing(&self, other: &Recipe) -> Result<Vec<(String, String, String)>> {
        let same_data = self.run.checksum == other.run.checksum;
        let same_run = |key: &str| key == "run.threads" || (key == "run.data" && same_data);
        let (mine, theirs) = (self.table()?, other.table()?);
        let mut found = Vec::new();
        for (key, value) in flat(&mine) {
            let there = flat(&theirs).find(|(k, _)| *k == key).map(|(_, v)| v);
            if there != Some(value) && !same_run(&key) {
                let there = there.map_or("nothing".into(), Value::to_string);
                found.push((key, value.to_string(), there));
            }
        }
        Ok(found)
    }
}

fn parse(text: &str) -> std::result::Result<Table, toml::de::Error> {
    text.parse::<Table>()
}

/// The table of a TOML text that came from `path`.
fn table_of(text: &str, path: &Path) -> Result<Table> {
    parse(text).map_err(|e| {
        let start = e.span().map_or(0, |span| span.start).min(text.len());
        let before = &text.as_bytes()[..start];
        let line = before.iter().filter(|b| **b == b'\n').count() + 1;
        let help = "write it as TOML: [section] and key = value";
        Error::input(Place::file(path).line(line), e.message(), help)
    })
}

/// A setting's value: TOML where it reads as TOML, else the text itself.
fn value_of(text: &str) -> Value {
    parse(&format!("x = {text}"))
        .ok()
        .and_then(|mut table| table.remove("x"))
        .unwrap_or_else(|| Value::String(text.to_string()))
}

fn put(table: &mut Table, section: &str, key: &str, value: Value) {
    if let Some(Value::Table(inner)) = table.get_mut(section) {
        inner.insert(key.to_string(), value);
    }
}

fn flat(table: &Table) -> impl Iterator<Item = (String, &Value)> {
    table.iter().flat_map(|(section, value)| {
        value
            .as_table()
            .into_iter()
            .flatten()
            .map(move |(key, value)| (format!("{section}.{key}"), value))
    })
}

fn overlay(base: &mut Table, over: Table, source: &str) -> Result<()> {
    for (section, value) in over {
        let Value::Table(inner) = value else {
            return Err(unknown(base, &section, source));
        };
        for (key, value) in inner {
            let name = format!("{section}.{key}");
            let known = base.get_mut(&section).and_then(Value::as_table_mut);
            match known.and_then(|table| table.get_mut(&key)) {
                Some(slot) => *slot = alike(slot, value),
                None => return Err(unknown(base, &name, source)),
            }
        }
    }
    Ok(())
}

/// TOML's message with the key that it is about, in one line.
fn one_line(error: &toml::de::Error) -> String {
    let text = error.to_string();
    text.split('\n')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(", ")
}

/// A whole number where the setting holds a fraction is meant as one: `lr=1`.
fn alike(old: &Value, new: Value) -> Value {
    match (old, new) {
        (Value::Float(_), Value::Integer(n)) => Value::Float(n as f64),
        (Value::String(_), Value::String(text)) => Value::String(text),
        // A name may look like a number: `run.task=2024`.
        (Value::String(_), new @ (Value::Integer(_) | Value::Float(_) | Value::Boolean(_))) => {
            Value::String(new.to_string())
        }
        (_, new) => new,
    }
}

fn unknown(base: &Table, key: &str, source: &str) -> Error {
    let nearest = flat(base)
        .map(|(known, _)| known)
        .min_by_key(|known| edit_distance(key, known));
    Error::usage(
        format!("{source}: there is no setting {key:?}"),
        format!("the nearest is {}", nearest.unwrap_or_default()),
    )
}

fn from_table(table: Table) -> Result<Recipe> {
    let recipe = typed(table)?;
    check(&recipe)?;
    Ok(recipe)
}

fn typed(table: Table) -> Result<Recipe> {
    let read = Value::Table(table).try_into();
    read.map_err(|e: toml::de::Error| {
        let what = format!("a setting has the wrong value: {}", one_line(&e));
        // Rust's names of numbers say little to whoever does not write it.
        let kinds = [
            ("expected usize", "expected a whole number"),
            ("expected u64", "expected a whole number"),
            ("expected f32", "expected a number"),
            ("expected f64", "expected a number"),
        ];
        let what = kinds
            .iter()
            .fold(what, |what, (from, to)| what.replace(from, to));
        Error::usage(
            what,
            "give it a value of its kind; a run's config.toml shows all",
        )
    })
}
