//! `sinew bench prepare`

use crate::bench::prepare::{PrepareBench, measure};
use crate::cli::progress::bytes;
use crate::cli::{say, say_json, tell};
use crate::error::Result;
use crate::formats::Dataset;
use crate::text::counted;
use std::path::PathBuf;

/// Benchmarks `sinew prepare`, compared with only decompressing every entry and verifying its CRC with the same threads.
///
/// Example: sinew bench prepare nturgbd_skeletons_s001_to_s017.zip --threads 1,2
#[derive(clap::Args)]
pub struct Args {
    /// Archives, folders or clips
    #[arg(required = true)]
    source: Vec<PathBuf>,
    /// Numbers of threads to compare; 0 uses all cores
    #[arg(long, value_delimiter = ',', default_value = "0")]
    threads: Vec<usize>,
    /// Runs per number of threads; medians are reported
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// ntu, sbu or clips [default: detected from the file names]
    #[arg(long)]
    dataset: Option<Dataset>,
    /// Folder for temporary prepared data [default: the system's temporary folder]
    #[arg(long)]
    out: Option<PathBuf>,
    /// Print one JSON value
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let options = PrepareBench {
        sources: args.source.clone(),
        dataset: args.dataset,
        threads: args.threads.clone(),
        runs: args.runs.max(1),
        out: args.out.clone(),
    };
    let table = measure(&options, &|line| tell(line))?;
    if args.json {
        return say_json(&table);
    }
    say(format!(
        "{}, {}, {} uncompressed; {}, median [min, max]",
        counted(table.clips, "clip"),
        bytes(table.bytes_in),
        bytes(table.bytes_text),
        counted(options.runs, "run")
    ))?;
    for row in &table.rows {
        say(format!(
            "  {}: prepare {:.2} s [{:.2}, {:.2}], decompress only {:.2} s [{:.2}, {:.2}] ({:.0} MB/s), ratio {:.2}; \
             {:.3} ms per clip; peak memory {}",
            counted(row.threads, "thread"),
            row.seconds,
            row.seconds_spread[0],
            row.seconds_spread[1],
            row.inflate_only_seconds,
            row.inflate_only_spread[0],
            row.inflate_only_spread[1],
            table.bytes_text as f64 / row.inflate_only_seconds / 1e6,
            row.ratio,
            row.seconds * 1e3 / table.clips as f64,
            row.peak_rss.map_or("unknown".into(), bytes),
        ))?;
    }
    if let Some((first, rest)) = table.rows.split_first() {
        for row in rest {
            let times = first.seconds / row.seconds;
            let (many, few) = (row.threads, first.threads);
            say(format!(
                "  {} are {times:.2} times as fast as {few}",
                counted(many, "thread")
            ))?;
        }
    }
    Ok(())
}
