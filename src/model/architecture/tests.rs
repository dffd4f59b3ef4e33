//! Tests of the architecture.

use super::*;
use crate::model::{Dropout, TwoStream, parameter_values, read_tensor};
use crate::settings::{Preset, Settings};
use burn::tensor::{Device, Tensor};
use std::collections::BTreeSet;

const FRAMES: usize = 9;

fn architecture(temporal: Temporal, depth: usize) -> Architecture {
    let sets = ["model.hidden=8", "model.part_hidden=4"];
    let settings = Settings::preset(Preset::Sinew).and_then(|settings| settings.with(&sets));
    let mut model = settings.unwrap().model.complete().unwrap();
    (model.temporal, model.spatial) = (temporal, Spatial::Chain);
    (model.hidden, model.part_hidden) = (6, 5);
    let layout = Layout::sbu15();
    Architecture::with_depth(&model, &layout, [FRAMES, 3], 4, depth)
}

fn dropout_keys(architecture: &Architecture) -> Vec<u64> {
    let streams = [&architecture.temporal, &architecture.spatial];
    let readouts = streams.map(|stream| stream.readout_dropout_key);
    let layers = architecture.layers().map(|layer| layer.dropout_key);
    readouts.into_iter().chain(layers).collect()
}

#[test]
fn runs_of_earlier_versions_keep_their_masks() {
    let keys = |temporal| dropout_keys(&architecture(temporal, STACKED_LAYERS));
    assert_eq!(keys(Temporal::Stacked), [0, 1, 3, 4, 5, 6]);
    assert_eq!(keys(Temporal::Hierarchical), [0, 1, 2, 3, 5, 6]);
}

#[test]
fn no_two_layers_share_masks() {
    for depth in 1..6 {
        for temporal in [Temporal::Stacked, Temporal::Hierarchical] {
            let keys = dropout_keys(&architecture(temporal, depth));
            let distinct: BTreeSet<u64> = keys.iter().copied().collect();
            assert_eq!(distinct.len(), keys.len(), "{depth} layers: {keys:?}");
        }
    }
}

/// The logits of a model with recurrent dropout.
fn logits(architecture: &Architecture) -> Vec<f32> {
    let device = Device::flex();
    let model = TwoStream::init(architecture, 7, &device);
    let x = Tensor::ones([2, FRAMES, architecture.layout.len(), 3], &device);
    let dropout = Dropout {
        rate: 0.0,
        recurrent: 0.5,
        seed: 1,
        step: 2,
        first_row: 0,
    };
    let outputs = model.forward(x, Some(dropout), Default::default());
    let both = Tensor::cat(vec![outputs.temporal, outputs.spatial], 0);
    read_tensor(both).unwrap()
}

#[test]
fn every_layer_draws_its_masks_with_its_own_key() {
    let three = architecture(Temporal::Stacked, 3);
    let expected = logits(&three);
    for number in 0..6 {
        let mut other = three.clone();
        let layers = other.temporal.layers.iter_mut();
        let mut layers = layers.chain(&mut other.spatial.layers);
        layers.nth(number).unwrap().dropout_key = 1000;
        assert_ne!(logits(&other), expected, "layer {number}");
    }
}

#[test]
fn a_third_layer_is_counted() {
    let [two, three] = [2, 3].map(|depth| architecture(Temporal::Stacked, depth));
    let names: Vec<_> = three.layers().map(|layer| &layer.name[..]).collect();
    assert_eq!(
        names,
        [
            "stacked.0",
            "stacked.1",
            "stacked.2",
            "chain.0",
            "chain.1",
            "chain.2"
        ]
    );
    let model = TwoStream::init(&three, 0, &Device::flex());
    let values = parameter_values(&model).unwrap();
    for name in [
        "temporal.lstm.weight_ih_l2",
        "spatial.lstm.weight_hh_l2_reverse",
    ] {
        assert!(values.contains_key(name), "{name}");
    }
    let weights: usize = values.values().map(|(_, values)| values.len()).sum();
    assert_eq!(three.parameter_count(), weights);
    // Per sample: gates, cell and hidden states, and the inputs, of 9 frames and of the joints in four windows.
    let rows = FRAMES + WINDOWS * three.joint_order().len();
    let more = 4 * (rows * (6 * 12 + 12)) as u64;
    assert_eq!(three.step_bytes(1) - two.step_bytes(1), more);
}

#[test]
fn plans_are_measured_once_per_hidden_size() {
    let mut layout = Layout::sbu15();
    layout.parts.pop();
    let groups = |layout: &Layout, part_hidden: usize| -> Vec<[usize; 4]> {
        let mut model = architecture(Temporal::Hierarchical, 2).model;
        (model.bidirectional, model.part_hidden) = (true, part_hidden);
        let architecture = Architecture::new(&model, layout, [FRAMES, 3], 4);
        let all = architecture.recurrences(8).into_iter();
        all.map(|d| [d.hidden, d.groups, d.steps, d.batch])
            .collect()
    };
    let parts = 2 * layout.parts.len();
    assert_eq!(groups(&layout, 5), [[5, parts, 9, 8], [6, 2, 9, 8]]);
    assert_eq!(
        groups(&layout, 6),
        [[6, 2, 9, 8]],
        "the body stands for both"
    );
}
