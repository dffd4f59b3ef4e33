//! `sinew synth`

use super::progress::{Progress, bytes, tell_size};
use super::say;
use crate::error::{Error, Place, Result};
use crate::formats::synth;
use std::path::PathBuf;

/// Generates a synthetic archive in the NTU RGB+D format.
///
/// Example: sinew synth --out made.zip --clips 400
#[derive(clap::Args)]
pub struct Args {
    /// The archive to write
    #[arg(long)]
    pub out: PathBuf,
    /// Clips to make; with --like all rows unless said
    #[arg(long, required_unless_present = "like")]
    pub clips: Option<usize>,
    /// Classes of motion
    #[arg(long, default_value_t = 8)]
    pub classes: usize,
    /// Same seed, same bytes
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Take clip names and frame counts from a CSV file (name,frames)
    #[arg(long, value_name = "NAMES.csv")]
    pub like: Option<PathBuf>,
}

/// Runs the command, which writes over nothing: the name could be that of a real archive.
pub fn run(args: &Args) -> Result<()> {
    if args.out.exists() {
        let help = "choose another file, or remove this one first";
        let what = "exists, and is not overwritten";
        return Err(Error::input(Place::file(&args.out), what, help));
    }
    make(args)
}

/// Writes the archive.
pub fn make(args: &Args) -> Result<()> {
    let options = synth::Options {
        out: args.out.clone(),
        clips: args.clips,
        classes: args.classes,
        seed: args.seed,
        like: args.like.clone(),
    };
    let plan = synth::Plan::new(&options)?;
    tell_size(&args.out, plan.bytes());
    let made = {
        let progress = Progress::new("synth", args.clips.unwrap_or(0));
        plan.write(&mut |done, total| {
            progress.at(done, total);
            Ok(())
        })?
    };
    say(format!(
        "{}: {} clips of {} classes ({} with two people), {} performers, {} frames; {}, {} of text",
        args.out.display(),
        made.clips,
        made.classes,
        made.two_person,
        made.performers,
        made.frames,
        bytes(made.bytes),
        bytes(made.text_bytes),
    ))
}
