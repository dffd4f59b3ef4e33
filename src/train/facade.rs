//! Training in one call: a new run, or the rest of one.

use super::begin::lead;
use super::checkpoint::Best;
use super::event::Event;
use super::initial::InitialWeights;
use super::ranks::{Ranks, alone};
use super::resume::{ResumeOptions, open_to_resume};
use super::session::{Session, Start};
use crate::device::Choice;
use crate::error::Result;
use crate::settings::Settings;
use crate::shards::Prepared;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What to train, and how.
#[derive(Clone)]
#[non_exhaustive]
pub struct TrainOptions {
    /// Prepared data.
    pub data: PathBuf,
    /// The folder of the new run.
    pub out: PathBuf,
    /// The settings, which must name the protocol (`run.protocol`). What they leave open is derived from the training clips.
    pub settings: Settings,
    /// The device; default: [`Choice::Auto`].
    pub device: Choice,
    /// Weights to start from; default: initialised from the seed.
    pub init: Option<InitialWeights>,
    /// Set to true, from any thread, it interrupts the training: the step in progress is finished and saved, and
    /// [`resume()`] continues.
    pub stop: Arc<AtomicBool>,
    /// The ranks that train the run together; default: this process alone.
    #[doc(hidden)]
    pub ranks: Arc<dyn Ranks>,
}

impl TrainOptions {
    /// Trains on prepared data with these settings, in a new folder.
    pub fn new(data: impl Into<PathBuf>, out: impl Into<PathBuf>, settings: Settings) -> Self {
        TrainOptions {
            data: data.into(),
            out: out.into(),
            settings,
            device: Choice::Auto,
            init: None,
            stop: Arc::default(),
            ranks: alone(),
        }
    }
}

/// The result of a training.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TrainSummary {
    /// Epochs that are finished.
    pub epochs: usize,
    /// The best epoch on the validation split; none where nothing is held out, so that the last epoch's weights count.
    pub best: Option<Best>,
    /// The file of the best weights.
    pub weights: PathBuf,
}

/// Trains a new run to its last epoch.
///
/// `events` receives the device, the kernel plan, warnings, and each step and epoch. [`begin()`](super::begin()) and
/// [`Session`] do the same step by step.
///
/// # Errors
/// Prepared data that cannot be read; a protocol without training clips in them; a device that is missing, has too little
/// memory or cannot run the plan; initial weights that do not fit; [`Error::Exists`] where the folder holds a run or other
/// files; [`Error::Interrupted`] after [`TrainOptions::stop`]; [`Error::Diverged`].
///
/// [`Error::Exists`]: crate::Error::Exists
/// [`Error::Interrupted`]: crate::Error::Interrupted
/// [`Error::Diverged`]: crate::Error::Diverged
pub fn train(options: &TrainOptions, events: &mut dyn FnMut(Event<'_>)) -> Result<TrainSummary> {
    let prepared = Arc::new(Prepared::open(&options.data)?);
    let first = match &options.init {
        None => Start::Fresh,
        Some(weights) => Start::From(Box::new(weights.clone())),
    };
    let (ranks, settings, out) = (options.ranks.clone(), &options.settings, &options.out);
    let session = lead(
        ranks,
        settings,
        prepared,
        out,
        options.device,
        first,
        events,
    )?;
    finish(session, &options.stop, events)
}

/// Resumes a run at its newest intact checkpoint and trains it to its last epoch, or further where
/// [`ResumeOptions::settings`] raise `train.epochs`. A run that is finished is left as it is.
///
/// # Errors
/// As [`open_to_resume`]; [`Error::Interrupted`](crate::Error::Interrupted) after [`ResumeOptions::stop`];
/// [`Error::Diverged`](crate::Error::Diverged).
pub fn resume(options: &ResumeOptions, events: &mut dyn FnMut(Event<'_>)) -> Result<TrainSummary> {
    let session = open_to_resume(options, events)?;
    finish(session, &options.stop, events)
}

fn finish(
    mut session: Session,
    stop: &AtomicBool,
    events: &mut dyn FnMut(Event<'_>),
) -> Result<TrainSummary> {
    if session.position().epoch >= session.run().recipe.train.epochs {
        events(Event::Note(
            "the run is finished; --epochs N trains on".into(),
        ));
    }
    session.train(stop, events)?;
    Ok(TrainSummary {
        epochs: session.position().epoch,
        best: session.position().best,
        weights: session.run().best(),
    })
}
