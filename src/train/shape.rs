//! The model of a run, from its settings and its data.

use crate::loader::features;
use crate::model::Architecture;
use crate::settings::{ChainJoints, ResolvedSettings};
use crate::shards::Manifest;
use crate::skeleton::Layout;

/// The layers of a run's model, for data of this manifest.
pub fn architecture(settings: &ResolvedSettings, manifest: &Manifest) -> Architecture {
    let layout = model_layout(&manifest.layout, settings.model.chain_joints);
    let sizes = [settings.data.frames, features::channels(&settings.data)];
    Architecture::new(&settings.model, &layout, sizes, manifest.classes.len())
}

/// The layout as the model uses it: with [`ChainJoints::Once`] its chain has each joint once, at its last place.
pub fn model_layout(layout: &Layout, joints: ChainJoints) -> Layout {
    let mut layout = layout.clone();
    if joints == ChainJoints::Once {
        let chain = std::mem::take(&mut layout.chain);
        let last = |place: usize| !chain[place + 1..].contains(&chain[place]);
        layout.chain = (0..chain.len())
            .filter(|place| last(*place))
            .map(|place| chain[place])
            .collect();
    }
    layout
}
