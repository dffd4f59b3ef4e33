//! Trains a small Burn model with sinew's LSTM layer on the adding problem (Hochreiter and Schmidhuber, 1997): in a
//! sequence of random numbers two are marked, and the model predicts their sum.
//!
//! `cargo run --release --example lstm` runs on the CPU engine; with the argument `gpu`, on the default GPU.

use burn::module::Module;
use burn::nn::loss::{MseLoss, Reduction};
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Distribution, Tensor};
use sinew::lstm::{Lstm, LstmConfig};

const BATCH: usize = 64;
/// Steps of a sequence; one number is marked in each half.
const STEPS: usize = 10;

#[derive(Module, Debug)]
struct Adder {
    lstm: Lstm,
    linear: Linear,
}

impl Adder {
    /// One number per sequence, [batch, 1], of inputs [batch, steps, 2].
    fn forward(&self, x: Tensor<3>) -> Tensor<2> {
        let (_, state) = self.lstm.forward(x, None);
        self.linear.forward(state.hidden.squeeze_dim(0))
    }
}

/// Numbers in 0..1 and their marks, [batch, steps, 2], and the sum of the two marked ones, [batch, 1].
fn sequences(device: &Device) -> (Tensor<3>, Tensor<2>) {
    let numbers = Tensor::<2>::random([BATCH, STEPS], Distribution::Uniform(0.0, 1.0), device);
    // In each half the place with the largest of some random numbers.
    let mark = || {
        let draw = Distribution::Uniform(0.0, 1.0);
        let draws = Tensor::<2>::random([BATCH, STEPS / 2], draw, device);
        draws.clone().max_dim(1).equal(draws).float()
    };
    let marks = Tensor::cat(vec![mark(), mark()], 1);
    let sum = (numbers.clone() * marks.clone()).sum_dim(1);
    (Tensor::stack(vec![numbers, marks], 2), sum)
}

fn main() {
    let device = match std::env::args().nth(1).as_deref() {
        Some("gpu") => Device::wgpu(Default::default()),
        _ => Device::flex(),
    };
    // Without `.autodiff()` there are no gradients.
    let device = device.autodiff();
    device.seed(1);
    let mut model = Adder {
        lstm: LstmConfig::new(2, 32).init(&device),
        linear: LinearConfig::new(32, 1).init(&device),
    };
    let mut adam = AdamConfig::new().init();
    for step in 1..=500 {
        let (x, sum) = sequences(&device);
        let loss = MseLoss::new().forward(model.forward(x), sum, Reduction::Mean);
        if step % 50 == 0 {
            println!("step {step}: loss {:.4}", loss.clone().into_scalar::<f32>());
        }
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = adam.step(0.01, model, gradients);
    }
}
