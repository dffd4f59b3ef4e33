//! The options with which a new run gets its settings.

use crate::device::Choice;
use crate::error::{Error, Result};
use crate::settings::{Preset, Protocol, Settings, SettingsFile, Threads};
use crate::train::{path_text, plans};
use std::path::{Path, PathBuf};

/// How to train.
#[derive(clap::Args, Default)]
pub struct SettingsArgs {
    /// sinew, paper or reference [default: the preset named in --config, otherwise sinew]
    #[arg(long)]
    pub preset: Option<Preset>,
    /// TOML file of settings that override the preset; in a run's config.toml, data, protocol and device are ignored
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Override one setting; can be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Number of epochs (train.epochs)
    #[arg(long)]
    pub epochs: Option<usize>,
    /// auto, gpu, cpu, or an index from `sinew devices`
    #[arg(long)]
    pub device: Option<Choice>,
    /// Kernel plan: resident, stepwise or stepwise-units, or one of their tiles, such as resident-16 [default: chosen by
    /// benchmark]
    #[arg(long)]
    pub plan: Option<String>,
    /// Random seed of weights, sample order, augmentation and dropout (run.seed)
    #[arg(long)]
    pub seed: Option<u64>,
    /// Loader threads (run.threads), or auto for all cores
    #[arg(long)]
    pub threads: Option<Threads>,
}

/// Settings that `--set` does not take, and what to use instead.
const NOT_FOR_SET: [(&str, &str); 5] = [
    ("run.data", "pass the data as the first argument"),
    ("run.device", "use --device"),
    ("run.preset", "use --preset"),
    ("run.checksum", "it is computed from the data"),
    ("run.protocol", "pass the protocol as described in --help"),
];

impl SettingsArgs {
    /// All single settings as `KEY=VALUE`, those of the data and the protocol too.
    ///
    /// # Errors
    /// [`Error::Usage`] for a key that has an option of its own, or a value that cannot be used.
    pub fn sets(&self, data: Option<&Path>, protocol: Option<&str>) -> Result<Vec<String>> {
        for (key, help) in NOT_FOR_SET {
            let names = |set: &String| set.split('=').next().is_some_and(|k| k.trim() == key);
            if self.set.iter().any(names) {
                return Err(Error::usage(
                    format!("{key} cannot be set with --set"),
                    help,
                ));
            }
        }
        let mut sets = self.set.clone();
        let text = |value: &str| toml::Value::from(value);
        if let Some(epochs) = self.epochs {
            if epochs == 0 {
                return Err(Error::usage(
                    "--epochs must be at least 1",
                    "leave it out to use the value in the settings",
                ));
            }
            sets.push(format!("train.epochs={epochs}"));
        }
        if let Some(seed) = self.seed {
            sets.push(format!("run.seed={seed}"));
        }
        if let Some(threads) = self.threads {
            sets.push(format!("run.threads={}", threads.number()));
        }
        if let Some(data) = data {
            let whole = std::path::absolute(data).map_err(|e| Error::io(data, "find", e))?;
            sets.push(format!("run.data={}", text(&path_text(&whole)?)));
        }
        if let Some(protocol) = protocol {
            sets.push(format!("run.protocol={}", text(protocol)));
        }
        if let Some(plan) = &self.plan {
            let known = plans::parse(plan)?.to_string();
            sets.push(format!("run.plan={}", text(&known)));
        }
        Ok(sets)
    }

    /// The settings of a new run as written: preset, file and single settings.
    ///
    /// # Errors
    /// As [`Settings::layered`] and [`SettingsArgs::sets`].
    pub fn layered(&self, protocol: Option<Protocol>) -> Result<Settings> {
        let sets = self.sets(None, None)?;
        let file = self.config.as_deref().map(SettingsFile::read).transpose()?;
        let named = file
            .as_ref()
            .map(SettingsFile::preset)
            .transpose()?
            .flatten();
        let preset = match (self.preset, named) {
            (Some(given), Some(named)) if given != named => {
                let what =
                    format!("--config is based on the preset {named}, and --preset is {given}");
                return Err(Error::usage(what, "leave --preset out"));
            }
            (given, named) => given.or(named).unwrap_or_default(),
        };
        let mut settings = Settings::layered(preset, file.as_ref(), &sets)?;
        if let Some(protocol) = protocol {
            settings.run.protocol = protocol.into();
        }
        Ok(settings)
    }
}
