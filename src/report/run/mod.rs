//! The HTML report of a run: curves, results on the test clips, device and settings.

mod classes;
mod clips;
mod curves;
mod number;
mod page;
mod write;

pub use page::page;
pub use write::{ReportOptions, report, write_run_page};

use crate::evaluate::Evaluation;
use crate::settings::ResolvedSettings;
use crate::train::{EpochMetrics, EpochTiming};

/// The contents of a run's report.
pub struct RunFacts<'a> {
    /// The settings.
    pub settings: &'a ResolvedSettings,
    /// Metrics of the finished epochs.
    pub metrics: &'a [EpochMetrics],
    /// Times of the finished epochs.
    pub timing: &'a [EpochTiming],
    /// Evaluation on the test clips; `None` if the protocol has none.
    pub tested: Option<&'a Evaluation>,
}
