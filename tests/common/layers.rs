//! LSTM layers of fresh weights.

use burn::tensor::{Device, Tensor};
use sinew::lstm::{Context, Lstm, LstmConfig, side_by_side};
use sinew::rng::Rng;

/// Sizes and options of a layer.
#[derive(Debug, Clone, Copy)]
pub struct LayerConfig {
    pub input: usize,
    pub hidden: usize,
    pub bidirectional: bool,
    pub peephole: bool,
}

impl LayerConfig {
    /// A layer of inputs [T, B, I], with weights from `rng`.
    pub fn init(&self, rng: &mut Rng, device: &Device) -> Lstm {
        LstmConfig::new(self.input, self.hidden)
            .with_bidirectional(self.bidirectional)
            .with_peephole(self.peephole)
            .with_batch_first(false)
            .init_with(device, |count, bound| rng.uniform(count, bound))
    }
}

/// Hidden states [T, B, D·H] of inputs [T, B, I], from zero states.
pub fn outputs(lstm: &Lstm, x: Tensor<3>, context: Context) -> Tensor<3> {
    side_by_side(&[(lstm, x)], None, None, None, context)
}
