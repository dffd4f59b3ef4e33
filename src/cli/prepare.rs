//! `sinew prepare`

use super::progress::bytes;
use super::reporter::Reporter;
use super::{say, tell};
use crate::error::Result;
use crate::formats::Dataset;
use crate::prepare::{PrepareOptions, prepare};
use crate::text::counted;
use std::path::PathBuf;

/// Converts archives, folders or single clips to prepared data, without unpacking archives to disk.
///
/// Example: sinew prepare nturgbd_skeletons_s001_to_s017.zip --out ntu60
#[derive(clap::Args)]
pub struct Args {
    /// Archives, folders or clips; both NTU archives together make NTU-120
    #[arg(required = true)]
    pub source: Vec<PathBuf>,
    /// The folder to write
    #[arg(long)]
    pub out: PathBuf,
    /// ntu, sbu or clips [default: detected from the file names]
    #[arg(long)]
    pub dataset: Option<Dataset>,
    /// Threads; 0 uses all cores
    #[arg(long, default_value_t = 0)]
    pub threads: usize,
    /// Leave out bad entries instead of failing
    #[arg(long)]
    pub skip_bad: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let mut options = PrepareOptions::new(&args.source, &args.out);
    options.dataset = args.dataset;
    options.threads = args.threads;
    options.skip_bad = args.skip_bad;
    let started = std::time::Instant::now();
    let summary = {
        let mut reporter = Reporter::writing_to("prepare", &args.out);
        prepare(&options, &mut |event| reporter.show(event))?
    };
    for warning in &summary.warnings {
        tell(format!("warning: {warning}"));
    }
    let counts = &summary.counts;
    say(format!(
        "{}: {}, {}, {} in {}, {}; {:.1} s",
        args.out.display(),
        counted(counts.clips, "clip"),
        counted(counts.frames, "frame"),
        counted(counts.bodies, "body"),
        counted(summary.shards, "shard"),
        bytes(summary.bytes),
        started.elapsed().as_secs_f64(),
    ))?;
    if summary.resumed > 0 {
        say(format!(
            "reused {} of an interrupted preparation",
            counted(summary.resumed, "finished shard")
        ))?;
    }
    if counts.missing > 0 {
        say(format!(
            "left out {} on the authors' list of missing skeletons",
            counted(counts.missing, "clip")
        ))?;
    }
    if summary.ignored > 0 {
        let files = if summary.ignored == 1 {
            "file that is not a clip"
        } else {
            "files that are not clips"
        };
        say(format!("ignored {} {files}", summary.ignored))?;
    }
    for skipped in &summary.skipped {
        say(format!("skipped {}: {}", skipped.entry, skipped.why))?;
    }
    Ok(())
}
