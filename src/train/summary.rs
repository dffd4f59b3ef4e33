//! What a finished training returns.

use super::checkpoint::Best;
use std::path::PathBuf;

/// A run that was trained to its last epoch.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TrainSummary {
    /// Epochs that are finished.
    pub epochs: usize,
    /// The validation result of the best epoch; none where no clips are held out, so that the last epoch counts.
    pub best: Option<Best>,
    /// The file of the best weights.
    pub weights: PathBuf,
}
