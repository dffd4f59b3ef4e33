//! Settings as TOML tables: how they are read, written, compared and overlaid.

use super::{Augment, Data, Model, RunSettings, Schedule, Sections, Stage, Train, check_ranges};
use crate::error::{Error, Place, Result};
use crate::text::edit_distance;
use serde::Deserialize;
use std::path::Path;
use toml::{Table, Value};

/// The sections as serde reads them; [`Sections`] are read from a table that is in today's form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
struct Fields<S: Stage> {
    run: RunSettings<S>,
    model: Model<S>,
    data: Data<S>,
    augment: Augment,
    train: Train<S>,
    schedule: Schedule,
}

impl<S: Stage> TryFrom<Table> for Sections<S> {
    type Error = String;

    fn try_from(mut table: Table) -> std::result::Result<Self, String> {
        S::normalise(&mut table);
        let fields: Fields<S> = Value::Table(table).try_into().map_err(|e| one_line(&e))?;
        Ok(Sections {
            run: fields.run,
            model: fields.model,
            data: fields.data,
            augment: fields.augment,
            train: fields.train,
            schedule: fields.schedule,
        })
    }
}

impl<S: Stage> Sections<S> {
    /// The settings in a table, their ranges checked.
    pub(super) fn from_table(table: Table) -> Result<Self> {
        let settings = Self::typed(table)?;
        check_ranges(&settings)?;
        Ok(settings)
    }

    /// The settings in a table, whatever their ranges.
    pub(super) fn typed(table: Table) -> Result<Self> {
        Self::try_from(table).map_err(|message| {
            Error::usage(
                format!("a setting has the wrong value: {}", in_words(message)),
                "correct the value; `sinew train --help` lists all settings",
            )
        })
    }

    /// The settings of a text that [`Sections::to_toml`] wrote.
    ///
    /// # Errors
    /// [`Error::Usage`] for another text.
    pub fn from_toml(text: &str) -> Result<Self> {
        let table = text.parse::<Table>().map_err(|e| {
            Error::usage(
                format!("the settings cannot be read: {}", e.message()),
                "write them as TOML: [section] and key = value",
            )
        })?;
        Self::from_table(table)
    }

    /// The settings as TOML.
    ///
    /// # Errors
    /// [`Error::Usage`] where a value cannot be written as TOML, such as a seed above 2⁶³.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(unwritable)
    }

    pub(super) fn table(&self) -> Result<Table> {
        Table::try_from(self).map_err(unwritable)
    }

    /// The same settings with `KEY=VALUE` settings put over them.
    ///
    /// # Errors
    /// [`Error::Usage`] for an unknown key, with the nearest known one, or a value of the wrong type or out of range.
    pub fn with<T: AsRef<str>>(&self, sets: &[T]) -> Result<Self> {
        let mut table = self.table()?;
        overlay_sets(&mut table, sets)?;
        Self::from_table(table)
    }

    /// The value of a setting, as `--set` takes it.
    ///
    /// # Errors
    /// As [`Sections::to_toml`]; [`Error::Usage`] for an unknown key.
    pub fn value(&self, key: &str) -> Result<String> {
        let table = self.table()?;
        let found = flat(&table).find(|(known, _)| known == key);
        let text = found.map(|(_, value)| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        text.ok_or_else(|| unknown(&table, key, "settings"))
    }

    /// Refuses an unknown key; `source` is where it was given, for the message.
    ///
    /// # Errors
    /// [`Error::Usage`] with the nearest known key.
    pub fn check_key(&self, key: &str, source: &str) -> Result<()> {
        let table = self.table()?;
        match flat(&table).any(|(known, _)| known == key) {
            true => Ok(()),
            false => Err(unknown(&table, key, source)),
        }
    }
}

pub(super) fn unwritable(error: toml::ser::Error) -> Error {
    Error::usage(
        format!("the settings cannot be written: {error}"),
        "choose a smaller number",
    )
}

/// The table of a TOML text that came from `path`.
pub(super) fn table_of(text: &str, path: &Path) -> Result<Table> {
    text.parse::<Table>().map_err(|e| {
        let start = e.span().map_or(0, |span| span.start).min(text.len());
        let before = &text.as_bytes()[..start];
        let line = before.iter().filter(|b| **b == b'\n').count() + 1;
        let help = "write it as TOML: [section] and key = value";
        Error::input(Place::file(path).line(line), e.message(), help)
    })
}

/// Every `section.key` of a table with its value.
pub(super) fn flat(table: &Table) -> impl Iterator<Item = (String, &Value)> {
    table.iter().flat_map(|(section, value)| {
        value
            .as_table()
            .into_iter()
            .flatten()
            .map(move |(key, value)| (format!("{section}.{key}"), value))
    })
}

/// Puts the settings of one table over those of another; `source` is where they were given, for messages.
pub(super) fn overlay(base: &mut Table, over: Table, source: &str) -> Result<()> {
    for (section, value) in over {
        let Value::Table(inner) = value else {
            return Err(unknown(base, &section, source));
        };
        for (key, value) in inner {
            let name = format!("{section}.{key}");
            let known = base.get_mut(&section).and_then(Value::as_table_mut);
            match known.and_then(|table| table.get_mut(&key)) {
                Some(slot) => *slot = text_if_task(&name, value),
                None => return Err(unknown(base, &name, source)),
            }
        }
    }
    Ok(())
}

/// Puts `KEY=VALUE` settings over a table.
pub(super) fn overlay_sets<T: AsRef<str>>(table: &mut Table, sets: &[T]) -> Result<()> {
    for set in sets {
        let set = set.as_ref();
        let (key, value) = set.split_once('=').ok_or_else(|| {
            Error::usage(
                format!("--set {set:?} has no value"),
                "write it as KEY=VALUE",
            )
        })?;
        let value = value_of(value.trim());
        let one = match key.trim().split_once('.') {
            Some((section, field)) => {
                let inner = Table::from_iter([(field.to_string(), value)]);
                Table::from_iter([(section.to_string(), Value::Table(inner))])
            }
            None => Table::from_iter([(key.trim().to_string(), value)]),
        };
        overlay(table, one, "--set")?;
    }
    Ok(())
}

/// A setting's value: TOML where it reads as TOML, else the text itself.
fn value_of(text: &str) -> Value {
    let table = format!("x = {text}").parse::<Table>();
    let value = table.ok().and_then(|mut table| table.remove("x"));
    value.unwrap_or_else(|| Value::String(text.to_string()))
}

/// A task's name may look like a number: `run.task=2024`.
fn text_if_task(key: &str, value: Value) -> Value {
    match value {
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) if key == "run.task" => {
            Value::String(value.to_string())
        }
        value => value,
    }
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

/// A message without Rust's names of types.
fn in_words(message: String) -> String {
    let words = [
        ("expected usize", "expected a whole number"),
        ("expected u64", "expected a whole number"),
        ("expected f32", "expected a number"),
        ("expected f64", "expected a number"),
        ("unknown variant", "unknown value"),
    ];
    words
        .iter()
        .fold(message, |message, (from, to)| message.replace(from, to))
}

fn unknown(base: &Table, key: &str, source: &str) -> Error {
    let nearest = flat(base)
        .map(|(known, _)| known)
        .min_by_key(|known| edit_distance(key, known));
    Error::usage(
        format!("{source}: there is no setting {key:?}"),
        format!("the nearest is {}", nearest.unwrap_or_default()),
    )
    .about_key(key)
}
