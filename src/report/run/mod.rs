//! A run as a page: its curves, what it gets right and wrong on the test clips, and how it was made.

mod classes;
mod clips;
mod curves;
mod number;
mod page;

pub use page::page;

use crate::evaluate::{ClipScore, Report};
use crate::settings::ResolvedSettings;
use crate::shards::Prepared;
use crate::train::{EpochMetrics, EpochTiming};

/// What a run's page shows.
pub struct RunFacts<'a> {
    /// The settings.
    pub recipe: &'a ResolvedSettings,
    /// The epochs that are finished.
    pub metrics: &'a [EpochMetrics],
    /// Their times.
    pub timing: &'a [EpochTiming],
    /// What the model says of the test clips; none where the protocol has none.
    pub tested: Option<Tested<'a>>,
}

/// What a model says of the test clips.
pub struct Tested<'a> {
    /// The data that they are in.
    pub prepared: &'a Prepared,
    /// Which weights.
    pub weights: String,
    /// One line on the device.
    pub device: String,
    /// The protocol.
    pub protocol: String,
    /// A clip's probabilities.
    pub scores: &'a [ClipScore],
    /// What they are worth.
    pub report: &'a Report,
}
