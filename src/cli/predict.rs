//! `sinew predict`

use super::eval::{Which, context, weights};
use super::output::{Output, may_write};
use super::progress::Progress;
use super::{say, say_json, tell};
use crate::device::{Choice, open};
use crate::error::{Error, Place, Result};
use crate::evaluate::{Evaluator, mean_rows, ranking, windows};
use crate::export::{Lengths, Weights};
use crate::files::Tensors;
use crate::formats::Catalogue;
use crate::loader::{Batch, from_clip};
use crate::model::read;
use crate::settings::People;
use crate::shards::MANIFEST;
use crate::skeleton::Clip;
use crate::text::shortened;
use serde::Serialize;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Predicts the action in each clip: class names and probabilities.
///
/// A recording that is longer than every training clip is scored over time: window by window, and their mean.
///
/// Example: sinew predict runs/first S001C001P001R001A033.skeleton --top 3
///
/// Example: sinew predict runs/first recording.npy --window 60 --stride 10
#[derive(clap::Args)]
pub struct Args {
    /// The run
    pub run: PathBuf,
    /// Clips (.skeleton, skeleton_pos.txt, or .npy), or archives and folders of them. Arrays are of the run's skeleton;
    /// a layout.toml beside them is compared with it
    #[arg(required = true)]
    pub file: Vec<PathBuf>,
    /// Classes to print a clip
    #[arg(long, default_value_t = 5)]
    pub top: usize,
    /// best, last or a file of weights
    #[arg(long, default_value = "best")]
    pub checkpoint: Which,
    /// auto, gpu, cpu, or a number that `sinew devices` lists
    #[arg(long, default_value = "auto")]
    pub device: Choice,
    /// Frames of a window; unless said the training clips' median length, where the recording is longer than any of
    /// them
    #[arg(long, value_name = "FRAMES")]
    pub window: Option<usize>,
    /// Frames from one window to the next; a quarter of the window unless said
    #[arg(long, value_name = "FRAMES")]
    pub stride: Option<usize>,
    /// Write the inputs x and the scores (temporal, spatial, fused) of every row, to compare with another program
    #[arg(long, value_name = "FILE.safetensors")]
    pub dump: Option<PathBuf>,
    /// Print one JSON value
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Prediction {
    clip: String,
    frames: usize,
    /// Of the whole clip, or the mean over the windows.
    classes: Vec<Guess>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    windows: Vec<Window>,
}

/// The frames from `start` to before `end`, counted from 0.
#[derive(Serialize)]
struct Window {
    start: usize,
    end: usize,
    /// Nothing where nobody is there.
    classes: Vec<Guess>,
}

#[derive(Serialize)]
struct Guess {
    name: String,
    probability: f64,
}

/// Rows of a dump, gathered clip by clip.
#[derive(Default)]
struct Dump {
    x: Vec<f32>,
    temporal: Vec<f32>,
    spatial: Vec<f32>,
    fused: Vec<f32>,
    shape: [usize; 4],
}

impl Dump {
    fn add(&mut self, evaluator: &Evaluator<'_>, batch: &Batch) -> Result<()> {
        for outputs in evaluator.outputs(batch) {
            self.temporal.extend(read(outputs.temporal)?);
            self.spatial.extend(read(outputs.spatial)?);
            self.fused.extend(read(outputs.fused)?);
        }
        self.x.extend(&batch.x);
        let rows = self.shape[0] + batch.len();
        self.shape = [rows, batch.frames, batch.joints, batch.channels];
        Ok(())
    }

    fn write(self, path: &Path, classes: usize) -> Result<()> {
        let scores = vec![self.shape[0], classes];
        let mut file = Tensors::default();
        file.tensors
            .insert("x".into(), (self.shape.to_vec(), self.x));
        file.tensors
            .insert("temporal".into(), (scores.clone(), self.temporal));
        file.tensors
            .insert("spatial".into(), (scores.clone(), self.spatial));
        file.tensors.insert("fused".into(), (scores, self.fused));
        file.write(path)
    }
}

/// A model that scores clips.
struct Scorer<'a> {
    weights: &'a Weights,
    evaluator: Evaluator<'a>,
    top: usize,
    dump: Option<Dump>,
}

impl Scorer<'_> {
    /// Probabilities of a clip, averaged over its people and samplings.
    fn probabilities(&mut self, clip: &Clip) -> Result<Vec<f64>> {
        let recipe = &self.weights.recipe;
        let batch = from_clip(clip, &self.weights.layout, &recipe.data, recipe.run.seed)?;
        let all = self.evaluator.probabilities(&batch)?;
        if let Some(dump) = &mut self.dump {
            dump.add(&self.evaluator, &batch)?;
        }
        mean_rows(&all, self.weights.classes.len())
    }

    /// The most probable classes.
    fn guesses(&self, probabilities: &[f64]) -> Vec<Guess> {
        let guess = |class: usize| Guess {
            name: self.weights.classes[class].clone(),
            probability: probabilities[class],
        };
        let order = ranking(probabilities).into_iter();
        order.take(self.top).map(guess).collect()
    }

    /// Frames of a window and of a stride for a clip of so many frames; none where it is scored as a whole.
    fn sliding(&self, args: &Args, frames: usize) -> Option<(usize, usize)> {
        let long = |l: &Lengths| frames > l.longest;
        let derived = self.weights.lengths.filter(long).map(|l| l.median);
        let window = args.window.or(derived).filter(|window| frames > *window)?;
        Some((window, args.stride.unwrap_or((window / 4).max(1))))
    }

    fn predict(&mut self, args: &Args, clip: &Clip) -> Result<Prediction> {
        let Some((window, stride)) = self.sliding(args, clip.frames) else {
            let probabilities = self.probabilities(clip)?;
            return Ok(self.prediction(clip, &probabilities, Vec::new()));
        };
        let (mut sum, mut scored) = (vec![0.0; self.weights.classes.len()], 0usize);
        let mut all = Vec::new();
        for Range { start, end } in windows(clip.frames, window, stride) {
            let part = clip.part(start..end);
            let classes = if part.data.iter().all(|x| x.is_nan()) {
                Vec::new()
            } else {
                let probabilities = self.probabilities(&part)?;
                scored += 1;
                sum.iter_mut()
                    .zip(&probabilities)
                    .for_each(|(s, p)| *s += p);
                self.guesses(&probabilities)
            };
            all.push(Window {
                start,
                end,
                classes,
            });
        }
        if scored == 0 {
            let help = "use a recording with a skeleton";
            return Err(Error::setting("nobody is in any of its frames", help));
        }
        sum.iter_mut().for_each(|s| *s /= scored as f64);
        Ok(self.prediction(clip, &sum, all))
    }

    fn prediction(&self, clip: &Clip, probabilities: &[f64], windows: Vec<Window>) -> Prediction {
        Prediction {
            clip: clip.name.clone(),
            frames: clip.frames,
            classes: self.guesses(probabilities),
            windows,
        }
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let numbers = [
        ("--window", args.window),
        ("--stride", args.stride),
        ("--top", Some(args.top)),
    ];
    for (option, number) in numbers {
        if number == Some(0) {
            let what = format!("{option} 0 must be at least 1");
            return Err(Error::usage(what, "give at least 1"));
        }
    }
    if let Some(dump) = &args.dump {
        may_write(dump, Output::Tensors)?;
    }
    if let Some(data) = args.file.iter().find(|path| path.join(MANIFEST).exists()) {
        let what = "it holds prepared data";
        let help =
            "name clips as they are recorded; `sinew eval RUN --data DATA` scores prepared data";
        return Err(Error::input(Place::file(data), what, help));
    }
    let weights = weights(&args.run, &args.checkpoint)?;
    let mut catalogue = Catalogue::of_layout(&args.file, &weights.layout)?;
    let place = args.file.first().map_or_else(Place::default, Place::file);
    weights.check_layout(&catalogue.layout, place)?;
    let zeros = [&catalogue.layout, &weights.layout].map(|layout| layout.zeros.unwrap_or_default());
    if zeros[0] != zeros[1] {
        tell(format!(
            "warning: joints at exactly zero are {} in these clips and were {} in training; see zeros in layout.toml",
            zeros[0].meaning(),
            zeros[1].meaning()
        ));
    }
    for warning in &catalogue.warnings {
        tell(format!("warning: {warning}"));
    }
    let compute = open(args.device)?;
    tell(compute.describe());
    let (shape, model) = (weights.shape(), weights.model(&compute.device)?);
    let evaluator = Evaluator {
        model: &model,
        shape: &shape,
        device: &compute.device,
        context: context(&weights, &compute),
    };
    let mut scorer = Scorer {
        weights: &weights,
        evaluator,
        top: args.top,
        dump: args.dump.is_some().then(Dump::default),
    };
    let (mut predictions, mut failed) = (Vec::new(), Vec::new());
    let pairs = weights.recipe.data.people == People::Concatenate;
    let mut alone = 0;
    failed.append(&mut catalogue.problems);
    let mut reader = catalogue.reader();
    let progress = Progress::new("predict", catalogue.items.len());
    for (done, item) in catalogue.items.iter().enumerate() {
        progress.at(done, catalogue.items.len());
        let named = |e| match e {
            Error::Device { .. } => e,
            e => Error::failed(format!("{}: {e}", item.name), "leave it out"),
        };
        let scored = reader.read(item).and_then(|recording| {
            alone += usize::from(pairs && recording.clip.bodies == 1);
            scorer.predict(args, &recording.clip).map_err(named)
        });
        match scored {
            Ok(prediction) => predictions.push(Prediction {
                clip: item.name.clone(),
                ..prediction
            }),
            // A device that fails once fails again.
            Err(error @ Error::Device { .. }) => return Err(error),
            Err(error) => failed.push(error),
        }
    }
    drop(progress);
    if alone > 0 {
        tell(format!(
            "warning: the weights were trained on pairs of people, and {alone} of {} clips have one person",
            catalogue.items.len()
        ));
    }
    if let (Some(path), Some(dump)) = (&args.dump, scorer.dump)
        && !predictions.is_empty()
    {
        dump.write(path, shape.classes)?;
    }
    if args.json {
        say_json(&predictions)?;
    } else {
        for prediction in &predictions {
            say(&prediction.clip)?;
            for guess in &prediction.classes {
                say(format!(
                    "  {:.4}  {}",
                    guess.probability,
                    shortened(&guess.name)
                ))?;
            }
            match &prediction.windows[..] {
                [first, second, ..] => {
                    let every = second.start - first.start;
                    let long = first.end - first.start;
                    say(format!(
                        "  the mean of windows of {long} frames, one every {every}:"
                    ))?;
                }
                _ if args.window.is_some() || args.stride.is_some() => {
                    let frames = prediction.frames;
                    say(format!("  scored as a whole, {frames} frames"))?;
                }
                _ => {}
            }
            for Window {
                start,
                end,
                classes,
            } in &prediction.windows
            {
                let best = classes.first();
                let best = best
                    .map(|guess| format!("{:.4}  {}", guess.probability, shortened(&guess.name)));
                let best = best.unwrap_or("nobody".into());
                say(format!("  frames {start:>6} to {:>6}:  {best}", end - 1))?;
            }
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    let summary = format!(
        "{} of {} clips could not be scored",
        failed.len(),
        failed.len() + predictions.len()
    );
    Err(Error::Several {
        summary,
        errors: failed,
    })
}
