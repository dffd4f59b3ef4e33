//! The model of a run: its sizes and wiring.

use crate::model::Shape;
use crate::settings::{ChainJoints, ResolvedSettings};
use crate::shards::Manifest;
use crate::skeleton::Layout;

/// The sizes and wiring of the model of a run, for data of this manifest and inputs of T frames and C channels.
pub fn shape(
    settings: &ResolvedSettings,
    manifest: &Manifest,
    [frames, channels]: [usize; 2],
) -> Shape {
    Shape {
        model: settings.model.clone(),
        layout: model_layout(&manifest.layout, settings.model.chain_joints),
        frames,
        channels,
        classes: manifest.classes.len(),
    }
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
