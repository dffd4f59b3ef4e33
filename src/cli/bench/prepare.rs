//! `sinew bench prepare`

use crate::bench::prepare::{Options, measure};
use crate::cli::progress::bytes;
use crate::cli::{say, say_json, tell};
use crate::error::Result;
use crate::formats::Dataset;
use std::path::PathBuf;

/// Times `prepare` beside a pass that only inflates every entry and verifies its CRC, with the same threads.
///
/// Example: sinew bench prepare nturgbd_skeletons_s001_to_s017.zip --threads 1,2
#[derive(clap::Args)]
pub struct Args {
    /// Archives, folders or clips
    #[arg(required = true)]
    source: Vec<PathBuf>,
    /// Numbers of threads to compare; 0 takes all cores
    #[arg(long, value_delimiter = ',', default_value = "0")]
    threads: Vec<usize>,
    /// Passes of each; the medians count
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// ntu, sbu or clips; without it the file names tell
    #[arg(long)]
    dataset: Option<Dataset>,
    /// Where the prepared data go for a while; the system's temporary folder unless said
    #[arg(long)]
    out: Option<PathBuf>,
    /// Print one JSON value
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let options = Options {
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
        "{} clips, {}, {} of text; {} runs, median [least, most]",
        table.clips,
        bytes(table.bytes_in),
        bytes(table.bytes_text),
        options.runs
    ))?;
    for row in &table.rows {
        say(format!(
            "  {} threads: prepare {:.2} s [{:.2}, {:.2}], inflate alone {:.2} s [{:.2}, {:.2}] ({:.0} MB/s of text), \
             ratio {:.2}; {:.3} ms a clip; {} of memory",
            row.threads,
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
                "  {many} threads are {times:.2} times as fast as {few}"
            ))?;
        }
    }
    Ok(())
}
