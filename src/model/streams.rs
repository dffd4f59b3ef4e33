//! The two streams: inputs in their order of joints, LSTM layers, the maximum over the steps, a linear readout.

use super::dropout::Dropout;
use super::readout::Readout;
use super::two_stream::Shape;
use crate::lstm::{Context, Layer, LayerConfig, run};
use crate::rng::Rng;
use crate::settings;
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};

/// Frames in order: stacked layers over all joints, or a layer a body part under a body layer.
#[derive(Module, Debug)]
pub struct TemporalStream {
    /// One layer a body part; none when stacked.
    pub parts: Vec<Layer>,
    /// Two stacked layers, or the body layer.
    pub layers: Vec<Layer>,
    /// Class scores.
    pub fc: Readout,
}

/// Joints in order: two stacked layers, each step one joint over a window of frames.
#[derive(Module, Debug)]
pub struct SpatialStream {
    /// Two stacked layers.
    pub layers: Vec<Layer>,
    /// Class scores.
    pub fc: Readout,
}

/// Windows of the spatial stream over the T frames.
pub const WINDOWS: usize = 4;

fn layer_config(shape: &Shape, input: usize, hidden: usize) -> LayerConfig {
    LayerConfig {
        input,
        hidden,
        bidirectional: shape.model.bidirectional,
        peephole: shape.model.peephole,
    }
}

fn directions(shape: &Shape) -> usize {
    if shape.model.bidirectional { 2 } else { 1 }
}

/// The readout of a top layer's hidden states [T, B, F]: maximum over the steps, dropout, scores.
fn read(hidden: Tensor<3>, fc: &Readout, dropout: Option<(Dropout, u64, usize)>) -> Tensor<2> {
    let [_, batch, width] = hidden.dims();
    let mut features = hidden.max_dim(0).reshape([batch, width]);
    if let Some((dropout, layer, per_row)) = dropout {
        features = dropout.apply(features, layer, per_row);
    }
    fc.forward(features)
}

/// Layers one upon the other, the recurrence of each under its own mask.
fn stack(
    layers: &[Layer],
    mut hidden: Tensor<3>,
    shape: &Shape,
    dropout: Option<(Dropout, u64, usize)>,
    context: Context,
) -> Tensor<3> {
    for (layer, number) in layers.iter().zip(0..) {
        let size = [directions(shape), hidden.dims()[1], layer.hidden()];
        let mask = dropout.and_then(|(dropout, first, per_row)| {
            dropout.recurrent(size, first + number, per_row, &hidden.device())
        });
        hidden = run(&[(layer, hidden)], None, None, mask, context);
    }
    hidden
}

/// The joints of `x` [.., J, ..] along dimension `dim` in an order.
fn in_order<const D: usize>(x: Tensor<D>, dim: usize, order: &[usize]) -> Tensor<D> {
    let indices: Vec<i64> = order.iter().map(|j| *j as i64).collect();
    let count = indices.len();
    let device = x.device();
    let indices = Tensor::<1, Int>::from_data(TensorData::new(indices, [count]), &device);
    x.select(dim, indices)
}

impl TemporalStream {
    /// A stream with PyTorch's initial weights.
    pub fn init(shape: &Shape, rng: &mut Rng, device: &Device) -> Self {
        let (hidden, both) = (shape.model.hidden, directions(shape));
        let (parts, inputs) = match shape.model.temporal {
            settings::Temporal::Stacked => {
                let joints: usize = shape.layout.parts.iter().map(|p| p.joints.len()).sum();
                let inputs = vec![joints * shape.channels, both * hidden];
                (Vec::new(), inputs)
            }
            settings::Temporal::Hierarchical => {
                let part_hidden = shape.model.part_hidden;
                let parts: Vec<Layer> = shape
                    .layout
                    .parts
                    .iter()
                    .map(|part| {
                        layer_config(shape, part.joints.len() * shape.channels, part_hidden)
                            .init(rng, device)
                    })
                    .collect();
                let body = parts.len() * both * part_hidden;
                (parts, vec![body])
            }
        };
        let layers = inputs
            .iter()
            .map(|i| layer_config(shape, *i, hidden).init(rng, device))
            .collect();
        let fc = Readout::init(both * hidden, shape.classes, rng, device);
        TemporalStream { parts, layers, fc }
    }

    /// Scores [B, K] of inputs [B, T, J, C].
    pub fn forward(
        &self,
        x: Tensor<4>,
        shape: &Shape,
        dropout: Option<Dropout>,
        context: Context,
    ) -> Tensor<2> {
        let [batch, steps, _, channels] = x.dims();
        let x = x.permute([1, 0, 2, 3]);
        let of = |joints: &[usize]| {
            in_order(x.clone(), 2, joints).reshape([steps, batch, joints.len() * channels])
        };
        let mut hidden = if self.parts.is_empty() {
            let all: Vec<usize> = shape
                .layout
                .parts
                .iter()
                .flat_map(|p| p.joints.iter().copied())
                .collect();
            of(&all)
        } else {
            let parts: Vec<_> = self
                .parts
                .iter()
                .zip(&shape.layout.parts)
                .map(|(layer, part)| (layer, of(&part.joints)))
                .collect();
            let groups = self.parts.len() * directions(shape);
            let mask = dropout.and_then(|d| {
                let size = [groups, batch, shape.model.part_hidden];
                d.recurrent(size, 2, 1, &x.device())
            });
            run(&parts, None, None, mask, context)
        };
        hidden = stack(
            &self.layers,
            hidden,
            shape,
            dropout.map(|d| (d, 3, 1)),
            context,
        );
        read(hidden, &self.fc, dropout.map(|d| (d, 0, 1)))
    }
}

impl SpatialStream {
    /// A stream with PyTorch's initial weights.
    pub fn init(shape: &Shape, rng: &mut Rng, device: &Device) -> Self {
        let (hidden, both) = (shape.model.hidden, directions(shape));
        let inputs = [shape.frames / WINDOWS * shape.channels, both * hidden];
        let layers = inputs
            .iter()
            .map(|i| layer_config(shape, *i, hidden).init(rng, device))
            .collect();
        let fc = Readout::init(both * hidden, shape.classes, rng, device);
        SpatialStream { layers, fc }
    }

    /// Scores [B, K] of inputs [B, T, J, C], averaged over four windows of ⌊T/4⌋ frames.
    ///
    /// Where four does not divide T the windows lie in the middle.
    pub fn forward(
        &self,
        x: Tensor<4>,
        shape: &Shape,
        dropout: Option<Dropout>,
        context: Context,
    ) -> Tensor<2> {
        let [batch, steps, joints, channels] = x.dims();
        let window = steps / WINDOWS;
        let start = (steps - WINDOWS * window) / 2;
        let order = match shape.model.spatial {
            settings::Spatial::Chain => &shape.layout.chain,
            settings::Spatial::Traversal => &shape.layout.traversal,
        };
        let x = x
            .narrow(1, start, WINDOWS * window)
            .reshape([batch, WINDOWS, window, joints, channels])
            .permute([3, 0, 1, 2, 4])
            .reshape([joints, batch * WINDOWS, window * channels]);
        let mut hidden = in_order(x, 0, order);
        hidden = stack(
            &self.layers,
            hidden,
            shape,
            dropout.map(|d| (d, 5, WINDOWS)),
            context,
        );
        let scores = read(hidden, &self.fc, dropout.map(|d| (d, 1, WINDOWS)));
        let classes = scores.dims()[1];
        scores
            .reshape([batch, WINDOWS, classes])
            .mean_dim(1)
            .reshape([batch, classes])
    }
}
