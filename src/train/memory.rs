//! Whether a training step fits the device's memory, checked before a run starts.

use super::optimiser::Optimiser;
use super::shape::architecture;
use crate::device::Compute;
use crate::error::{Error, Result};
use crate::lstm::{Context, Plan};
use crate::settings::ResolvedSettings;
use crate::shards::Manifest;

/// Refuses settings whose steps, shared by `ranks` devices like this one, need more memory than the device has.
/// If the amount is unknown, only a matrix larger than a kernel can read is refused.
///
/// # Errors
/// [`Error::Memory`] with what a step needs, and the largest batch that divides `train.batch` and fits.
pub fn fits(
    settings: &ResolvedSettings,
    manifest: &Manifest,
    compute: &Compute,
    ranks: usize,
) -> Result<()> {
    let architecture = architecture(settings, manifest);
    let (matrix, largest) = (architecture.largest_matrix(), compute.largest());
    if compute.adapter.is_some() && matrix > largest {
        let what = format!(
            "a matrix of model.hidden={} has {}, and a kernel on {} reads {} at most",
            settings.model.hidden,
            mib(matrix as u64),
            compute.name(),
            mib(largest as u64),
        );
        return Err(Error::memory(
            what,
            "lower model.hidden, or use --device cpu",
        ));
    }
    let Some(memory) = compute.memory() else {
        return Ok(());
    };
    // A larger batch goes through the model in pieces of this size.
    let most = architecture.largest_batch(Context::on(compute, Plan::STEPWISE));
    let train = &settings.train;
    // Weights, gradients and the optimiser's state.
    let copies = 2 + Optimiser::moments(train);
    let model = (copies * architecture.parameter_count() * size_of::<f32>()) as u64;
    let need = |batch: usize| model + architecture.step_bytes(batch.div_ceil(ranks).min(most));
    if need(train.batch) <= memory {
        return Ok(());
    }
    let fitting = (2..=train.batch)
        .filter(|pieces| train.batch.is_multiple_of(*pieces))
        .find(|pieces| need(train.batch / pieces) <= memory);
    let what = format!(
        "a step with train.batch={} needs {} of memory at least, {} of it for the model, and {} has {}",
        train.batch,
        mib(need(train.batch)),
        mib(model),
        compute.name(),
        mib(memory),
    );
    let help = match fitting {
        Some(pieces) => format!(
            "train.batch={} with train.accumulate={} takes {} for as many samples a step",
            train.batch / pieces,
            train.accumulate * pieces,
            mib(need(train.batch / pieces)),
        ),
        None => "lower model.hidden or data.frames, or use another device".into(),
    };
    Err(Error::memory(what, help))
}

fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}
