//! The HTML report of a run: curves, results on the test clips, device and settings.

mod classes;
mod clips;
mod curves;
mod number;
mod page;

pub use page::page;

use crate::evaluate::{ClipScore, Report};
use crate::recipe::Recipe;
use crate::shards::Prepared;
use crate::train::{EpochMetrics, EpochTiming};

/// The contents of a run's report.
pub struct RunFacts<'a> {
    /// The settings.
    pub recipe: &'a Recipe,
    /// Metrics of the finished epochs.
    pub metrics: &'a [EpochMetrics],
    /// Times of the finished epochs.
    pub timing: &'a [EpochTiming],
    /// Results on the test clips; `None` if the protocol has none.
    pub tested: Option<Tested<'a>>,
}

/// Results of a model on the test clips.
pub struct Tested<'a> {
    /// The data that contains the clips.
    pub prepared: &'a Prepared,
    /// Description of the weights.
    pub weights: String,
    /// Description of the device.
    pub device: String,
    /// Name of the protocol.
    pub protocol: String,
    /// Probabilities of each clip.
    pub scores: &'a [ClipScore],
    /// Accuracies, loss and confusion matrix.
    pub report: &'a Report,
}
