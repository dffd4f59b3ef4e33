//! Fusion of the two streams' scores.

use super::architecture::LinearDescription;
use super::readout::Readout;
use crate::rng::Rng;
use crate::settings::{Fusion, Model, Scores};
use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData, activation};

/// Two learnt gates, each the sigmoid of a linear layer over both streams' scores.
#[derive(Module, Debug)]
pub struct Gates {
    /// `temporal_gate` [1, 2K].
    pub temporal_gate: Readout,
    /// `spatial_gate` [1, 2K].
    pub spatial_gate: Readout,
}

impl Gates {
    /// The temporal and the spatial gate with PyTorch's initial weights; none where the architecture has no gates.
    pub fn init(gates: &[LinearDescription], rng: &mut Rng, device: &Device) -> Option<Self> {
        let [temporal, spatial] = gates else {
            return None;
        };
        Some(Gates {
            temporal_gate: Readout::init(temporal, rng, device),
            spatial_gate: Readout::init(spatial, rng, device),
        })
    }
}

/// The model's outputs for a batch.
#[derive(Debug, Clone)]
pub struct Outputs {
    /// The temporal stream's logits [B, K].
    pub temporal: Tensor<2>,
    /// The spatial stream's logits [B, K].
    pub spatial: Tensor<2>,
    /// Fused logits, or fused posteriors where the fusion averages those [B, K].
    pub fused: Tensor<2>,
    /// Whether `fused` holds probabilities.
    pub posteriors: bool,
}

impl Outputs {
    /// Fuses two streams' logits according to the settings.
    pub fn fuse(
        temporal: Tensor<2>,
        spatial: Tensor<2>,
        gates: Option<&Gates>,
        model: &Model,
    ) -> Self {
        let weight = model.fusion_weight;
        let average = |a: Tensor<2>, b: Tensor<2>| a * weight + b * (1.0 - weight);
        let (t, s) = (temporal.clone(), spatial.clone());
        let (fused, posteriors) = match (gates, model.fusion, model.fusion_scores) {
            (Some(gates), Fusion::Gated, _) => {
                let both = Tensor::cat(vec![t.clone(), s.clone()], 1);
                let t_gate = activation::sigmoid(gates.temporal_gate.forward(both.clone()));
                let s_gate = activation::sigmoid(gates.spatial_gate.forward(both));
                (t * t_gate + s * s_gate, false)
            }
            (_, _, Scores::Posteriors) => (
                average(activation::softmax(t, 1), activation::softmax(s, 1)),
                true,
            ),
            (_, _, Scores::Logits) => (average(t, s), false),
        };
        Outputs {
            temporal,
            spatial,
            fused,
            posteriors,
        }
    }

    /// Class probabilities [B, K].
    pub fn probabilities(&self) -> Tensor<2> {
        if self.posteriors {
            self.fused.clone()
        } else {
            activation::softmax(self.fused.clone(), 1)
        }
    }

    /// The cross entropy with smoothed targets, summed over the rows and divided by `total`.
    ///
    /// With fused posteriors each stream has its own loss and the two are added; fused logits have one loss.
    pub fn loss(&self, labels: &[usize], smoothing: f32, total: usize) -> Tensor<1> {
        let [batch, classes] = self.fused.dims();
        let mut target = vec![smoothing / classes as f32; batch * classes];
        for (row, label) in labels.iter().enumerate() {
            target[row * classes + label] += 1.0 - smoothing;
        }
        let device = self.fused.device();
        let target = Tensor::<2>::from_data(TensorData::new(target, [batch, classes]), &device);
        let entropy = |logits: &Tensor<2>| {
            let logarithms = activation::log_softmax(logits.clone(), 1);
            (logarithms * target.clone()).sum().neg() / total as f32
        };
        if self.posteriors {
            entropy(&self.temporal) + entropy(&self.spatial)
        } else {
            entropy(&self.fused)
        }
    }
}
