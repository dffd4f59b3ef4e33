//! `sinew bench check`

use crate::bench::check::{CheckResult, Effort, check};
use crate::cli::{say, say_json, tell};
use crate::device::{Choice, open};
use crate::error::{Error, Result};
use crate::text::counted;
use serde::Serialize;
use std::time::{SystemTime, UNIX_EPOCH};

/// Checks every kernel against its plain CPU version, and the layer's gradients against the CPU engine. Exits 1 if a check
/// fails.
///
/// Example: sinew bench check --device gpu
#[derive(clap::Args)]
pub struct Args {
    /// Random shapes per combination of layer options
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    shapes: u32,
    /// Random seed of shapes and values [default: from the clock]
    #[arg(long)]
    seed: Option<u64>,
    /// auto, gpu, cpu, or an index from `sinew devices`
    #[arg(long, default_value = "auto")]
    device: Choice,
    /// Print one JSON value
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct CheckResults {
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
        share: [0, 1],
    };
    let rows = check(&compute, effort, &mut |line| {
        if args.json {
            return Ok(());
        }
        let error = line
            .error
            .map_or("no result".into(), |e| format!("{e:.1e}"));
        let verdict = if line.ok { "ok" } else { "FAILED" };
        say(format!(
            "  {:28} vs. {:10}  {}, options {:23}  error {error} {verdict}",
            line.what,
            line.against,
            counted(line.shapes, "shape"),
            line.options,
        ))
    })?;
    let wrong: Vec<&CheckResult> = rows.iter().filter(|line| !line.ok).collect();
    let failure = wrong.first().map(|line| {
        let what = format!(
            "{} of {} failed on {}, the first: {} in {}",
            wrong.len(),
            counted(rows.len(), "check"),
            compute.name(),
            line.what,
            line.case
        );
        Error::failed(
            what,
            format!("report it with --seed {seed} and the driver version"),
        )
    });
    if args.json {
        say_json(&CheckResults {
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
            "all {} checks passed; largest relative error {:.1e}; seed {seed}",
            rows.len(),
            rows.iter()
                .filter_map(|line| line.error)
                .fold(0.0, f64::max)
        ))?;
    }
    failure.map_or(Ok(()), Err)
}
