//! Dropout masks that depend on a key alone, so that a resumed or a split batch sees the same ones.

use crate::rng::Rng;
use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;

/// Words that keep the streams' masks apart.
const PURPOSE: u64 = 0x6472_6f70;

/// Which masks to draw: those of one optimisation step, for rows from `first_row` of its global batch.
#[derive(Debug, Clone, Copy)]
pub struct Dropout {
    /// Share of values set to zero; the others are divided by what is left.
    pub rate: f32,
    /// Share of hidden units that a sample's recurrence does without.
    pub recurrent: f32,
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
        let [rows, width] = x.dims();
        match self.mask(self.rate, [rows, width], layer, per_row, &x.device()) {
            Some(mask) => x * mask,
            None => x,
        }
    }

    /// The mask [G, B, H] of a recurrence of `groups` groups, the same at every step.
    pub fn recurrent(
        &self,
        [groups, rows, hidden]: [usize; 3],
        layer: u64,
        per_row: usize,
        device: &Device,
    ) -> Option<Tensor<3>> {
        let mask = self.mask(
            self.recurrent,
            [rows, groups * hidden],
            layer,
            per_row,
            device,
        )?;
        Some(mask.reshape([rows, groups, hidden]).swap_dims(0, 1))
    }

    /// Factors [rows, width]: zero with the probability `rate`, else what keeps the mean.
    fn mask(
        &self,
        rate: f32,
        [rows, width]: [usize; 2],
        layer: u64,
        per_row: usize,
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
                let sample = (self.first_row + row / per_row) as u64;
                let path = [PURPOSE, self.step, layer, sample, (row % per_row) as u64];
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
