//! `sinew bench train`

use crate::bench::train::{Data, LeftOut, Row, measure};
use crate::cli::progress::Progress;
use crate::cli::{say, say_json, tell};
use crate::device::{Choice, open};
use crate::error::Result;
use crate::settings::{Auto, Preset, Settings};
use std::time::Duration;

/// Times the whole training step on made clips: loader, forward, backward, update. Each variant of the model (hierarchical
/// or stacked, traversal or chain) that the settings leave open.
///
/// Example: sinew bench train --device gpu
///
/// Example: sinew bench train --batch 32 --steps 5 --set model.temporal=stacked --set model.spatial=chain
#[derive(clap::Args)]
pub struct Args {
    /// Settings to start from: sinew, paper or reference
    #[arg(long, default_value = "reference")]
    preset: Preset,
    /// One setting over those; can be given several times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Clips of a step [default: the preset's]
    #[arg(long)]
    batch: Option<usize>,
    /// Timed steps a variant, after those that warm up
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    steps: u32,
    /// Seconds for all of it; a variant that does not fit in is left out
    #[arg(long)]
    seconds: Option<u32>,
    /// auto, gpu, cpu, or a number that `sinew devices` lists
    #[arg(long, default_value = "auto")]
    device: Choice,
    /// Print one JSON value
    #[arg(long)]
    json: bool,
}

/// The settings of each variant; a stream that is set by name has that variant alone.
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
    // Where the batch is open, the fewest clips are enough for what it becomes.
    let rows = |settings: &Settings| match settings.train.batch {
        Auto::Value(batch) => batch * settings.train.accumulate,
        _ => 1,
    };
    let data = Data::made(variants.iter().map(rows).max().unwrap_or(1))?;
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

fn line(row: std::result::Result<&Row, &LeftOut>) -> String {
    match row {
        Err(left) => format!("  {:23} left out: {}", left.variant, left.reason),
        Ok(row) => format!(
            "  {:23} {} {}  batch {}: {:8.1} clips/s [{:.1}, {:.1}]  step {:9.2} ms [{:.2}, {:.2}], {} steps  waited {:.1} % \
             for data  {:.1} GFLOP/s{}",
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
            row.steps,
            row.data_wait * 100.0,
            row.gflops,
            row.notes
                .iter()
                .map(|note| format!("\n    {note}"))
                .collect::<String>(),
        ),
    }
}
