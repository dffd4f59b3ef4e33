//! Evaluates a run and writes its page.

use super::{RunFacts, page};
use crate::device::Choice;
use crate::error::Result;
use crate::evaluate::{EvaluateOptions, Evaluation, evaluate};
use crate::event::Event;
use crate::files::{self, OutputKind};
use crate::train::{CheckpointChoice, REPORT_PAGE, Run, best, check_output, data_of, lost_epochs};
use std::path::{Path, PathBuf};

/// Of which run to write a page, and where.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ReportOptions {
    /// The run's folder.
    pub run: PathBuf,
    /// The page; default: [`REPORT_PAGE`] in the run's folder.
    pub out: Option<PathBuf>,
    /// Prepared data; default: those that the run was trained on.
    pub data: Option<PathBuf>,
    /// Which weights; default: the best, or those of the last checkpoint where no epoch is finished.
    pub checkpoint: Option<CheckpointChoice>,
    /// The device; default: [`Choice::Auto`].
    pub device: Choice,
}

impl ReportOptions {
    /// A page in the run's folder.
    pub fn new(run: impl Into<PathBuf>) -> Self {
        ReportOptions {
            run: run.into(),
            out: None,
            data: None,
            checkpoint: None,
            device: Choice::Auto,
        }
    }
}

/// Evaluates a run on its test clips, if its data have any, and writes a self-contained HTML page: curves, accuracies,
/// confusions, the clips with the lowest probability of their class, settings and device. Returns the page's path.
///
/// # Errors
/// As [`evaluate()`]; [`Error::Exists`](crate::Error::Exists) for a page that exists and is not HTML, or that a run needs.
pub fn report(options: &ReportOptions, events: &mut dyn FnMut(Event)) -> Result<PathBuf> {
    let page = options.out.clone();
    let page = page.unwrap_or_else(|| options.run.join(REPORT_PAGE));
    check_output(&page, OutputKind::Page)?;
    let settings = Run::settings_of(&options.run)?;
    let prepared = data_of(&options.run, &settings, options.data.as_deref())?;
    let protocol = settings.run.protocol;
    let (share, seed) = (settings.train.validation, settings.run.seed);
    let split = protocol.split(prepared.manifest(), share, seed)?;
    let evaluation = if split.test.is_empty() {
        None
    } else {
        let newest = if best(&options.run).exists() {
            CheckpointChoice::Best
        } else {
            CheckpointChoice::Last
        };
        let mut evaluating = EvaluateOptions::new(&options.run);
        evaluating.data = options.data.clone();
        evaluating.checkpoint = options.checkpoint.clone().unwrap_or(newest);
        evaluating.device = options.device;
        Some(evaluate(&evaluating, events)?)
    };
    let mut warn = |text: String| events(Event::Warning(text));
    write_run_page(&options.run, &page, evaluation.as_ref(), &mut warn)?;
    Ok(page)
}

/// Writes the page of a run, with the evaluation on its test clips. `warn` receives what the run has lost.
///
/// # Errors
/// Metrics that cannot be read; a page that cannot be written.
pub fn write_run_page(
    run: &Path,
    out: &Path,
    evaluation: Option<&Evaluation>,
    warn: &mut dyn FnMut(String),
) -> Result<()> {
    let metrics = Run::metrics(run)?;
    if let Some(lost) = lost_epochs(run, &metrics) {
        warn(lost.to_string());
    }
    let html = page(&RunFacts {
        settings: &Run::settings_of(run)?,
        metrics: &metrics,
        timing: &Run::timing(run)?,
        tested: evaluation,
    })?;
    files::write(out, files::seal(&html).as_bytes())
}
