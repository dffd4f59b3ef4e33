//! `sinew bench loader`

use crate::bench::loader::{LoaderBench, measure};
use crate::cli::{say, say_json};
use crate::error::Result;
use crate::text::counted;
use std::path::PathBuf;
use std::time::Duration;

/// Benchmarks the loader with the sampling of the preset `reference` and all augmentations, alone and with a simulated device.
///
/// Example: sinew bench loader ntu60 --batch 512 --step-ms 25
#[derive(clap::Args)]
pub struct Args {
    /// Prepared data [default: synthetic data]
    data: Option<PathBuf>,
    /// Batch size
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=65536))]
    batch: u32,
    /// Time per batch of the simulated device, in milliseconds
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u64).range(1..=60000))]
    step_ms: u64,
    /// Duration of each of the three measurements, in seconds
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// Number of threads; 0 uses all cores
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Print one JSON value
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let table = measure(&LoaderBench {
        data: args.data.clone(),
        batch: args.batch as usize,
        step: Duration::from_millis(args.step_ms),
        time: Duration::from_secs(args.seconds),
        threads: args.threads,
    })?;
    if args.json {
        return say_json(&table);
    }
    let [frames, joints, channels] = table.shape;
    say(format!(
        "{}; batches of {} samples [{frames}, {joints}, {channels}], all augmentations",
        counted(table.clips, "clip"),
        table.batch
    ))?;
    say(format!(
        "  {}: {:.0} clips/s, {:.0} MB/s; 1 thread: {:.0} MB/s",
        counted(table.threads, "thread"),
        table.clips_per_s,
        table.mb_per_s,
        table.mb_per_s_core
    ))?;
    say(format!(
        "  simulated device with {:.0} ms per batch: {:.1} % data wait; {} needed for none",
        table.step_ms,
        table.data_wait * 100.0,
        counted(table.cores_for_none, "core")
    ))
}
