//! Everything that the ranks of a run exchange, besides gradients ([`super::sum_gradients`]) and a step's numbers.
//!
//! In order: the first rank sends its settings, then, when its session is set up, a checkpoint of where the run begins.
//! While training, all agree after each step whether to stop, sum their validation results, and compare their weights at
//! each checkpoint. After a divergence the first rank sends the checkpoint to which all return.

use super::Ranks;
use crate::error::{Error, Result};
use crate::files::Numbers;
use crate::settings::ResolvedSettings;
use crate::train::checkpoint::{Best, Checkpoint};
use std::collections::BTreeMap;
use xxhash_rust::xxh3::Xxh3;

/// Sends the settings from the first rank to the others.
///
/// # Errors
/// As [`ResolvedSettings::to_toml`].
pub fn send_settings(ranks: &dyn Ranks, settings: &ResolvedSettings) -> Result<()> {
    if ranks.rank().count > 1 {
        ranks.broadcast(settings.to_toml()?.into_bytes());
    }
    Ok(())
}

/// The settings that the first rank sent, at another rank.
///
/// # Errors
/// [`Error::Usage`] where the first rank is another version of the program.
pub fn receive_settings(ranks: &dyn Ranks) -> Result<ResolvedSettings> {
    let text = ranks.broadcast(Vec::new());
    ResolvedSettings::from_toml(&String::from_utf8_lossy(&text)).map_err(|error| match error {
        Error::Usage { what, .. } => Error::usage(what, "give all ranks the same program"),
        other => other,
    })
}

/// Sends a checkpoint from the first rank to the others; `checkpoint` is called where there are any.
///
/// # Errors
/// What `checkpoint` returns.
pub fn send_checkpoint(
    ranks: &dyn Ranks,
    checkpoint: impl FnOnce() -> Result<Checkpoint>,
) -> Result<()> {
    if ranks.rank().count > 1 {
        ranks.broadcast(checkpoint()?.to_bytes()?);
    }
    Ok(())
}

/// The checkpoint that the first rank sent, at another rank.
///
/// # Errors
/// [`Error::Input`] where it is damaged.
pub fn receive_checkpoint(ranks: &dyn Ranks) -> Result<Checkpoint> {
    Checkpoint::from_bytes(&ranks.broadcast(Vec::new()))
}

/// The validation result of all ranks from that of `clips` clips at each.
pub fn sum_validation(ranks: &dyn Ranks, clips: usize, mine: Best) -> Best {
    if ranks.rank().count == 1 {
        return mine;
    }
    let mut sums = [0.0; 3];
    if clips > 0 {
        let clips = clips as f64;
        sums = [clips, (mine.top1 * clips).round(), mine.loss * clips];
    }
    ranks.sum_doubles(&mut sums);
    let [clips, right, loss] = sums;
    Best {
        top1: right / clips,
        loss: loss / clips,
        epoch: mine.epoch,
    }
}

/// Refuses parameters that differ between ranks in any bit, as on devices of different kinds.
///
/// # Errors
/// [`Error::Failed`], at all ranks.
pub fn check_same_weights(ranks: &dyn Ranks, parameters: &BTreeMap<String, Numbers>) -> Result<()> {
    if ranks.rank().count == 1 {
        return Ok(());
    }
    let mut hash = Xxh3::new();
    for (_, values) in parameters.values() {
        hash.update(bytemuck::cast_slice(values));
    }
    let mine = hash.digest().to_le_bytes().to_vec();
    let first = ranks.broadcast(mine.clone());
    if !ranks.any(mine != first) {
        return Ok(());
    }
    Err(Error::failed(
        "the ranks' weights are not the same any more",
        "give every rank the same kind of device, driver and program, and resume",
    ))
}
