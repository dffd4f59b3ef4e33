//! `sinew bench check`

use crate::bench::check::{CheckResult, Effort, check};
use crate::cli::{say, say_json, tell};
use crate::device::{Choice, open};
use crate::error::{Error, Result};
use serde::Serialize;
use std::time::{SystemTime, UNIX_EPOCH};

/// Holds every kernel against its plain CPU twin, and the layer's gradients against the CPU engine's; exit 1 if one is
/// wrong.
///
/// Example: sinew bench check --device gpu
#[derive(clap::Args)]
pub struct Args {
    /// Shapes for each choice of options
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    shapes: u32,
    /// Seed of sizes and numbers; from the clock unless said
    #[arg(long)]
    seed: Option<u64>,
    /// auto, gpu, cpu, or a number that `sinew devices` lists
    #[arg(long, default_value = "auto")]
    device: Choice,
    /// Print one JSON value
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Table {
    device: String,
    driver: String,
    backend: String,
    dtype: &'static str,
    seed: u64,
    wrong: usize,
    rows: Vec<CheckResult>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let compute = open(args.device)?;
    tell(compute.describe());
    let seed = args.seed.unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.map_or(1, |now| now.as_secs())
    });
    let effort = Effort {
        shapes: args.shapes as usize,
        seed,
    };
    let rows = check(&compute, effort, &mut |line| {
        if args.json {
            return Ok(());
        }
        let error = line
            .error
            .map_or("no result".into(), |e| format!("{e:.1e}"));
        let verdict = if line.ok { "ok" } else { "WRONG" };
        say(format!(
            "  {:28} against the {:10}  {} shapes, options {:23}  error {error} {verdict}",
            line.what, line.against, line.shapes, line.options,
        ))
    })?;
    let wrong: Vec<&CheckResult> = rows.iter().filter(|line| !line.ok).collect();
    let failure = wrong.first().map(|line| {
        let what = format!(
            "{} of {} checks are wrong on {}; the first: {} in {}",
            wrong.len(),
            rows.len(),
            compute.name(),
            line.what,
            line.case
        );
        Error::failed(
            what,
            format!("report it with --seed {seed} and the driver's version"),
        )
    });
    if args.json {
        say_json(&Table {
            device: compute.name().into(),
            driver: compute.driver(),
            backend: compute.backend().into(),
            dtype: "f32",
            seed,
            wrong: wrong.len(),
            rows,
        })?;
    } else if failure.is_none() {
        say(format!(
            "all {} checks are right, the largest relative error {:.1e}; seed {seed}",
            rows.len(),
            rows.iter()
                .filter_map(|line| line.error)
                .fold(0.0, f64::max)
        ))?;
    }
    failure.map_or(Ok(()), Err)
}
