//! The linear layer from features to class scores.

use super::architecture::LinearDescription;
use crate::rng::Rng;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};

/// A linear layer with PyTorch's shapes.
#[derive(Module, Debug)]
pub struct Readout {
    /// `weight` [K, F].
    pub weight: Param<Tensor<2>>,
    /// `bias`, K numbers.
    pub bias: Param<Tensor<1>>,
}

impl Readout {
    /// PyTorch's initial weights: uniform in ±1/√F, drawn from `rng`.
    pub fn init(description: &LinearDescription, rng: &mut Rng, device: &Device) -> Self {
        let &LinearDescription {
            inputs, outputs, ..
        } = description;
        let bound = 1.0 / (inputs as f32).sqrt();
        let weight = TensorData::new(rng.uniform(outputs * inputs, bound), [outputs, inputs]);
        let bias = TensorData::new(rng.uniform(outputs, bound), [outputs]);
        Readout {
            weight: Param::from_tensor(Tensor::from_data(weight, device)),
            bias: Param::from_tensor(Tensor::from_data(bias, device)),
        }
    }

    /// Scores [B, K] of features [B, F].
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        x.matmul(self.weight.val().transpose()) + self.bias.val().unsqueeze()
    }
}
