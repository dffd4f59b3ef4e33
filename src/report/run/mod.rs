//! A run as a page: its curves, what it gets right and wrong on the test clips, and how it was made.

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

/// What a run's page shows.
pub struct RunFacts<'a> {
    /// The settings.
    pub recipe: &'a ResolvedSettings,
    /// The epochs that are finished.
    pub metrics: &'a [EpochMetrics],
    /// Their times.
    pub timing: &'a [EpochTiming],
    /// The evaluation on the test clips; none where the protocol has none.
    pub tested: Option<&'a Evaluation>,
}
