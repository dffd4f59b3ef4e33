//! The settings that the data decide, filled in once when a run starts.

use crate::error::Result;
use crate::loader;
use crate::recipe::{Mirror, Recipe};
use crate::shards::Prepared;

/// Training clips from which the hidden size is 512 and the batch 256.
const MANY_CLIPS: usize = 5_000;

/// Samples that a whole training sees where the number of epochs allows it.
const SAMPLES: usize = 2_400_000;

/// The recipe with every derived number filled in.
///
/// `data.frames` 0 and `data.people` auto as [`loader::settle`] says, `data.scale` as [`loader::settle_scale`] from the
/// clips in `train`. `train.batch` 0: 32 below 5,000 training clips, else 256. `model.hidden` 0: 128 below 5,000 training
/// clips, else 512. `model.part_hidden` 0: a quarter of the hidden size. `train.epochs` 0: 2.4 million samples, at
/// least 60 epochs and at most 240. `augment.mirror` auto: unless a class's name speaks of left or right.
///
/// # Errors
/// A clip that cannot be read.
pub fn settle(recipe: &Recipe, prepared: &Prepared, train: &[usize]) -> Result<Recipe> {
    let mut settled = recipe.clone();
    let training_clips = train.len();
    let data = loader::settle(&recipe.data, prepared.manifest());
    settled.data = loader::settle_scale(&data, prepared, train)?;
    if settled.augment.mirror == Mirror::Auto {
        let sided = prepared.manifest().classes.iter().any(|name| sided(name));
        settled.augment.mirror = if sided { Mirror::No } else { Mirror::Yes };
    }
    if settled.train.batch == 0 {
        settled.train.batch = if training_clips < MANY_CLIPS { 32 } else { 256 };
    }
    if settled.model.hidden == 0 {
        settled.model.hidden = if training_clips < MANY_CLIPS {
            128
        } else {
            512
        };
    }
    if settled.model.part_hidden == 0 {
        settled.model.part_hidden = (settled.model.hidden / 4).max(1);
    }
    if settled.train.epochs == 0 {
        settled.train.epochs = (SAMPLES / training_clips.max(1)).clamp(60, 240);
    }
    Ok(settled)
}

/// The share of training clips held out where the settings leave it open: none below 5,000 clips, each of which is worth
/// more in training than in choosing an epoch, else 0.05.
#[must_use]
pub fn held_out(training_clips: usize) -> f64 {
    if training_clips < MANY_CLIPS {
        0.0
    } else {
        0.05
    }
}

/// Whether a class's name tells left from right.
fn sided(class: &str) -> bool {
    let mut words = class.split(|c: char| !c.is_alphanumeric());
    words.any(|word| {
        ["left", "right", "clockwise"]
            .iter()
            .any(|side| word.eq_ignore_ascii_case(side))
    })
}
