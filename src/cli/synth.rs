//! `sinew synth`

use super::progress::{Progress, announce_size, bytes};
use super::say;
use crate::error::{Error, Place, Result};
use crate::formats::synth;
use crate::text::counted;
use std::path::PathBuf;

/// Generates a synthetic archive in the NTU RGB+D format.
///
/// Example: sinew synth --out synthetic.zip --clips 400
#[derive(clap::Args)]
pub struct Args {
    /// The archive to write
    #[arg(long)]
    pub out: PathBuf,
    /// Number of clips [default with --like: all rows of the file]
    #[arg(long, required_unless_present = "like")]
    pub clips: Option<usize>,
    /// Number of motion classes, 2 to 120
    #[arg(long, default_value_t = 8)]
    pub classes: usize,
    /// Random seed; the same seed gives the same archive
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Take clip names and frame counts from a CSV file (name,frames)
    #[arg(long, value_name = "NAMES.csv")]
    pub like: Option<PathBuf>,
}

/// Runs the command. Existing files are not overwritten, since they could be a real archive.
pub fn run(args: &Args) -> Result<()> {
    if args.out.exists() {
        let help = "choose another file, or remove this one first";
        let what = "exists; not overwritten";
        return Err(Error::input(Place::file(&args.out), what, help));
    }
    generate(args)
}

/// Writes the archive.
pub fn generate(args: &Args) -> Result<()> {
    let options = synth::SynthOptions {
        out: args.out.clone(),
        clips: args.clips,
        classes: args.classes,
        seed: args.seed,
        like: args.like.clone(),
    };
    let plan = synth::ArchivePlan::new(&options)?;
    announce_size(&args.out, plan.bytes());
    let summary = {
        let progress = Progress::new("synth", args.clips.unwrap_or(0));
        plan.write(&mut |done, total| {
            progress.at(done, total);
            Ok(())
        })?
    };
    say(format!(
        "{}: {} of {} ({} with two people), {}, {}; {}, {} uncompressed",
        args.out.display(),
        counted(summary.clips, "clip"),
        counted(summary.classes, "class"),
        summary.two_person,
        counted(summary.performers, "performer"),
        counted(summary.frames, "frame"),
        bytes(summary.bytes),
        bytes(summary.text_bytes),
    ))
}
