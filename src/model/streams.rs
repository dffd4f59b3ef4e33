//! A stream: LSTM layers, the maximum over the steps, a linear readout; and the two streams' inputs.

use super::architecture::{
    Architecture, LayerDescription, LstmDescription, StreamDescription, WINDOWS,
};
use super::dropout::Dropout;
use super::readout::Readout;
use crate::lstm::{Context, Lstm, LstmConfig, side_by_side};
use crate::rng::Rng;
use crate::settings::Temporal;
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};

/// The parameters of one stream, in the order of its [`StreamDescription`].
#[derive(Module, Debug)]
pub struct Stream {
    /// The LSTMs of each layer, from the input up.
    pub layers: Vec<Vec<Lstm>>,
    /// Class scores.
    pub fc: Readout,
}

impl Stream {
    /// A stream with PyTorch's initial weights, drawn from `rng`.
    pub fn init(description: &StreamDescription, rng: &mut Rng, device: &Device) -> Self {
        let mut layer = |layer: &LayerDescription| -> Vec<Lstm> {
            let lstm = |lstm: &LstmDescription| {
                LstmConfig::new(lstm.inputs, layer.hidden)
                    .with_bidirectional(layer.bidirectional)
                    .with_peephole(layer.peephole)
                    .init_with(device, |count, bound| rng.uniform(count, bound))
            };
            layer.lstms.iter().map(lstm).collect()
        };
        let layers = description.layers.iter().map(&mut layer).collect();
        let fc = Readout::init(&description.readout, rng, device);
        Stream { layers, fc }
    }

    /// Scores [rows, K] of the inputs [T, rows, I] of each LSTM of the first layer.
    pub fn forward(
        &self,
        inputs: Vec<Tensor<3>>,
        description: &StreamDescription,
        dropout: Option<Dropout>,
        context: Context,
    ) -> Tensor<2> {
        let rows_per_sample = description.rows_per_sample;
        let mut inputs = inputs;
        for (lstms, layer) in self.layers.iter().zip(&description.layers) {
            let mask = dropout.and_then(|dropout| {
                let [_, rows, _] = inputs[0].dims();
                let size = [layer.groups(), rows, layer.hidden];
                dropout.recurrent(
                    size,
                    layer.dropout_key,
                    rows_per_sample,
                    &inputs[0].device(),
                )
            });
            let lstms: Vec<_> = lstms.iter().zip(inputs).collect();
            inputs = vec![side_by_side(&lstms, None, None, mask, context)];
        }
        let hidden = inputs.swap_remove(0);
        let [_, rows, width] = hidden.dims();
        let mut features = hidden.max_dim(0).reshape([rows, width]);
        if let Some(dropout) = dropout {
            features = dropout.apply(features, description.readout_dropout_key, rows_per_sample);
        }
        self.fc.forward(features)
    }
}

/// The inputs [T, B, I] of each LSTM of the temporal stream's first layer: all joints, or the joints of a body part each.
/// `x` is [B, T, J, C].
pub fn temporal_inputs(x: Tensor<4>, architecture: &Architecture) -> Vec<Tensor<3>> {
    let [batch, steps, _, channels] = x.dims();
    let x = x.permute([1, 0, 2, 3]);
    let input_of = |joints: &[usize]| {
        in_order(x.clone(), 2, joints).reshape([steps, batch, joints.len() * channels])
    };
    let parts = architecture.layout.parts.iter().map(|part| &part.joints);
    match architecture.model.temporal {
        Temporal::Stacked => {
            let all: Vec<usize> = parts.flatten().copied().collect();
            vec![input_of(&all)]
        }
        Temporal::Hierarchical => parts.map(|joints| input_of(joints)).collect(),
    }
}

/// The input [steps, B · 4, ⌊T/4⌋ · C] of the spatial stream, whose steps are joints, of `x` [B, T, J, C].
///
/// Where four does not divide T the windows lie in the middle.
pub fn spatial_input(x: Tensor<4>, architecture: &Architecture) -> Tensor<3> {
    let [batch, steps, joints, channels] = x.dims();
    let window = steps / WINDOWS;
    let start = (steps - WINDOWS * window) / 2;
    let x = x
        .narrow(1, start, WINDOWS * window)
        .reshape([batch, WINDOWS, window, joints, channels])
        .permute([3, 0, 1, 2, 4])
        .reshape([joints, batch * WINDOWS, window * channels]);
    in_order(x, 0, architecture.joint_order())
}

/// The joints of `x` along dimension `dim` in an order.
fn in_order<const D: usize>(x: Tensor<D>, dim: usize, order: &[usize]) -> Tensor<D> {
    let indices: Vec<i64> = order.iter().map(|j| *j as i64).collect();
    let count = indices.len();
    let device = x.device();
    let indices = Tensor::<1, Int>::from_data(TensorData::new(indices, [count]), &device);
    x.select(dim, indices)
}
