//! Class probabilities of clips, and the accuracies that follow from them.

mod confusion;
mod report;

pub use confusion::Confusion;
pub use report::{ClassRow, Measures, Report, ranking};

use crate::error::{Error, Result};
use crate::loader::{Batch, Loader};
use crate::lstm::Context;
use crate::model::{Outputs, TwoStream, read_tensor};
use crate::settings::Fusion;
use burn::tensor::{Device, Tensor, TensorData, activation};
use std::collections::BTreeMap;

/// One clip's probabilities, averaged over its people and samplings.
#[derive(Debug, Clone, PartialEq)]
pub struct ClipScore {
    /// The clip, as the prepared data number it.
    pub clip: usize,
    /// Its class.
    pub label: usize,
    /// A probability a class.
    pub probabilities: Vec<f64>,
    /// Those of the temporal stream alone and of the spatial one; none where learnt gates make the score.
    pub streams: Option<[Vec<f64>; 2]>,
}

/// Probabilities of rows, [rows, K] in C order.
#[derive(Debug, Clone, PartialEq)]
struct RowScores {
    fused: Vec<f32>,
    /// Of the temporal stream alone and of the spatial one.
    streams: Option<[Vec<f32>; 2]>,
}

/// A model on a device, ready to say something about batches.
pub struct Evaluator<'a> {
    /// The model, without autodiff.
    pub model: &'a TwoStream,
    /// Where it is.
    pub device: &'a Device,
    /// How the device runs the LSTM kernels.
    pub context: Context,
}

/// The rows `start..end` of a batch on a device, [rows, T, J, C].
pub fn inputs(batch: &Batch, start: usize, end: usize, device: &Device) -> Tensor<4> {
    let row = batch.frames * batch.joints * batch.channels;
    let shape = [end - start, batch.frames, batch.joints, batch.channels];
    let values = batch.x[start * row..end * row].to_vec();
    Tensor::from_data(TensorData::new(values, shape), device)
}

impl Evaluator<'_> {
    /// The model's outputs for a batch, in pieces that fit the device.
    pub fn outputs<'b>(&'b self, batch: &'b Batch) -> impl Iterator<Item = Outputs> + 'b {
        let rows = self.model.architecture().largest_batch(self.context);
        (0..batch.len()).step_by(rows).map(move |start| {
            let end = (start + rows).min(batch.len());
            let x = inputs(batch, start, end, self.device);
            self.model.forward(x, None, self.context)
        })
    }

    /// Probabilities of each row of a batch, row after row.
    ///
    /// # Errors
    /// [`Error::Device`] where the device fails.
    pub fn probabilities(&self, batch: &Batch) -> Result<Vec<f32>> {
        let mut all = Vec::with_capacity(batch.len() * self.model.architecture().classes);
        for outputs in self.outputs(batch) {
            all.extend(read_tensor(outputs.probabilities())?);
        }
        check_finite(&all)?;
        Ok(all)
    }

    /// The same, and those of each stream alone where a fixed weight fuses them.
    fn scores(&self, batch: &Batch) -> Result<RowScores> {
        let weighted = self.model.architecture().model.fusion == Fusion::Weighted;
        let mut scores = RowScores {
            fused: Vec::new(),
            streams: weighted.then(Default::default),
        };
        for outputs in self.outputs(batch) {
            let fused = outputs.probabilities();
            let Some([temporal, spatial]) = &mut scores.streams else {
                scores.fused.extend(read_tensor(fused)?);
                continue;
            };
            let alone = [outputs.temporal, outputs.spatial];
            let mut all = vec![fused];
            all.extend(alone.map(|logits| activation::softmax(logits, 1)));
            // One read: each waits for the device.
            let all = read_tensor(Tensor::cat(all, 0))?;
            let (of_fused, of_streams) = all.split_at(all.len() / 3);
            let (of_temporal, of_spatial) = of_streams.split_at(of_fused.len());
            scores.fused.extend(of_fused);
            temporal.extend(of_temporal);
            spatial.extend(of_spatial);
        }
        check_finite(&scores.fused)?;
        Ok(scores)
    }

    /// Scores every clip of a loader, in order. `progress` is called after each batch.
    ///
    /// # Errors
    /// A clip that cannot be read, a device that fails.
    pub fn clips(&self, loader: &Loader, progress: &mut dyn FnMut()) -> Result<Vec<ClipScore>> {
        let classes = self.model.architecture().classes;
        let mut sums: BTreeMap<usize, (usize, ClipScore)> = BTreeMap::new();
        for batch in loader.epoch(0, 0) {
            let batch = batch?;
            let scores = self.scores(&batch)?;
            for (row, (&clip, &label)) in batch.clips.iter().zip(&batch.labels).enumerate() {
                let (rows, sum) = sums.entry(clip).or_insert_with(|| {
                    let zeros = || vec![0.0; classes];
                    let score = ClipScore {
                        clip,
                        label,
                        probabilities: zeros(),
                        streams: scores.streams.is_some().then(|| [zeros(), zeros()]),
                    };
                    (0, score)
                });
                *rows += 1;
                let of = |all: &[f32], sum: &mut [f64]| add(sum, &all[row * classes..][..classes]);
                of(&scores.fused, &mut sum.probabilities);
                if let (Some(sums), Some(all)) = (&mut sum.streams, &scores.streams) {
                    all.iter().zip(sums).for_each(|(all, sum)| of(all, sum));
                }
            }
            progress();
        }
        let mean = |(rows, mut score): (usize, ClipScore)| {
            let streams = score.streams.iter_mut().flatten();
            let sums = std::iter::once(&mut score.probabilities).chain(streams);
            sums.flatten().for_each(|sum| *sum /= rows as f64);
            score
        };
        Ok(sums.into_values().map(mean).collect())
    }
}

fn add(sum: &mut [f64], row: &[f32]) {
    sum.iter_mut()
        .zip(row)
        .for_each(|(s, p)| *s += f64::from(*p));
}

/// Refuses scores that are NaN or infinite.
fn check_finite(probabilities: &[f32]) -> Result<()> {
    if probabilities.iter().any(|p| !p.is_finite()) {
        return Err(Error::failed(
            "the model's scores are NaN or infinite",
            "its weights are damaged, or an input is far outside what it was trained on",
        ));
    }
    Ok(())
}

/// The mean over some rows of their probabilities.
///
/// # Errors
/// [`Error::Setting`] where there is no row.
pub fn mean_rows(probabilities: &[f32], classes: usize) -> Result<Vec<f64>> {
    let rows = probabilities.len() / classes.max(1);
    if rows == 0 {
        return Err(Error::setting(
            "the clip has no person to score",
            "use a clip with a skeleton",
        ));
    }
    let mut mean = vec![0.0; classes];
    for row in probabilities.chunks_exact(classes) {
        mean.iter_mut()
            .zip(row)
            .for_each(|(m, p)| *m += f64::from(*p) / rows as f64);
    }
    Ok(mean)
}
