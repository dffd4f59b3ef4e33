//! The messages of a run.

use super::checkpoint::Position;
use super::epochs::{EpochMetrics, EpochTiming};
use std::time::Duration;

/// What happens in a run. Later versions can add variants.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The sizes of the work.
    Started {
        /// Training clips, validation clips, test clips.
        clips: [usize; 3],
        /// Training samples of an epoch.
        samples: usize,
        /// Optimisation steps of an epoch.
        steps: usize,
        /// Numbers that are learnt.
        parameters: usize,
        /// Where the run goes on.
        position: &'a Position,
    },
    /// A step is done.
    Step {
        /// How far the run is.
        position: &'a Position,
        /// Steps of an epoch.
        steps: usize,
        /// Epochs of the run.
        epochs: usize,
        /// Rate of the step.
        lr: f64,
        /// Samples a second since the start.
        samples_per_s: f64,
        /// Share of the time in which the device waited for data.
        data_wait: f64,
        /// Time left at this speed.
        left: Duration,
    },
    /// An epoch is done and its checkpoint written.
    Epoch {
        /// Its numbers.
        metrics: &'a EpochMetrics,
        /// Its times.
        timing: &'a EpochTiming,
        /// Epochs of the run.
        epochs: usize,
        /// Time left at this epoch's speed.
        left: Duration,
    },
    /// What was chosen, such as the device and the plan.
    Note(String),
    /// Something to know that stops nothing.
    Warning(String),
}
