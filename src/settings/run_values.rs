//! Values of the section `run`, and the datasets: preset, protocol, kernel plan, threads.

use crate::error::{Error, Result};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A file of settings that comes with the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// The best settings known on any dataset, chosen using training data only.
    #[default]
    Sinew,
    /// Wang & Wang (CVPR 2017), as printed.
    Paper,
    /// The PyTorch re-implementation that sinew supersedes.
    Reference,
}

impl Preset {
    /// Every preset, the default first.
    pub const ALL: [Preset; 3] = [Preset::Sinew, Preset::Paper, Preset::Reference];

    /// Its name in settings and for `--preset`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Preset::Sinew => "sinew",
            Preset::Paper => "paper",
            Preset::Reference => "reference",
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Preset {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Preset::ALL.into_iter().find(|preset| preset.name() == text);
        found.ok_or_else(|| {
            let names = Preset::ALL.map(Preset::name).join(", ");
            Error::usage(
                format!("there is no preset {text:?}"),
                format!("choose one of {names}"),
            )
        })
    }
}

/// The kinds of datasets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dataset {
    /// NTU RGB+D: `.skeleton` text.
    Ntu,
    /// SBU Kinect Interaction.
    Sbu,
    /// Your own `.npy` arrays.
    Clips,
}

impl Dataset {
    /// Its name on the command line, in manifests and in settings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Dataset::Ntu => "ntu",
            Dataset::Sbu => "sbu",
            Dataset::Clips => "clips",
        }
    }
}

impl fmt::Display for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Dataset {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        [Dataset::Ntu, Dataset::Sbu, Dataset::Clips]
            .into_iter()
            .find(|dataset| dataset.name() == name)
            .ok_or_else(|| {
                Error::setting(
                    format!("the dataset {name:?} is unknown"),
                    "choose ntu, sbu or clips",
                )
            })
    }
}

/// How a dataset is divided into training and test clips: a published division, or the clips' own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// NTU RGB+D, 60 classes, cross-subject: performers.
    Xsub,
    /// NTU RGB+D, 60 classes, cross-view: cameras 2 and 3 train.
    Xview,
    /// NTU RGB+D 120, cross-subject: performers.
    Xsub120,
    /// NTU RGB+D 120, cross-setup: even setups train.
    Xset120,
    /// SBU Kinect Interaction, tested on fold 1 to 5.
    Fold(u8),
    /// The `split` column of a set of clips.
    Split,
}

impl Protocol {
    /// Names of all protocols, for messages.
    pub const NAMES: &'static str = "xsub, xview, xsub120, xset120, fold1 to fold5, split";
}

impl FromStr for Protocol {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Ok(match name {
            "xsub" => Protocol::Xsub,
            "xview" => Protocol::Xview,
            "xsub120" => Protocol::Xsub120,
            "xset120" => Protocol::Xset120,
            "split" => Protocol::Split,
            "fold1" => Protocol::Fold(1),
            "fold2" => Protocol::Fold(2),
            "fold3" => Protocol::Fold(3),
            "fold4" => Protocol::Fold(4),
            "fold5" => Protocol::Fold(5),
            _ => {
                return Err(Error::setting(
                    format!("there is no protocol {name:?}"),
                    format!("choose from {}", Protocol::NAMES),
                ));
            }
        })
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Protocol::Xsub => f.write_str("xsub"),
            Protocol::Xview => f.write_str("xview"),
            Protocol::Xsub120 => f.write_str("xsub120"),
            Protocol::Xset120 => f.write_str("xset120"),
            Protocol::Fold(fold) => write!(f, "fold{fold}"),
            Protocol::Split => f.write_str("split"),
        }
    }
}

impl Serialize for Protocol {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Protocol {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

/// The kernel plan of a run's recurrences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum KernelPlan {
    /// That of the CPU engine: `cpu`.
    Cpu,
    /// A plan's name (`resident-16`), or one for each hidden size (`128=resident-16 512=stepwise-64x32`).
    Gpu(String),
}

impl fmt::Display for KernelPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KernelPlan::Cpu => "cpu",
            KernelPlan::Gpu(text) => text,
        })
    }
}

impl From<String> for KernelPlan {
    fn from(text: String) -> Self {
        match text.as_str() {
            "cpu" => KernelPlan::Cpu,
            _ => KernelPlan::Gpu(text),
        }
    }
}

impl From<KernelPlan> for String {
    fn from(plan: KernelPlan) -> Self {
        plan.to_string()
    }
}

/// How many threads a loader has. Written as a number, 0 being all cores; read from `"auto"` as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Threads {
    /// As many as compute.
    #[default]
    AllCores,
    /// So many.
    Number(usize),
}

impl Threads {
    /// The number; 0 for all cores.
    #[must_use]
    pub fn number(self) -> usize {
        match self {
            Threads::AllCores => 0,
            Threads::Number(number) => number,
        }
    }
}

impl From<usize> for Threads {
    fn from(number: usize) -> Self {
        match number {
            0 => Threads::AllCores,
            number => Threads::Number(number),
        }
    }
}

impl FromStr for Threads {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            super::AUTO => Ok(Threads::AllCores),
            _ => text
                .parse::<usize>()
                .map(Threads::from)
                .map_err(|_| "expected auto or a number".into()),
        }
    }
}

impl Serialize for Threads {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        self.number().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Threads {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        match toml::Value::deserialize(deserializer)? {
            toml::Value::String(text) if text == super::AUTO => Ok(Threads::AllCores),
            value => usize::deserialize(value)
                .map(Threads::from)
                .map_err(|e| D::Error::custom(e.message())),
        }
    }
}
