//! Refuses values that cannot be meant.

use super::{Recipe, ScheduleKind};
use crate::error::{Error, Result};

/// Refuses a recipe with a number that cannot be meant.
///
/// # Errors
/// [`Error::Usage`] that names the first setting outside its range, and the range.
pub fn check(recipe: &Recipe) -> Result<()> {
    let Recipe {
        model,
        data,
        augment,
        train,
        schedule,
        ..
    } = recipe;
    let step = usize::from(schedule.kind == ScheduleKind::Step);
    let whole = [
        ("model.hidden", model.hidden, 0, 8_192),
        ("model.part_hidden", model.part_hidden, 0, 8_192),
        ("data.frames", data.frames, 0, 10_000),
        ("data.test_clips", data.test_clips, 1, 1_000),
        ("train.batch", train.batch, 0, 1 << 20),
        ("train.accumulate", train.accumulate, 1, 1 << 20),
        ("train.eval_batch", train.eval_batch, 1, 1 << 20),
        ("train.eval_every", train.eval_every, 1, usize::MAX),
        ("train.epochs", train.epochs, 0, 1_000_000),
        ("train.keep", train.keep, 1, usize::MAX),
        ("schedule.step", schedule.step, step, usize::MAX),
    ];
    if let Some((key, _, low, high)) = whole.iter().find(|(_, n, low, high)| n < low || n > high) {
        let range = if *high == usize::MAX {
            format!("at least {low}")
        } else {
            format!("from {low} to {high}")
        };
        return Err(refused(key, &range));
    }
    if (1..4).contains(&data.frames) {
        // The spatial stream has four windows.
        return Err(refused("data.frames", "0 or at least 4"));
    }
    let shares = [
        ("model.fusion_weight", f64::from(model.fusion_weight), 1.0),
        ("model.dropout", model.dropout.into(), 0.99),
        (
            "model.recurrent_dropout",
            model.recurrent_dropout.into(),
            0.99,
        ),
        ("augment.crop", augment.crop.into(), 0.99),
        ("augment.probability", augment.probability.into(), 1.0),
        ("augment.scale", augment.scale.into(), 0.99),
        ("augment.shear", augment.shear.into(), 10.0),
        ("augment.noise", augment.noise.into(), 1e6),
        ("train.label_smoothing", train.label_smoothing.into(), 0.99),
        ("train.lr", train.lr, 1e6),
        ("train.weight_decay", train.weight_decay, 1e6),
        ("train.momentum", train.momentum, 0.999_999),
        ("train.clip_norm", train.clip_norm, 1e9),
        ("schedule.gamma", schedule.gamma, 1e6),
        ("schedule.warmup", schedule.warmup, 1e6),
    ];
    // A number that is none is not within anything, and fails both comparisons.
    if train.validation != -1.0 && !(0.0..=0.99).contains(&train.validation) {
        return Err(refused("train.validation", "-1 or a number from 0 to 0.99"));
    }
    // Most settings are f32, whose 0.99 is a little more than that of f64.
    let within = |x: f64, high: f64| x >= 0.0 && (x <= high || x as f32 <= high as f32);
    match shares.iter().find(|(_, x, high)| !within(*x, *high)) {
        Some((key, _, high)) => Err(refused(key, &format!("a number from 0 to {high}"))),
        None => finite(recipe),
    }
}

/// The lists of numbers.
fn finite(recipe: &Recipe) -> Result<()> {
    let whole = |numbers: &[f32]| numbers.iter().all(|x| x.is_finite());
    if !whole(&recipe.augment.rotation) {
        return Err(refused("augment.rotation", "three angles in radians"));
    }
    if !whole(&[recipe.data.test_turn]) {
        return Err(refused("data.test_turn", "an angle in radians"));
    }
    if !whole(&recipe.data.scale) {
        return Err(refused("data.scale", "three factors"));
    }
    Ok(())
}

fn refused(key: &str, range: &str) -> Error {
    Error::usage(
        format!("{key} must be {range}"),
        "change it in the file or with --set",
    )
}
