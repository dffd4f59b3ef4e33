//! Predicts the action in clips: recordings in files, or clips in memory.

mod dump;
mod predictor;
mod windows;

pub use predictor::{ClassProbability, Prediction, Predictor, WindowPrediction};

use crate::device::{Choice, open};
use crate::error::{Error, Place, Result};
use crate::event::Event;
use crate::files::OutputKind;
use crate::formats::Catalogue;
use crate::shards::MANIFEST;
use crate::train::{CheckpointChoice, check_output, chosen_weights};
use crate::weights::Weights;
use dump::Dump;
use predictor::check_sizes;
use std::path::PathBuf;

/// What to predict, and how.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PredictOptions {
    /// A run's folder, or a weights file.
    pub weights: PathBuf,
    /// Clips (`.skeleton`, `skeleton_pos.txt` or `.npy`), or archives and folders of them. Arrays have the joints of the
    /// weights' layout; a `layout.toml` in their folder is compared with it.
    pub clips: Vec<PathBuf>,
    /// Which weights of the run; default: the best.
    pub checkpoint: CheckpointChoice,
    /// Classes in each prediction; default: 5.
    pub top: usize,
    /// Frames of a window; default: as [`Predictor::window`].
    pub window: Option<usize>,
    /// Frames from the start of one window to the next; default: a quarter of the window.
    pub stride: Option<usize>,
    /// The device; default: [`Choice::Auto`].
    pub device: Choice,
    /// Where to write the model's inputs and scores of every row as safetensors, to compare with another program.
    pub dump: Option<PathBuf>,
}

impl PredictOptions {
    /// Predicts the five most probable classes of each clip, with a weights file or the best weights of a run.
    pub fn new<C: Into<PathBuf>>(
        weights: impl Into<PathBuf>,
        clips: impl IntoIterator<Item = C>,
    ) -> Self {
        PredictOptions {
            weights: weights.into(),
            clips: clips.into_iter().map(Into::into).collect(),
            checkpoint: CheckpointChoice::Best,
            top: 5,
            window: None,
            stride: None,
            device: Choice::Auto,
            dump: None,
        }
    }

    fn read_weights(&self, warn: &mut dyn FnMut(String)) -> Result<Weights> {
        if !self.weights.is_file() {
            return chosen_weights(&self.weights, &self.checkpoint, warn);
        }
        if self.checkpoint != CheckpointChoice::Best {
            let what = format!("{} is a weights file", self.weights.display());
            let help = "leave --checkpoint out, or name the folder of a run";
            return Err(Error::usage(what, help));
        }
        Weights::read(&self.weights)
    }
}

/// The predictions for all clips.
#[derive(Debug)]
#[non_exhaustive]
pub struct Predictions {
    /// A prediction for each clip that could be scored, in the order of their names in each source.
    pub clips: Vec<Prediction>,
    /// Why the other clips could not be scored.
    pub failed: Vec<Error>,
}

/// Predicts the action in each clip. A clip that is longer than every training clip is scored window by window, and its
/// probabilities are the mean over the windows.
///
/// `events` receives the device, warnings, and the clips that are done. A clip that cannot be read or scored is listed in
/// [`Predictions::failed`]; the others are scored.
///
/// # Errors
/// [`Error::Usage`] for a size of zero; [`Error::Input`] for a path that is neither a run nor a weights file, for sources
/// that hold no clips, and for clips of another skeleton; [`Error::Device`].
pub fn predict(options: &PredictOptions, events: &mut dyn FnMut(Event)) -> Result<Predictions> {
    check_sizes(options.top, options.window, options.stride)?;
    if let Some(dump) = &options.dump {
        check_output(dump, OutputKind::Tensors)?;
    }
    let is_prepared = |path: &&PathBuf| path.join(MANIFEST).exists();
    if let Some(data) = options.clips.iter().find(is_prepared) {
        let what = "it holds prepared data";
        let help =
            "name clips as they are recorded; `sinew eval RUN --data DATA` scores prepared data";
        return Err(Error::input(Place::file(data), what, help));
    }
    let mut warn = |text: String| events(Event::Warning(text));
    let weights = options.read_weights(&mut warn)?;
    let mut catalogue = open_clips(&weights, &options.clips, &mut warn)?;
    let compute = open(options.device)?;
    events(Event::Note(compute.describe()));
    let mut warn = |text: String| events(Event::Warning(text));
    let mut predictor = Predictor::new(weights, &compute, &mut warn)?;
    (predictor.top, predictor.window, predictor.stride) =
        (options.top, options.window, options.stride);
    let mut dump = options.dump.is_some().then(Dump::default);
    let mut predictions = Predictions {
        clips: Vec::new(),
        failed: std::mem::take(&mut catalogue.problems),
    };
    let (mut single, total) = (0, catalogue.items.len());
    let mut reader = catalogue.reader();
    events(Event::Progress { done: 0, total });
    for (done, item) in catalogue.items.iter().enumerate() {
        let named = |error| match error {
            Error::Device { .. } | Error::Memory { .. } => error,
            error => Error::failed(format!("{}: {error}", item.name), "leave it out"),
        };
        let scored = reader.read(item).and_then(|recording| {
            single += usize::from(predictor.takes_pairs() && recording.clip.bodies == 1);
            let scored = predictor.predict_into(&recording.clip, dump.as_mut());
            scored.map_err(named)
        });
        match scored {
            Ok(prediction) => predictions.clips.push(Prediction {
                clip: item.name.clone(),
                ..prediction
            }),
            // A device that fails once fails again.
            Err(error @ (Error::Device { .. } | Error::Memory { .. })) => return Err(error),
            Err(error) => predictions.failed.push(error),
        }
        let done = done + 1;
        events(Event::Progress { done, total });
    }
    if single > 0 {
        events(Event::Warning(format!(
            "the weights were trained on pairs of people, and {single} of {total} clips have one person"
        )));
    }
    if let (Some(path), Some(dump)) = (&options.dump, dump)
        && !predictions.clips.is_empty()
    {
        dump.write(path, predictor.weights().classes.len())?;
    }
    Ok(predictions)
}

/// Lists the clips, whose skeleton must be that of the weights.
fn open_clips(
    weights: &Weights,
    clips: &[PathBuf],
    warn: &mut dyn FnMut(String),
) -> Result<Catalogue> {
    let catalogue = Catalogue::of_layout(clips, &weights.layout)?;
    let place = clips.first().map_or_else(Place::default, Place::file);
    weights.check_layout(&catalogue.layout, place)?;
    let [here, there] =
        [&catalogue.layout, &weights.layout].map(|layout| layout.zeros.unwrap_or_default());
    if here != there {
        warn(format!(
            "joints at exactly zero are {} in these clips and were {} in training; see zeros in layout.toml",
            here.meaning(),
            there.meaning()
        ));
    }
    for warning in &catalogue.warnings {
        warn(warning.to_string());
    }
    Ok(catalogue)
}
