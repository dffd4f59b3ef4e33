//! The two stages of the settings: as written, where a value may be left open, and as resolved, where none is.

use super::Dataset;
use serde::de::{DeserializeOwned, Error as _};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt::Debug;
use toml::{Table, Value};

/// The word that leaves a setting open, in files and for `--set`.
pub const AUTO: &str = "auto";

/// The key of a table of values by dataset that holds the value for all other datasets.
const OTHER: &str = "other";

/// What a setting can hold.
pub trait SettingValue: Debug + Clone + PartialEq + Serialize + DeserializeOwned {}

impl<T: Debug + Clone + PartialEq + Serialize + DeserializeOwned> SettingValue for T {}

/// Whether settings are as written or as resolved. The sections are generic over it, so that each setting is declared
/// once for both.
pub trait Stage: Debug + Clone + PartialEq {
    /// The type of a setting that can be left open while the settings are as written.
    type Open<T: SettingValue>: SettingValue;

    /// What a message about the range of such a setting begins with.
    const OR_OPEN: &str;

    /// Every value that such a setting may take, for range checks; none where it is open.
    fn values<T: SettingValue>(open: &Self::Open<T>) -> Vec<T>;

    /// Brings a table of settings into the form that is read: short forms are expanded, and what an earlier version wrote
    /// gets today's form.
    fn normalise(table: &mut Table);
}

/// Settings as written: in presets, in files and on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written;

/// Settings as resolved: in a run's `config.toml`, in checkpoints and exported weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolved;

impl Stage for Written {
    type Open<T: SettingValue> = Auto<T>;
    const OR_OPEN: &str = "auto or ";

    fn values<T: SettingValue>(open: &Auto<T>) -> Vec<T> {
        match open {
            Auto::Auto => Vec::new(),
            Auto::Value(value) => vec![value.clone()],
            Auto::ByDataset(by) => by.datasets.values().chain(&by.other).cloned().collect(),
        }
    }

    fn normalise(table: &mut Table) {
        super::earlier::open_sentinels(table);
        // "auto" for all three factors.
        let scale = table.get_mut("data").and_then(|data| data.get_mut("scale"));
        if let Some(scale) = scale.filter(|scale| scale.as_str() == Some(AUTO)) {
            *scale = vec![AUTO; 3].into();
        }
    }
}

impl Stage for Resolved {
    type Open<T: SettingValue> = T;
    const OR_OPEN: &str = "";

    fn values<T: SettingValue>(open: &T) -> Vec<T> {
        vec![open.clone()]
    }

    fn normalise(table: &mut Table) {
        super::earlier::add_missing_keys(table);
    }
}

/// A setting that may be left open. It is written as `"auto"`, as the value itself, or as a table of values by dataset,
/// such as `{ sbu = 256, other = 512 }`.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Auto<T> {
    /// Open: it follows from the training clips or the device when a run starts.
    #[default]
    Auto,
    /// A value.
    Value(T),
    /// A value for each dataset.
    ByDataset(ByDataset<T>),
}

/// Values of one setting for different datasets.
#[derive(Debug, Clone, PartialEq)]
pub struct ByDataset<T> {
    /// The values for named datasets.
    pub datasets: BTreeMap<Dataset, T>,
    /// The value for all others; none leaves it open for them.
    pub other: Option<T>,
}

impl<T: Clone> Auto<T> {
    /// The value for a dataset; none where the setting is open for it.
    pub fn on(&self, dataset: Dataset) -> Option<T> {
        match self {
            Auto::Auto => None,
            Auto::Value(value) => Some(value.clone()),
            Auto::ByDataset(by) => by.datasets.get(&dataset).or(by.other.as_ref()).cloned(),
        }
    }

    /// Whether the setting is open, whatever the dataset.
    pub fn is_auto(&self) -> bool {
        matches!(self, Auto::Auto)
    }
}

impl<T> From<T> for Auto<T> {
    fn from(value: T) -> Self {
        Auto::Value(value)
    }
}

impl<T: Serialize> Serialize for Auto<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Auto::Auto => serializer.serialize_str(AUTO),
            Auto::Value(value) => value.serialize(serializer),
            Auto::ByDataset(ByDataset { datasets, other }) => {
                let mut map = serializer.serialize_map(None)?;
                for (dataset, value) in datasets {
                    map.serialize_entry(dataset.name(), value)?;
                }
                if let Some(value) = other {
                    map.serialize_entry(OTHER, value)?;
                }
                map.end()
            }
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Auto<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |value: Value| T::deserialize(value).map_err(|e| D::Error::custom(e.message()));
        let read_or_auto = |value: Value| {
            T::deserialize(value).map_err(|e| match e.message() {
                message if message.contains("expected") => {
                    D::Error::custom(format_args!("{message}, or `{AUTO}`"))
                }
                message => D::Error::custom(message),
            })
        };
        match Value::deserialize(deserializer)? {
            Value::String(text) if text == AUTO => Ok(Auto::Auto),
            Value::Table(table) => {
                let (mut datasets, mut other) = (BTreeMap::new(), None);
                for (key, value) in table {
                    // "auto" for the others is what a table without them says.
                    if key != OTHER {
                        let dataset: Dataset = key.parse().map_err(D::Error::custom)?;
                        datasets.insert(dataset, read(value)?);
                    } else if value.as_str() != Some(AUTO) {
                        other = Some(read_or_auto(value)?);
                    }
                }
                Ok(Auto::ByDataset(ByDataset { datasets, other }))
            }
            value => read_or_auto(value).map(Auto::Value),
        }
    }
}
