//! Settings as resolved: those of a run's `config.toml`, of checkpoints and of exported weights.

use super::table::{flat, table_of};
use super::{ResolvedSettings, Settings};
use crate::error::{Error, Place, Result};
use crate::files;
use std::path::Path;
use toml::Value;

/// Settings that decide the shapes of a model's parameters or the meaning of its inputs: weights that were trained with
/// one value do not fit another.
pub const SHAPE_KEYS: [&str; 12] = [
    "model.temporal",
    "model.spatial",
    "model.chain_joints",
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

/// A setting that two runs do not share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The setting.
    pub key: String,
    /// Its value in the first settings, as TOML.
    pub first: String,
    /// Its value in the second settings, as TOML.
    pub second: String,
}

impl Difference {
    /// The difference between a run's settings, the first ones, and those that were given.
    #[must_use]
    pub fn clause(&self) -> String {
        let Difference { key, first, second } = self;
        format!("{key} is {first} and would be {second}")
    }
}

impl ResolvedSettings {
    /// The settings of a `config.toml`, from its bytes.
    ///
    /// # Errors
    /// [`Error::Input`], at the line of `path` where there is one, for bytes that are no such file.
    pub fn from_config(bytes: &[u8], path: &Path) -> Result<Self> {
        let text = files::utf8(bytes.to_vec(), path)?;
        Self::from_table(table_of(&text, path)?).map_err(|e| match e {
            Error::Usage { what, .. } => {
                let help =
                    "it was changed by hand, or another version wrote it: mend it, or train anew";
                Error::input(Place::file(path), what, help)
            }
            other => other,
        })
    }

    /// The same settings as written, with nothing left open.
    ///
    /// # Errors
    /// As [`super::Sections::to_toml`].
    pub fn written(&self) -> Result<Settings> {
        Settings::from_table(self.table()?)
    }

    /// Every setting whose value differs and changes the run. The number of loader threads does not, nor does another place
    /// of the same data.
    ///
    /// # Errors
    /// As [`super::Sections::to_toml`].
    pub fn differences(&self, other: &ResolvedSettings) -> Result<Vec<Difference>> {
        let same_data = self.run.checksum == other.run.checksum;
        let no_matter = |key: &str| key == "run.threads" || (key == "run.data" && same_data);
        let (mine, theirs) = (self.table()?, other.table()?);
        let mut found = Vec::new();
        for (key, value) in flat(&mine) {
            let there = flat(&theirs).find(|(k, _)| *k == key).map(|(_, v)| v);
            if there != Some(value) && !no_matter(&key) {
                found.push(Difference {
                    key,
                    first: value.to_string(),
                    second: there.map_or("nothing".into(), Value::to_string),
                });
            }
        }
        Ok(found)
    }
}
