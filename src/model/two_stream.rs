//! The whole model.

use super::architecture::{Architecture, WINDOWS};
use super::dropout::Dropout;
use super::fusion::{Gates, Outputs};
use super::streams::{Stream, spatial_input, temporal_inputs};
use crate::lstm::Context;
use crate::rng::Rng;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use std::sync::Arc;

/// The Two-Stream RNN: its architecture and its parameters.
#[derive(Module, Debug)]
pub struct TwoStream {
    #[module(skip)]
    architecture: Arc<Architecture>,
    /// The stream over frames.
    pub temporal: Stream,
    /// The stream over joints.
    pub spatial: Stream,
    /// The gates of a learnt fusion.
    pub fusion: Option<Gates>,
}

impl TwoStream {
    /// A model with PyTorch's initial weights, drawn from the seed alone.
    pub fn init(architecture: &Architecture, seed: u64, device: &Device) -> Self {
        const PURPOSE: u64 = 0x696e_6974;
        let rng = |part: u64| Rng::new(seed, &[PURPOSE, part]);
        TwoStream {
            architecture: Arc::new(architecture.clone()),
            temporal: Stream::init(&architecture.temporal, &mut rng(0), device),
            spatial: Stream::init(&architecture.spatial, &mut rng(1), device),
            fusion: Gates::init(&architecture.gates, &mut rng(2), device),
        }
    }

    /// The list of its layers.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// The outputs for inputs [B, T, J, C]; with dropout in training only.
    ///
    /// The spatial stream's scores are the mean over the windows of its logits.
    pub fn forward(&self, x: Tensor<4>, dropout: Option<Dropout>, context: Context) -> Outputs {
        let Architecture {
            temporal, spatial, ..
        } = self.architecture();
        let inputs = temporal_inputs(x.clone(), &self.architecture);
        let temporal = self.temporal.forward(inputs, temporal, dropout, context);
        let inputs = vec![spatial_input(x, &self.architecture)];
        let by_window = self.spatial.forward(inputs, spatial, dropout, context);
        let [rows, classes] = by_window.dims();
        let batch = rows / WINDOWS;
        let spatial = by_window
            .reshape([batch, WINDOWS, classes])
            .mean_dim(1)
            .reshape([batch, classes]);
        Outputs::fuse(
            temporal,
            spatial,
            self.fusion.as_ref(),
            &self.architecture.model,
        )
    }
}
