//! `sinew predict`

use super::eval::{Which, context, weights};
use super::progress::Progress;
use super::{say, say_json};
use crate::device::{Choice, open};
use crate::error::{Error, Result};
use crate::evaluate::{Evaluator, mean_rows, ranking};
use crate::files::Tensors;
use crate::formats::Catalogue;
use crate::loader::{Batch, from_clip};
use crate::model::read;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Says what people do in clips: class names and probabilities.
///
/// Example: sinew predict runs/first S001C001P001R001A033.skeleton --top 3
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// The run
    pub run: PathBuf,
    /// Clips (.skeleton, skeleton_pos.txt, or .npy of the run's skeleton), or archives and folders of them
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

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let weights = weights(&args.run, &args.checkpoint)?;
    let mut catalogue = Catalogue::of_layout(&args.file, &weights.layout)?;
    let compute = open(args.device)?;
    eprintln!("{}", compute.describe());
    let (shape, model) = (weights.shape(), weights.model(&compute.device)?);
    let context = context(&weights, &compute);
    let evaluator = Evaluator {
        model: &model,
        shape: &shape,
        device: &compute.device,
        context,
    };
    let (mut predictions, mut failed, mut dump) = (Vec::new(), Vec::new(), Dump::default());
    failed.append(&mut catalogue.problems);
    let mut reader = catalogue.reader();
    let progress = Progress::new("predict", catalogue.items.len());
    for (done, item) in catalogue.items.iter().enumerate() {
        progress.at(done, catalogue.items.len());
        let scored = reader.read(item).and_then(|recording| {
            let recipe = &weights.recipe;
            let batch = from_clip(
                &recording.clip,
                &weights.layout,
                &recipe.data,
                recipe.run.seed,
            );
            let batch =
                batch.map_err(|e| Error::failed(format!("{}: {e}", item.name), "leave it out"))?;
            let mean = mean_rows(&evaluator.probabilities(&batch)?, shape.classes)?;
            Ok((batch, mean))
        });
        let (batch, probabilities) = match scored {
            Ok(scored) => scored,
            // A device that fails once fails again.
            Err(error @ Error::Device { .. }) => return Err(error),
            Err(error) => {
                failed.push(error);
                continue;
            }
        };
        if args.dump.is_some() {
            dump.add(&evaluator, &batch)?;
        }
        let classes = ranking(&probabilities)
            .into_iter()
            .take(args.top)
            .map(|c| Guess {
                name: weights.classes[c].clone(),
                probability: probabilities[c],
            })
            .collect();
        predictions.push(Prediction {
            clip: item.name.clone(),
            classes,
        });
    }
    drop(progress);
    if let Some(path) = &args.dump
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
                say(format!("  {:.4}  {}", guess.probability, guess.name))?;
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
