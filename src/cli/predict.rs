//! `sinew predict`

use super::reporter::Reporter;
use super::{say, say_json};
use crate::device::Choice;
use crate::error::{Error, Result};
use crate::predict::{
    ClassProbability, PredictOptions, Prediction, Predictions, WindowPrediction, predict,
};
use crate::text::{counted, shortened};
use crate::train::CheckpointChoice;
use std::path::PathBuf;

/// Predicts the action in each clip: class names and probabilities.
///
/// A recording longer than every training clip is scored window by window; its probabilities are the mean over the windows.
///
/// Example: sinew predict runs/first S001C001P001R001A033.skeleton --top 3
///
/// Example: sinew predict runs/first recording.npy --window 60 --stride 10
#[derive(clap::Args)]
pub struct Args {
    /// A run, or a weights file
    #[arg(value_name = "RUN|FILE.safetensors")]
    pub run: PathBuf,
    /// Clips (.skeleton, skeleton_pos.txt or .npy), or archives and folders of them. Arrays must have the run's skeleton; a
    /// layout.toml in their folder is compared with it
    #[arg(required = true)]
    pub file: Vec<PathBuf>,
    /// Number of classes to print per clip
    #[arg(long, default_value_t = 5)]
    pub top: usize,
    /// Which weights of the run: best, last, or a weights file
    #[arg(long, default_value = "best")]
    pub checkpoint: CheckpointChoice,
    /// auto, gpu, cpu, or an index from `sinew devices`
    #[arg(long, default_value = "auto")]
    pub device: Choice,
    /// Frames per window [default: the training clips' median length, for recordings longer than all of them]
    #[arg(long, value_name = "FRAMES")]
    pub window: Option<usize>,
    /// Frames from the start of one window to the next [default: a quarter of the window]
    #[arg(long, value_name = "FRAMES")]
    pub stride: Option<usize>,
    /// Write the inputs x and the scores (temporal, spatial, fused) of every row, to compare with other programs
    #[arg(long, value_name = "FILE.safetensors")]
    pub dump: Option<PathBuf>,
    /// Print one JSON value
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let mut options = PredictOptions::new(&args.run, &args.file);
    options.checkpoint = args.checkpoint.clone();
    options.top = args.top;
    options.window = args.window;
    options.stride = args.stride;
    options.device = args.device;
    options.dump = args.dump.clone();
    let Predictions { clips, failed } = {
        let mut reporter = Reporter::new("predict");
        predict(&options, &mut |event| reporter.show(event))?
    };
    if args.json {
        say_json(&clips)?;
    } else {
        let windows_asked_for = args.window.is_some() || args.stride.is_some();
        for prediction in &clips {
            print(prediction, windows_asked_for)?;
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    let (count, all) = (failed.len(), failed.len() + clips.len());
    Err(Error::Several {
        summary: format!("{count} of {} could not be scored", counted(all, "clip")),
        errors: failed,
    })
}

/// Prints the prediction for a clip.
fn print(prediction: &Prediction, windows_asked_for: bool) -> Result<()> {
    let line =
        |class: &ClassProbability| format!("{:.4}  {}", class.probability, shortened(&class.name));
    say(&prediction.clip)?;
    for class in &prediction.classes {
        say(format!("  {}", line(class)))?;
    }
    match &prediction.windows[..] {
        [first, second, ..] => {
            let every = second.start - first.start;
            let long = first.end - first.start;
            say(format!(
                "  mean over windows of {}, one every {}:",
                counted(long, "frame"),
                counted(every, "frame")
            ))?;
        }
        _ if windows_asked_for => {
            let frames = counted(prediction.frames, "frame");
            say(format!("  scored as a whole: {frames}"))?;
        }
        _ => {}
    }
    for WindowPrediction {
        start,
        end,
        classes,
    } in &prediction.windows
    {
        let best = classes.first().map_or("no person".into(), line);
        say(format!("  frames {start:>6} to {:>6}:  {best}", end - 1))?;
    }
    Ok(())
}
