//! Evaluates a run on test clips.

use crate::device::{Choice, Compute, open};
use crate::error::{Error, Place, Result};
use crate::event::Event;
use crate::loader::{Loader, Protocol};
use crate::scores::Evaluator;
use crate::shards::Prepared;
use crate::train::{CheckpointChoice, Run, chosen_weights, data_of, inference_context};
use crate::weights::Weights;
use std::path::PathBuf;
use std::sync::Arc;

pub use crate::scores::{ClassRow, ClipScore, Confusion, Measures, Report};

/// What to evaluate, and how.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EvaluateOptions {
    /// The run's folder.
    pub run: PathBuf,
    /// Prepared data; default: those that the run was trained on.
    pub data: Option<PathBuf>,
    /// The protocol whose test clips are scored; default: the run's.
    pub protocol: Option<Protocol>,
    /// Which weights; default: the best.
    pub checkpoint: CheckpointChoice,
    /// Settings that apply to testing, as `KEY=VALUE`, in place of the run's: see [`TESTING_KEYS`].
    pub settings: Vec<String>,
    /// The device; default: [`Choice::Auto`].
    pub device: Choice,
}

impl EvaluateOptions {
    /// Evaluates the best weights of a run on the test clips of its own data and protocol.
    pub fn new(run: impl Into<PathBuf>) -> Self {
        EvaluateOptions {
            run: run.into(),
            data: None,
            protocol: None,
            checkpoint: CheckpointChoice::Best,
            settings: Vec::new(),
            device: Choice::Auto,
        }
    }
}

/// The result of an evaluation.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Evaluation {
    /// The protocol whose test clips were scored.
    pub protocol: Protocol,
    /// The data.
    pub prepared: Arc<Prepared>,
    /// Which weights were used.
    pub checkpoint: CheckpointChoice,
    /// Each clip's class probabilities.
    pub scores: Vec<ClipScore>,
    /// Accuracies, loss and confusions.
    pub report: Report,
    /// The device, in one line.
    pub device: String,
}

/// Settings that can be changed after training, since they apply to testing too.
pub const TESTING_KEYS: [&str; 4] = [
    "data.test_clips",
    "data.test_turn",
    "data.test_swap",
    "model.fusion_weight",
];

/// Evaluates a run on the test clips of its protocol. A clip's score is the mean over its people and samplings.
///
/// `events` receives the device, warnings, and the batches that are done.
///
/// # Errors
/// [`Error::Usage`] for a setting that applies to training alone; [`Error::Input`] for a folder that is not a run, for
/// data of another skeleton or with other classes, for data that the run was not trained on (unless named in
/// [`EvaluateOptions::data`]), and for a protocol without test clips; [`Error::Device`].
pub fn evaluate(options: &EvaluateOptions, events: &mut dyn FnMut(Event)) -> Result<Evaluation> {
    check_testing_keys(&options.settings)?;
    let settings = Run::settings_of(&options.run)?;
    let mut warn = |text: String| events(Event::Warning(text));
    let mut weights = chosen_weights(&options.run, &options.checkpoint, &mut warn)?;
    weights.settings = weights.settings.with(&options.settings)?;
    let prepared = Arc::new(data_of(&options.run, &settings, options.data.as_deref())?);
    let protocol = options.protocol.unwrap_or(settings.run.protocol);
    weights.check_data(prepared.manifest(), Place::file(prepared.folder()))?;
    if prepared.manifest().checksum != settings.run.checksum {
        let what = "these are not the data that the run was trained on";
        if options.data.is_none() {
            let help = "pass the right data with --data, or these data if it does not matter that test clips may have been trained on";
            return Err(Error::input(Place::file(prepared.folder()), what, help));
        }
        warn(format!("{what}: a test clip may be one of those"));
    }
    let clips = test_clips(protocol, &prepared)?;
    let compute = open(options.device)?;
    events(Event::Note(compute.describe()));
    let scores = score_clips(&weights, &prepared, &clips, &compute, events)?;
    let report = Report::new(&scores, &weights.classes);
    Ok(Evaluation {
        protocol,
        prepared,
        checkpoint: options.checkpoint.clone(),
        scores,
        report,
        device: compute.describe(),
    })
}

/// Refuses a setting that applies to training alone.
fn check_testing_keys(settings: &[String]) -> Result<()> {
    let key = |setting: &String| {
        setting
            .split('=')
            .next()
            .unwrap_or_default()
            .trim()
            .to_string()
    };
    let unknown = |key: &String| !TESTING_KEYS.contains(&&key[..]);
    match settings.iter().map(key).find(unknown) {
        None => Ok(()),
        Some(key) => Err(Error::usage(
            format!("--set {key} cannot be changed after training"),
            format!("settings that can be changed: {}", TESTING_KEYS.join(", ")),
        )
        .about_key(&key)),
    }
}

/// The test clips of a protocol, by number in the prepared data; at least one.
///
/// # Errors
/// [`Error::Input`] where the data have none.
pub(crate) fn test_clips(protocol: Protocol, prepared: &Prepared) -> Result<Vec<usize>> {
    // The validation split is taken from the training clips, so its size makes no difference here.
    let split = protocol.split(prepared.manifest(), 0.0, 0)?;
    if split.test.is_empty() {
        let what = format!("{protocol} has no test clips here");
        let help = "prepare data that include the test clips";
        return Err(Error::input(Place::file(prepared.folder()), what, help));
    }
    Ok(split.test)
}

/// The class probabilities of some clips. `events` receives warnings, and the batches that are done.
///
/// # Errors
/// A clip that cannot be read; [`Error::Device`]; scores that are NaN or infinite.
pub(crate) fn score_clips(
    weights: &Weights,
    prepared: &Arc<Prepared>,
    clips: &[usize],
    compute: &Compute,
    events: &mut dyn FnMut(Event),
) -> Result<Vec<ClipScore>> {
    let settings = &weights.settings;
    let (run, batch) = (&settings.run, settings.train.eval_batch);
    let sizes = (batch, run.seed, run.threads.number());
    let loader = Loader::eval(prepared.clone(), clips, &settings.data, sizes)?;
    let model = weights.model(&compute.device)?;
    let mut warn = |text: String| events(Event::Warning(text));
    let evaluator = Evaluator {
        model: &model,
        device: &compute.device,
        context: inference_context(weights, compute, &mut warn),
    };
    let (mut done, total) = (0, loader.batches());
    evaluator.clips(&loader, &mut || {
        done += 1;
        events(Event::Progress { done, total });
    })
}
