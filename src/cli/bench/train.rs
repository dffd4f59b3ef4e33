//! `sinew bench train`

use crate::bench::train::{SkippedVariant, SyntheticData, VariantResult, measure};
use crate::cli::progress::Progress;
use crate::cli::{say, say_json, tell};
use crate::device::{Choice, open};
use crate::error::Result;
use crate::settings::{Auto, Preset, Settings};
use crate::text::counted;
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
    preset: Preset,
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
fn variants(args: &Args) -> Result<Vec<Settings>> {
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
            all.push(Settings::layered(args.preset, None, &sets)?);
        }
    }
    Ok(all)
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let variants = variants(args)?;
    let compute = open(args.device)?;
    let progress = Progress::new("bench", 0);
    progress.line(&compute.describe());
    // If the batch size is `auto`, the minimum number of clips suffices for any value that it resolves to.
    let rows = |settings: &Settings| match settings.train.batch {
        Auto::Value(batch) => batch * settings.train.accumulate,
        _ => 1,
    };
    let data = SyntheticData::generate(variants.iter().map(rows).max().unwrap_or(1))?;
    let resolved = variants
        .iter()
        .map(|settings| data.resolve(settings, &compute, &mut |note| progress.line(&note)));
    let resolved = resolved.collect::<Result<Vec<_>>>()?;
    drop(progress);
    let time = args.seconds.map(|s| Duration::from_secs(s.into()));
    let how = (args.steps as usize, time);
    let table = measure(&compute, &data, &resolved, how, &mut |row| {
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
