//! `sinew bench loader`

use crate::bench::loader::{Options, measure};
use crate::cli::{say, say_json};
use crate::error::Result;
use std::path::PathBuf;
use std::time::Duration;

/// Times the loader, `reference` sampling with every augmentation, alone and before a consumer that plays a device.
///
/// Example: sinew bench loader ntu60 --batch 512 --step-ms 25
#[derive(clap::Args)]
pub struct Args {
    /// Prepared data; some are made where none are named
    data: Option<PathBuf>,
    /// Rows of a batch
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=65536))]
    batch: u32,
    /// Milliseconds that the consumer takes over a batch
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u64).range(1..=60000))]
    step_ms: u64,
    /// Seconds of each of the three measurements
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// Threads; 0 takes all cores
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Print one JSON value
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let table = measure(&Options {
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
        "{} clips; batches of {} rows [{frames}, {joints}, {channels}], every augmentation",
        table.clips, table.batch
    ))?;
    say(format!(
        "  {} threads: {:.0} clips/s, {:.0} MB/s; one alone: {:.0} MB/s",
        table.threads, table.clips_per_s, table.mb_per_s, table.mb_per_s_core
    ))?;
    say(format!(
        "  a consumer that takes a batch every {:.0} ms waited {:.1} % of its time; {} cores would make that none",
        table.step_ms,
        table.data_wait * 100.0,
        table.cores_for_none
    ))
}
