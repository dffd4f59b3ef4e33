//! What a layer's floor counts, on a layer small enough to count by hand, and the named lists, which are the model's own
//! layers.

use crate::settings;
use sinew::bench::kernels::floor;
use sinew::bench::kernels::floor::{Peak, Work, operations};
use sinew::bench::kernels::shapes::{NAMES, Shape, named, of_architecture};
use sinew::lstm::Precision;
use sinew::model::Architecture;
use sinew::settings::{Preset, Spatial, Temporal};
use sinew::skeleton::Layout;

/// Two steps of three rows, one direction, four numbers into five units.
fn shape() -> Shape {
    Shape::one(3, 2, 4, 5, 1).unwrap()
}

fn forward(shape: &Shape) -> Work {
    floor::forward(shape, Precision::F32)
}

fn backward(shape: &Shape) -> Work {
    floor::backward(shape, Precision::F32)
}

fn forward16(shape: &Shape) -> Work {
    floor::forward(shape, Precision::F16)
}

fn backward16(shape: &Shape) -> Work {
    floor::backward(shape, Precision::F16)
}

#[test]
fn bytes_are_inputs_outputs_weights_and_what_is_kept() {
    let (x, state) = (2 * 3 * 4, 2 * 3 * 5);
    let weights = 20 * 4 + 20 * 5 + 20;
    // In half precision the four gates of a step are kept in two bytes each.
    for (work, f32) in [
        (forward16(&shape()), forward(&shape())),
        (backward16(&shape()), backward(&shape())),
    ] {
        assert_eq!(
            (work.bytes, work.operations),
            (f32.bytes - 8 * state, f32.operations)
        );
    }
    // Hidden states, four gates, cell states.
    assert_eq!(forward(&shape()).bytes, 4 * (x + weights + 6 * state));
    // Read: inputs, weights, what was kept, gradient of the hidden states; written: gradients of inputs and weights.
    assert_eq!(
        backward(&shape()).bytes,
        4 * (2 * x + 2 * weights + 7 * state)
    );
}

#[test]
fn operations_are_those_of_the_products() {
    // A step and row: 20 gates of 4 inputs and 5 hidden states, a multiplication and an addition each.
    let products = 2 * 3 * 20 * (4 + 5) * 2;
    assert_eq!(forward(&shape()).operations, products);
    assert_eq!(backward(&shape()).operations, 2 * products);
    assert_eq!(operations(&shape()), 3 * products);
    // Two directions share their input, layers do not.
    let both = Shape::one(3, 2, 4, 5, 2).unwrap();
    assert_eq!((both.inputs.len(), both.directions), (1, 2));
    assert_eq!(forward(&both).operations, 2 * products);
    let states = 2 * 3 * 5;
    let more = 4 * (forward(&shape()).bytes / 4 - 2 * 3 * 4);
    assert_eq!(forward(&both).bytes, forward(&shape()).bytes + more);
    let three = Shape::one(3, 2, 4, 5, 3).unwrap();
    assert_eq!((three.inputs.len(), three.directions), (3, 1));
    assert_eq!(forward(&three).bytes, 3 * forward(&shape()).bytes);
    assert!(more > 4 * 6 * states);
}

#[test]
fn the_floor_is_the_larger_of_moving_and_calculating() {
    let peak = |bandwidth, rate| Peak {
        bandwidth_gb_s: bandwidth,
        rate_gflops: rate,
        product_gflops: rate,
        rate_f16_gflops: Some(2.0 * rate),
        rate_units_gflops: None,
    };
    let (ahead, back) = (forward(&shape()), backward(&shape()));
    let near = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-12, "{a} {b}");
    let moving = (ahead.bytes + back.bytes) as f64 / 1e9 * 1e3;
    near(peak(1.0, 1e9).floor_ms(&shape(), Precision::F32), moving);
    let calculating = (ahead.operations + back.operations) as f64 / 1e9 * 1e3;
    near(
        peak(1e9, 1.0).floor_ms(&shape(), Precision::F32),
        calculating,
    );
    near(
        peak(1e9, 1.0).floor_ms(&shape(), Precision::F16),
        calculating / 2.0,
    );
    let units = Peak {
        rate_units_gflops: Some(8.0),
        ..peak(1e9, 1.0)
    };
    near(units.floor_ms(&shape(), Precision::F16), calculating / 8.0);
    near(units.floor_ms(&shape(), Precision::F32), calculating);
}

#[test]
fn the_model_list_is_the_models_layers() {
    let settings = settings::resolved(Preset::Reference, &[]);
    let list = named("model").unwrap();
    let layout = Layout::ntu25();
    for (temporal, spatial) in [
        (Temporal::Hierarchical, Spatial::Traversal),
        (Temporal::Stacked, Spatial::Chain),
    ] {
        let mut model = settings.model.clone();
        (model.temporal, model.spatial) = (temporal, spatial);
        let sizes = [settings.data.frames, 3];
        let architecture = Architecture::new(&model, &layout, sizes, 60);
        for layer in of_architecture(&architecture, 512) {
            assert!(list.contains(&layer), "{layer:?} is not in the list");
        }
    }
    let names: Vec<_> = list.iter().map(|shape| shape.layer.as_str()).collect();
    for shape in &list {
        let first = names.iter().position(|name| *name == shape.layer).unwrap();
        let same = |a: &Shape| (a.steps, a.inputs.clone(), a.hidden, a.directions);
        assert_eq!(
            same(shape),
            same(&list[first]),
            "one layer, several batches"
        );
    }
    // Five body parts in two directions, 15 numbers on average.
    let parts = &list[0];
    assert_eq!((parts.groups(), parts.input(), parts.hidden), (10, 15, 128));
    assert!(NAMES.iter().all(|name| !named(name).unwrap().is_empty()));
    assert!(named("none").is_err());
    assert!(Shape::one(0, 1, 1, 1, 1).is_err());
}
