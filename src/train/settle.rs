//! The settings that the data decide, filled in once when a run starts.

use crate::error::Result;
use crate::loader::{self, features};
use crate::model::Architecture;
use crate::recipe::{Actors, Recipe};
use crate::shards::{Manifest, Prepared};
use crate::skeleton::Layout;

/// Training clips from which the hidden size is 512 and the batch 256.
const MANY_CLIPS: usize = 5_000;

/// Samples that a whole training sees where the number of epochs allows it.
const SAMPLES: usize = 2_400_000;

/// The recipe with every derived number filled in.
///
/// All of it follows from the training clips, `train`, alone. `data.frames` 0, `data.people` and `data.centre` auto as
/// [`loader::settle`] says, `data.scale` as [`loader::settle_scale`]. `train.batch` 0: 32 below 5,000 training clips, else 256.
/// `model.hidden` 0: 128 below 5,000 training clips, else 512. `model.part_hidden` 0: a quarter of the hidden size.
/// `train.epochs` 0: 2.4 million samples, at least 60 epochs and at most 240.
///
/// The preset `paper` has its own rule where one is printed. `model.hidden` 0: 256 for SBU, else 512. `data.frames` 0: 35
/// for SBU, else 100. `data.actors` auto: its authors' rule for NTU, that every body that moves is a sample.
///
/// # Errors
/// A clip that cannot be read.
pub fn settle(recipe: &Recipe, prepared: &Prepared, train: &[usize]) -> Result<Recipe> {
    let mut settled = recipe.clone();
    if is_paper(recipe) {
        as_printed(&mut settled, prepared.manifest());
    }
    let training_clips = train.len();
    let data = loader::settle(&settled.data, prepared.manifest(), train);
    settled.data = loader::settle_scale(&data, prepared, train)?;
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

/// The body as the recipe's model walks over it: the preset `paper` has each joint once in its chain, as printed, where
/// a layout may name one twice; the last place counts, so that a joint of the trunk stands in the trunk.
pub fn walked(recipe: &Recipe, layout: &Layout) -> Layout {
    let mut layout = layout.clone();
    if is_paper(recipe) {
        let chain = std::mem::take(&mut layout.chain);
        let last = |place: usize| !chain[place + 1..].contains(&chain[place]);
        layout.chain = (0..chain.len())
            .filter(|place| last(*place))
            .map(|place| chain[place])
            .collect();
    }
    layout
}

/// The layers of a settled recipe's model, for data of this manifest.
pub fn architecture(recipe: &Recipe, manifest: &Manifest) -> Architecture {
    let layout = walked(recipe, &manifest.layout);
    let sizes = [recipe.data.frames, features::channels(&recipe.data)];
    Architecture::new(&recipe.model, &layout, sizes, manifest.classes.len())
}

fn is_paper(recipe: &Recipe) -> bool {
    recipe.run.preset == "paper"
}

/// Fills in what Wang & Wang (2017) print for SBU, a small set, and for larger ones.
fn as_printed(recipe: &mut Recipe, manifest: &Manifest) {
    let (hidden, frames) = match manifest.dataset.as_str() {
        "sbu" => (256, 35),
        _ => (512, 100),
    };
    if recipe.model.hidden == 0 {
        recipe.model.hidden = hidden;
    }
    if recipe.data.frames == 0 {
        recipe.data.frames = frames;
    }
    if recipe.data.actors == Actors::Auto && manifest.dataset == "ntu" {
        recipe.data.actors = Actors::Reference;
    }
}
