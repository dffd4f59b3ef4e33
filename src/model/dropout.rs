//! Dropout masks that depend on their key only, so that a resumed run and a split batch get the same ones.

use crate::rng::Rng;
use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;

/// Separates the masks' random numbers from those drawn for other purposes.
const PURPOSE: u64 = 0x6472_6f70;

/// Draws the masks of one optimisation step, for samples from `first_row` of its global batch.
#[derive(Debug, Clone, Copy)]
pub struct Dropout {
    /// Probability that a feature is set to zero; the others are divided by one minus it.
    pub rate: f32,
    /// The same for the hidden units of a recurrence.
    pub recurrent: f32,
    /// The run's seed.
    pub seed: u64,
    /// The optimisation step.
    pub step: u64,
    /// Index of the first sample in the global batch.
    pub first_row: usize,
}

impl Dropout {
    /// Applies dropout to features `x` [rows, F], where `rows_per_sample` neighbouring rows belong to one sample.
    pub fn apply(&self, x: Tensor<2>, key: u64, rows_per_sample: usize) -> Tensor<2> {
        let [rows, width] = x.dims();
        match self.mask(self.rate, [rows, width], key, rows_per_sample, &x.device()) {
            Some(mask) => x * mask,
            None => x,
        }
    }

    /// The mask [G, rows, H] of a recurrence, the same at every step. None without recurrent dropout.
    pub fn recurrent(
        &self,
        [groups, rows, hidden]: [usize; 3],
        key: u64,
        rows_per_sample: usize,
        device: &Device,
    ) -> Option<Tensor<3>> {
        let mask = self.mask(
            self.recurrent,
            [rows, groups * hidden],
            key,
            rows_per_sample,
            device,
        )?;
        Some(mask.reshape([rows, groups, hidden]).swap_dims(0, 1))
    }

    /// Factors [rows, width]: zero with probability `rate`, otherwise 1 / (1 − rate), which keeps the mean.
    fn mask(
        &self,
        rate: f32,
        [rows, width]: [usize; 2],
        key: u64,
        rows_per_sample: usize,
        device: &Device,
    ) -> Option<Tensor<2>> {
        if rate <= 0.0 {
            return None;
        }
        let keep = 1.0 / (1.0 - rate);
        let mut mask = vec![0.0f32; rows * width];
        mask.par_chunks_mut(width)
            .enumerate()
            .for_each(|(row, mask)| {
                let sample = (self.first_row + row / rows_per_sample) as u64;
                let path = [
                    PURPOSE,
                    self.step,
                    key,
                    sample,
                    (row % rows_per_sample) as u64,
                ];
                let mut rng = Rng::new(self.seed, &path);
                mask.iter_mut()
                    .for_each(|m| *m = if rng.chance(rate) { 0.0 } else { keep });
            });
        Some(Tensor::from_data(
            TensorData::new(mask, [rows, width]),
            device,
        ))
    }
}
