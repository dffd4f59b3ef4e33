//! `sinew bench train`

use crate::bench::train::{SkippedVariant, SyntheticData, VariantResult, measure};
use crate::cli::progress::Progress;
use crate::cli::{say, say_json, tell};
use crate::device::{Choice, open};
use crate::error::Result;
use crate::recipe::{self, Recipe};
use crate::text::counted;
use crate::train::for_device;
use std::time::Duration;

/// Benchmarks the training step on synthetic clips: loading, forward, backward and update. Measures each variant of the model
/// (hierarchical or stacked, traversal or chain) that the settings leave open.
///
/// Example: sinew bench train --device gpu
///
/// Example: sinew bench train --batch 32 --steps 5 --set model.temporal=stacked --set model.spatial=chain
#[derive(clap::Args)]
pub struct Args {
    /// Preset: sinew, paper or reference
    #[arg(long, default_value = "reference")]
    preset: String,
    /// Override one setting; can be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Clips per step [default: from the preset]
    #[arg(long)]
    batch: Option<usize>,
    /// Timed steps per variant, after warm-up
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    steps: u32,
    /// Total time limit in seconds; variants that do not fit are skipped
    #[arg(long)]
    seconds: Option<u32>,
    /// auto, gpu, cpu, or an index from `sinew devices`
    #[arg(long, default_value = "auto")]
    device: Choice,
    /// Print one JSON value
    #[arg(long)]
    json: bool,
}

/// The settings of each variant. A stream that is set with --set has only that variant.
fn recipes(args: &Args) -> Result<Vec<Recipe>> {
    let open = |key: &str, values: [&str; 2]| -> Vec<String> {
        let key = format!("{key}=");
        if args.sets.iter().any(|set| set.trim().starts_with(&key)) {
            return Vec::new();
        }
        values.iter().map(|value| format!("{key}{value}")).collect()
    };
    let each = |values: Vec<String>| -> Vec<Vec<String>> {
        if values.is_empty() {
            return vec![Vec::new()];
        }
        values.into_iter().map(|value| vec![value]).collect()
    };
    let temporal = each(open("model.temporal", ["hierarchical", "stacked"]));
    let spatial = each(open("model.spatial", ["traversal", "chain"]));
    let batch: Vec<String> = args
        .batch
        .iter()
        .map(|b| format!("train.batch={b}"))
        .collect();
    let mut all = Vec::new();
    for temporal in &temporal {
        for spatial in &spatial {
            let sets = [&batch, &args.sets, temporal, spatial]
                .map(|sets| &sets[..])
                .concat();
            all.push(recipe::resolve(&args.preset, None, &sets)?);
        }
    }
    Ok(all)
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let recipes = recipes(args)?;
    let compute = open(args.device)?;
    let progress = Progress::new("bench", 0);
    progress.line(&compute.describe());
    let rows = |recipe: &Recipe| recipe.train.batch * recipe.train.accumulate;
    let data = SyntheticData::generate(recipes.iter().map(rows).max().unwrap_or(1))?;
    let mut settled = Vec::new();
    for recipe in &recipes {
        let mut recipe = data.settle(recipe)?;
        for_device(&mut recipe, data.manifest(), &compute, &mut |note| {
            progress.line(&note)
        })?;
        settled.push(recipe);
    }
    drop(progress);
    let time = args.seconds.map(|s| Duration::from_secs(s.into()));
    let how = (args.steps as usize, time);
    let table = measure(&compute, &data, &settled, how, &mut |row| {
        let line = line(row);
        if args.json {
            tell(line);
            Ok(())
        } else {
            say(line)
        }
    })?;
    if args.json {
        return say_json(&table);
    }
    Ok(())
}

fn line(row: std::result::Result<&VariantResult, &SkippedVariant>) -> String {
    match row {
        Err(left) => format!("  {:23} skipped: {}", left.variant, left.reason),
        Ok(row) => format!(
            "  {:23} {} {}  batch {}: {:8.1} clips/s [{:.1}, {:.1}]  step {:9.2} ms [{:.2}, {:.2}], {}  data wait {:.1} %  \
             {:.1} GFLOP/s{}",
            row.variant,
            row.plan,
            row.dtype,
            row.batch,
            row.clips_per_s,
            row.clips_per_s_spread[0],
            row.clips_per_s_spread[1],
            row.step_ms,
            row.step_spread[0],
            row.step_spread[1],
            counted(row.steps, "step"),
            row.data_wait * 100.0,
            row.gflops,
            row.notes
                .iter()
                .map(|note| format!("\n    {note}"))
                .collect::<String>(),
        ),
    }
}
