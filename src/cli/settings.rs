//! The settings that a new run is given on the command line.

use crate::device::Choice;
use crate::error::{Error, Result};
use crate::recipe::{self, Recipe};
use crate::train::{plans, text_of};
use std::path::{Path, PathBuf};

/// How to train.
#[derive(clap::Args, Default)]
pub struct Settings {
    /// sinew, paper or reference; unless said that of --config, else sinew
    #[arg(long)]
    pub preset: Option<String>,
    /// Settings in TOML, put over the preset; a run's config.toml too, whose data, protocol and device are not taken
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// One setting, put over all others
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Passes over the training clips (train.epochs)
    #[arg(long)]
    pub epochs: Option<usize>,
    /// auto, gpu, cpu, or a number that `sinew devices` lists
    #[arg(long)]
    pub device: Option<Choice>,
    /// resident, stepwise or stepwise-units, or one of their tiles, as resident-16: how the kernels walk over the steps;
    /// measured unless said
    #[arg(long)]
    pub plan: Option<String>,
    /// Seed of weights, order, augmentation and dropout (run.seed)
    #[arg(long)]
    pub seed: Option<u64>,
    /// Loader threads (run.threads); 0 takes all cores
    #[arg(long)]
    pub threads: Option<usize>,
}

impl Settings {
    /// All single settings as `KEY=VALUE`, those of the data and the protocol too.
    ///
    /// # Errors
    /// [`Error::Usage`] for a key that has an option of its own, or a value that means nothing.
    pub fn sets(&self, data: Option<&Path>, protocol: Option<&str>) -> Result<Vec<String>> {
        const OTHERWISE: [(&str, &str); 5] = [
            ("run.data", "name the data as the first argument"),
            ("run.device", "use --device"),
            ("run.preset", "use --preset"),
            ("run.checksum", "it follows from the data"),
            (
                "run.protocol",
                "the command line says it in a place of its own",
            ),
        ];
        for (key, help) in OTHERWISE {
            let said = |set: &String| set.split('=').next().is_some_and(|k| k.trim() == key);
            if self.set.iter().any(said) {
                return Err(Error::usage(format!("{key} is not for --set"), help));
            }
        }
        let mut sets = self.set.clone();
        let text = |value: &str| toml::Value::from(value);
        if let Some(epochs) = self.epochs {
            if epochs == 0 {
                return Err(Error::usage("--epochs 0 trains nothing", "give at least 1"));
            }
            sets.push(format!("train.epochs={epochs}"));
        }
        if let Some(seed) = self.seed {
            sets.push(format!("run.seed={seed}"));
        }
        if let Some(threads) = self.threads {
            sets.push(format!("run.threads={threads}"));
        }
        if let Some(data) = data {
            let whole = std::path::absolute(data).map_err(|e| Error::io(data, "find", e))?;
            sets.push(format!("run.data={}", text(&text_of(&whole)?)));
        }
        if let Some(protocol) = protocol {
            sets.push(format!("run.protocol={}", text(protocol)));
        }
        if let Some(plan) = &self.plan {
            let known = plans::named(plan)?.to_string();
            sets.push(format!("run.plan={}", text(&known)));
        }
        Ok(sets)
    }

    /// The recipe of a new run: preset, file and single settings. Which data it is for, the start fills in.
    ///
    /// # Errors
    /// As [`recipe::resolve`] and [`Settings::sets`].
    pub fn resolve(&self, protocol: &str) -> Result<Recipe> {
        let sets = self.sets(None, Some(protocol))?;
        let file = self.config.as_deref().map(recipe::File::read).transpose()?;
        let named = file.as_ref().and_then(recipe::File::preset);
        let preset = match (self.preset.as_deref(), named) {
            (Some(said), Some(named)) if said != named => {
                let what = format!("--config is for the preset {named}, and --preset is {said}");
                return Err(Error::usage(what, "leave --preset out"));
            }
            (Some(said), _) => said,
            (None, named) => named.unwrap_or(recipe::PRESETS[0]),
        };
        recipe::resolve(preset, file.as_ref(), &sets)
    }
}
