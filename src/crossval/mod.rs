//! Cross-validation: trains and evaluates every fold of a folded protocol, such as SBU's fold1 to fold5.

mod folds;
mod spread;

pub use folds::Fold;
pub(crate) use folds::interrupted;
pub use spread::Spread;

use crate::device::{Choice, Compute, open};
use crate::error::{Error, Result};
use crate::evaluate::{ClipScore, Report, score_clips, test_clips};
use crate::event::Event;
use crate::settings::{Preset, Protocol, Settings};
use crate::shards::Prepared;
use crate::train::{self, Run, Target, best_weights, resolve, training_warnings};
use folds::train_folds;
use serde::Serialize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What to cross-validate, and how.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CrossvalOptions {
    /// Prepared data with a folded protocol.
    pub data: PathBuf,
    /// The folder for the folds' runs.
    pub out: PathBuf,
    /// The settings of every fold; the protocol is set for each.
    pub settings: Settings,
    /// The device; default: [`Choice::Auto`].
    pub device: Choice,
    /// Folds that train at the same time; default: one on a GPU, and on the CPU engine as many as there are cores. The
    /// results are the same for any number.
    pub jobs: Option<usize>,
    /// Set to true, from any thread, it interrupts the training. The same cross-validation, started again, continues.
    /// A fold that fails sets it as well, so that the others stop, and it is cleared before [`crossval()`] returns.
    pub stop: Arc<AtomicBool>,
}

impl CrossvalOptions {
    /// Trains every fold with these settings, in folders named after the folds in `out`.
    pub fn new(data: impl Into<PathBuf>, out: impl Into<PathBuf>, settings: Settings) -> Self {
        CrossvalOptions {
            data: data.into(),
            out: out.into(),
            settings,
            device: Choice::Auto,
            jobs: None,
            stop: Arc::default(),
        }
    }
}

/// What happens in a cross-validation.
#[non_exhaustive]
pub enum CrossvalEvent<'a> {
    /// Before the training and after it: the device, warnings, and the batches that are evaluated.
    General(Event),
    /// A fold trains.
    Fold {
        /// The fold's number, from 0.
        number: usize,
        /// All folds.
        folds: &'a [Fold],
        /// What happens in its run.
        event: &'a train::Event<'a>,
    },
}

/// The result of a cross-validation.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Crossval {
    /// The preset that the settings are based on.
    pub preset: Preset,
    /// The seed.
    pub seed: u64,
    /// The folds.
    pub protocols: Vec<Protocol>,
    /// Top-1 of each fold, with mean and standard deviation.
    #[serde(flatten)]
    pub top1: Spread,
    /// The same of the temporal stream by itself, where a fixed weight fuses the streams.
    pub temporal: Option<Spread>,
    /// The same of the spatial stream by itself.
    pub spatial: Option<Spread>,
    /// All folds' test clips together.
    pub pooled: Report,
    /// A report for each fold.
    #[serde(skip)]
    pub reports: Vec<Report>,
}

/// Trains and evaluates every fold. Each is an ordinary run, scored as [`evaluate()`](crate::evaluate()) scores its best
/// weights. Runs that an interrupted cross-validation left are continued, and finished ones are only evaluated.
///
/// # Errors
/// [`Error::Exists`] where `out` holds a run itself; [`Error::Failed`] where a fold's run has other settings;
/// [`Error::Input`] for data without a folded protocol; [`Error::Interrupted`] after [`CrossvalOptions::stop`]; what
/// training and evaluation return.
pub fn crossval(
    options: &CrossvalOptions,
    events: &mut (dyn FnMut(CrossvalEvent<'_>) + Send),
) -> Result<Crossval> {
    if Run::exists(&options.out) {
        let help = "choose another folder for --out";
        return Err(Error::exists(&options.out, "it is a run itself", help));
    }
    let prepared = Arc::new(Prepared::open(&options.data)?);
    let protocols = Protocol::folds(prepared.manifest())?;
    let compute = open(options.device)?;
    let jobs = jobs(options.jobs, &compute)?;
    let mut general = |event: Event| events(CrossvalEvent::General(event));
    general(Event::Note(compute.describe()));
    let folds = resolve_folds(options, &protocols, &prepared, &compute, &mut general)?;
    for fold in &folds {
        fold.check()?;
    }
    {
        let shared = Mutex::new(&mut *events);
        let of_fold = |number: usize, event: train::Event<'_>| {
            let mut events = shared.lock().unwrap_or_else(PoisonError::into_inner);
            events(CrossvalEvent::Fold {
                number,
                folds: &folds,
                event: &event,
            });
        };
        train_folds(&folds, &prepared, &compute, jobs, &options.stop, &of_fold)?;
    }
    let mut general = |event: Event| events(CrossvalEvent::General(event));
    let mut scores: Vec<Vec<ClipScore>> = Vec::new();
    for fold in &folds {
        if options.stop.load(Ordering::Relaxed) {
            return Err(interrupted());
        }
        let clips = test_clips(fold.settings.run.protocol, &prepared)?;
        let weights = best_weights(&fold.folder)?;
        scores.push(score_clips(
            &weights,
            &prepared,
            &clips,
            &compute,
            &mut general,
        )?);
    }
    let classes = &prepared.manifest().classes;
    let reports: Vec<Report> = scores.iter().map(|s| Report::new(s, classes)).collect();
    Ok(Crossval {
        preset: folds[0].settings.run.preset,
        seed: folds[0].settings.run.seed,
        protocols,
        top1: Spread::of(reports.iter().map(|report| report.top1).collect()),
        temporal: Spread::of_stream(&reports, |report| report.temporal),
        spatial: Spread::of_stream(&reports, |report| report.spatial),
        pooled: Report::new(&scores.concat(), classes),
        reports,
    })
}

/// How many folds train at the same time: a small model leaves cores idle, and folds share the CPU engine's threads.
fn jobs(asked: Option<usize>, compute: &Compute) -> Result<usize> {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    match (asked, &compute.adapter) {
        (Some(0), _) => Err(Error::usage(
            "--jobs must be at least 1",
            "leave it out to train as many folds at a time as there are cores",
        )),
        (None, None) => Ok(cores()),
        (None | Some(1), Some(_)) => Ok(1),
        (Some(_), Some(_)) => Err(Error::usage(
            "several folds at a time train on the CPU engine only",
            "leave --jobs out, or use --device cpu",
        )),
        (Some(jobs), None) => Ok(jobs),
    }
}

/// The folds with their resolved settings. All use one kernel plan: that of a fold that was begun on the same device, if
/// there is one.
fn resolve_folds(
    options: &CrossvalOptions,
    protocols: &[Protocol],
    prepared: &Prepared,
    compute: &Compute,
    events: &mut dyn FnMut(Event),
) -> Result<Vec<Fold>> {
    let folder = |protocol: &Protocol| options.out.join(protocol.to_string());
    let begun = protocols.iter().filter(|p| Run::exists(&folder(p)));
    let mut plan = None;
    for protocol in begun {
        let stored = Run::settings_of(&folder(protocol))?;
        if stored.run.device == compute.run_name() {
            plan = Some(stored.run.plan);
        }
    }
    let mut folds = Vec::new();
    for protocol in protocols {
        let folder = folder(protocol);
        let mut settings = options.settings.clone();
        settings.run.protocol = (*protocol).into();
        if let (Some(plan), true) = (&plan, settings.run.plan.is_auto()) {
            settings.run.plan = plan.clone().into();
        }
        let target = Target {
            prepared,
            compute,
            ranks: 1,
            folder: &folder,
        };
        let settings = resolve(&settings, &target, &mut |note| events(Event::Note(note)))?;
        test_clips(*protocol, prepared)?;
        for warning in training_warnings(&settings, prepared)? {
            events(Event::Warning(format!("{protocol}: {warning}")));
        }
        plan = Some(settings.run.plan.clone());
        folds.push(Fold { folder, settings });
    }
    Ok(folds)
}
