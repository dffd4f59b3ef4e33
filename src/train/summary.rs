//! What a finished training returns.

use super::checkpoint::Best;
use std::path::PathBuf;

/// A run that was trained to its last epoch.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TrainSummary {
    /// The run's folder.
    pub run: PathBuf,
    /// Epochs that were trained.
    pub epochs: usize,
    /// The validation result of the best epoch; none where no clips are held out, so that the last epoch counts.
    pub best: Option<Best>,
    /// The best weights.
    pub weights: PathBuf,
}
