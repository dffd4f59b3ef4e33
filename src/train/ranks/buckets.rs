//! Gradients summed over the ranks in a few flat pieces.

use super::Ranks;
use crate::error::Result;
use crate::model::read_tensor;
use crate::train::optimiser::Gradients;
use burn::tensor::{Tensor, TensorData};
use std::time::{Duration, Instant};

/// Numbers of a bucket, 25 MiB: few enough calls, and never a second copy of all gradients. A larger gradient is a bucket
/// of its own.
const BUCKET: usize = 25 << 18;

/// Replaces every gradient by its sum over the ranks, which must all have those of the same names; returns the time in
/// which the ranks exchanged them, less that in which the device made them.
///
/// # Errors
/// [`crate::Error::Device`] where the device cannot be read.
pub fn sum_gradients(ranks: &dyn Ranks, gradients: &mut Gradients) -> Result<Duration> {
    let mut took = Duration::ZERO;
    let mut rest = std::mem::take(gradients).into_iter().peekable();
    while let Some(first) = rest.next() {
        let (device, mut size) = (first.1.device(), first.1.dims()[0]);
        let mut bucket = vec![first];
        while let Some(next) = rest.next_if(|(_, g)| size + g.dims()[0] <= BUCKET) {
            size += next.1.dims()[0];
            bucket.push(next);
        }
        let flat = bucket.iter().map(|(_, gradient)| gradient.clone());
        let mut values = read_tensor(Tensor::cat(flat.collect(), 0))?;
        let started = Instant::now();
        ranks.sum(&mut values);
        took += started.elapsed();
        let flat = Tensor::<1>::from_data(TensorData::new(values, [size]), &device);
        let mut start = 0;
        for (name, gradient) in bucket {
            let end = start + gradient.dims()[0];
            gradients.insert(name, flat.clone().slice(start..end));
            start = end;
        }
    }
    Ok(took)
}
