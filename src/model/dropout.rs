//! Dropout masks that depend on a key alone, so that a resumed or a split batch sees the same ones.

use crate::rng::Rng;
use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;

/// Words that keep the streams' masks apart.
const PURPOSE: u64 = 0x6472_6f70;

/// Which masks to draw: those of one optimisation step, for rows from `first_row` of its global batch.
#[derive(Debug, Clone, Copy)]
pub struct Dropout {
    /// Share of values set to zero; the others are divided by what is left.
    pub rate: f32,
    /// The run's seed.
    pub seed: u64,
    /// The optimisation step.
    pub step: u64,
    /// The place of the first row in the global batch.
    pub first_row: usize,
}

impl Dropout {
    /// Drops values of `x` [rows · `per_row`, F], where `per_row` neighbouring rows belong to one sample.
    pub fn apply(&self, x: Tensor<2>, layer: u64, per_row: usize) -> Tensor<2> {
        if self.rate <= 0.0 {
            return x;
        }
        let [rows, width] = x.dims();
        let keep = 1.0 / (1.0 - self.rate);
        let mut mask = vec![0.0f32; rows * width];
        mask.par_chunks_mut(width)
            .enumerate()
            .for_each(|(row, mask)| {
                let sample = (self.first_row + row / per_row) as u64;
                let path = [PURPOSE, self.step, layer, sample, (row % per_row) as u64];
                let mut rng = Rng::new(self.seed, &path);
                mask.iter_mut()
                    .for_each(|m| *m = if rng.chance(self.rate) { 0.0 } else { keep });
            });
        let device = x.device();
        x * Tensor::from_data(TensorData::new(mask, [rows, width]), &device)
    }
}
