//! Mean and standard deviation over folds.

use crate::evaluate::{Measures, Report};
use serde::Serialize;

/// A figure over the folds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Spread {
    /// Its value in each fold.
    pub folds: Vec<f64>,
    /// The mean.
    pub mean: f64,
    /// The sample standard deviation; 0 for a single fold.
    pub std: f64,
}

impl Spread {
    /// Of the values in each fold.
    pub(super) fn of(folds: Vec<f64>) -> Self {
        let count = folds.len() as f64;
        let mean = folds.iter().sum::<f64>() / count;
        let squares: f64 = folds.iter().map(|x| (x - mean) * (x - mean)).sum();
        let std = (squares / (count - 1.0).max(1.0)).sqrt();
        Spread { folds, mean, std }
    }

    /// Of one stream's top-1, where every fold has it.
    pub(super) fn of_stream(
        reports: &[Report],
        stream: fn(&Report) -> Option<Measures>,
    ) -> Option<Self> {
        let values = reports.iter().map(|report| Some(stream(report)?.top1));
        values.collect::<Option<_>>().map(Spread::of)
    }
}
