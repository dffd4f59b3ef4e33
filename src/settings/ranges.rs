//! The range of every number among the settings.

use super::{ScheduleKind, Sections, Stage};
use crate::error::{Error, Result};

/// Refuses settings with a number outside its range.
///
/// # Errors
/// [`Error::Usage`] with the first such setting and its range.
pub fn check_ranges<S: Stage>(settings: &Sections<S>) -> Result<()> {
    whole_numbers(settings)?;
    fractions(settings)?;
    lists(settings)
}

/// A setting that cannot be left open.
fn closed<T>(value: T) -> (Vec<T>, &'static str) {
    (vec![value], "")
}

/// A setting that can be left open in settings as written.
fn open<S: Stage, T: super::SettingValue>(value: &S::Open<T>) -> (Vec<T>, &'static str) {
    (S::values(value), S::OR_OPEN)
}

fn whole_numbers<S: Stage>(settings: &Sections<S>) -> Result<()> {
    let Sections {
        model,
        data,
        train,
        schedule,
        ..
    } = settings;
    let step = usize::from(schedule.kind == ScheduleKind::Step);
    const ANY: usize = usize::MAX;
    let numbers = [
        ("model.hidden", open::<S, _>(&model.hidden), 1, 8_192),
        (
            "model.part_hidden",
            open::<S, _>(&model.part_hidden),
            1,
            8_192,
        ),
        // The spatial stream has four windows.
        ("data.frames", open::<S, _>(&data.frames), 4, 10_000),
        ("data.test_clips", closed(data.test_clips), 1, 1_000),
        ("train.batch", open::<S, _>(&train.batch), 1, 1 << 20),
        ("train.accumulate", closed(train.accumulate), 1, 1 << 20),
        ("train.eval_batch", closed(train.eval_batch), 1, 1 << 20),
        ("train.eval_every", closed(train.eval_every), 1, ANY),
        ("train.epochs", open::<S, _>(&train.epochs), 1, 1_000_000),
        ("train.keep", closed(train.keep), 1, ANY),
        ("schedule.step", closed(schedule.step), step, ANY),
    ];
    for (key, (values, or_open), low, high) in numbers {
        if values.iter().any(|n| *n < low || *n > high) {
            let range = match high {
                ANY => format!("at least {low}"),
                _ => format!("from {low} to {high}"),
            };
            return Err(out_of_range(key, &format!("{or_open}{range}")));
        }
    }
    Ok(())
}

fn fractions<S: Stage>(settings: &Sections<S>) -> Result<()> {
    let Sections {
        model,
        augment,
        train,
        schedule,
        ..
    } = settings;
    let single = |value: f32| closed(f64::from(value));
    let numbers = [
        ("model.fusion_weight", single(model.fusion_weight), 1.0),
        ("model.dropout", single(model.dropout), 0.99),
        (
            "model.recurrent_dropout",
            single(model.recurrent_dropout),
            0.99,
        ),
        ("augment.crop", single(augment.crop), 0.99),
        ("augment.probability", single(augment.probability), 1.0),
        ("augment.scale", single(augment.scale), 0.99),
        ("augment.shear", single(augment.shear), 10.0),
        ("augment.noise", single(augment.noise), 1e6),
        ("train.label_smoothing", single(train.label_smoothing), 0.99),
        ("train.lr", closed(train.lr), 1e6),
        ("train.weight_decay", closed(train.weight_decay), 1e6),
        ("train.momentum", closed(train.momentum), 0.999_999),
        ("train.clip_norm", closed(train.clip_norm), 1e9),
        ("train.validation", open::<S, f64>(&train.validation), 0.99),
        ("schedule.gamma", closed(schedule.gamma), 1e6),
        ("schedule.warmup", closed(schedule.warmup), 1e6),
    ];
    // NaN fails both comparisons. Most settings are f32, whose 0.99 is a little more than that of f64.
    let within = |x: f64, high: f64| x >= 0.0 && (x <= high || x as f32 <= high as f32);
    for (key, (values, or_open), high) in numbers {
        if !values.iter().all(|x| within(*x, high)) {
            let range = format!("{or_open}a number from 0 to {high}");
            return Err(out_of_range(key, &range));
        }
    }
    Ok(())
}

fn lists<S: Stage>(settings: &Sections<S>) -> Result<()> {
    if !settings.augment.rotation.iter().all(|x| x.is_finite()) {
        return Err(out_of_range("augment.rotation", "three angles in radians"));
    }
    if !settings.data.test_turn.is_finite() {
        return Err(out_of_range("data.test_turn", "an angle in radians"));
    }
    let factors = settings.data.scale.iter().flat_map(|x| S::values::<f32>(x));
    if !factors.into_iter().all(|x| x.is_finite() && x != 0.0) {
        let range = format!("{}three factors other than 0", S::OR_OPEN);
        return Err(out_of_range("data.scale", &range));
    }
    Ok(())
}

fn out_of_range(key: &str, range: &str) -> Error {
    Error::usage(
        format!("{key} must be {range}"),
        "change it in the file or with --set",
    )
    .about_key(key)
}
