//! The whole model.

use super::dropout::Dropout;
use super::fusion::{Gates, Outputs};
use super::streams::{SpatialStream, TemporalStream};
use crate::lstm::Context;
use crate::rng::Rng;
use crate::settings::{Fusion, Model, Spatial, Temporal};
use crate::skeleton::Layout;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

/// Everything that decides the model's parameters and wiring.
#[derive(Debug, Clone)]
pub struct Shape {
    /// The streams' settings, every derived number filled in.
    pub model: Model,
    /// Joints and their orders.
    pub layout: Layout,
    /// T, frames of an input.
    pub frames: usize,
    /// C, numbers a joint and frame.
    pub channels: usize,
    /// K, classes.
    pub classes: usize,
}

impl Shape {
    /// Bytes of the largest tensor that one row of a batch needs: the gates of all steps of a layer, or a stream's input.
    fn bytes_a_row(&self) -> usize {
        let both = if self.model.bidirectional { 2 } else { 1 };
        let gates = |steps: usize, groups: usize, hidden: usize| steps * groups * 4 * hidden;
        let parts = match self.model.temporal {
            Temporal::Stacked => 0,
            Temporal::Hierarchical => gates(
                self.frames,
                both * self.layout.parts.len(),
                self.model.part_hidden,
            ),
        };
        let order = match self.model.spatial {
            Spatial::Chain => &self.layout.chain,
            Spatial::Traversal => &self.layout.traversal,
        };
        let body = gates(self.frames, both, self.model.hidden);
        let spatial = 4 * gates(order.len(), both, self.model.hidden);
        let inputs = self.frames * self.layout.len().max(order.len()) * self.channels;
        parts.max(body).max(spatial).max(inputs) * size_of::<f32>()
    }

    /// Rows of a batch whose largest tensor the device can still bind; at least one.
    pub fn rows(&self, context: Context) -> usize {
        (context.largest / self.bytes_a_row().max(1)).max(1)
    }
}

/// The Two-Stream RNN.
#[derive(Module, Debug)]
pub struct TwoStream {
    /// Over frames.
    pub temporal: TemporalStream,
    /// Over joints.
    pub spatial: SpatialStream,
    /// Learnt gates of a gated fusion.
    pub fusion: Option<Gates>,
}

impl TwoStream {
    /// A model with PyTorch's initial weights, drawn from the seed alone.
    pub fn init(shape: &Shape, seed: u64, device: &Device) -> Self {
        const PURPOSE: u64 = 0x696e_6974;
        let rng = |part: u64| Rng::new(seed, &[PURPOSE, part]);
        TwoStream {
            temporal: TemporalStream::init(shape, &mut rng(0), device),
            spatial: SpatialStream::init(shape, &mut rng(1), device),
            fusion: (shape.model.fusion == Fusion::Gated)
                .then(|| Gates::init(shape.classes, &mut rng(2), device)),
        }
    }

    /// What the model says about inputs [B, T, J, C]; dropout only in training.
    pub fn forward(
        &self,
        x: Tensor<4>,
        shape: &Shape,
        dropout: Option<Dropout>,
        context: Context,
    ) -> Outputs {
        let temporal = self.temporal.forward(x.clone(), shape, dropout, context);
        let spatial = self.spatial.forward(x, shape, dropout, context);
        Outputs::fuse(temporal, spatial, self.fusion.as_ref(), &shape.model)
    }
}
