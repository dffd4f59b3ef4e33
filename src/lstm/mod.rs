//! An LSTM layer for [Burn](https://burn.dev), with kernels of its own: WGSL on GPUs, vector code on CPUs. It depends on
//! Burn and on nothing else of this crate.
//!
//! [`Lstm`] has the parameters, equations and gate order of PyTorch's `torch.nn.LSTM`, and takes and returns the same tensors
//! as `burn::nn::BiLstm`. It runs a whole sequence in a few kernel launches, with one node in the autodiff graph. One
//! or two directions, lengths per row, initial and final states with gradients, peepholes and recurrent dropout are options.
//!
//! ```
//! use burn::module::Module;
//! use burn::nn::{Linear, LinearConfig};
//! use burn::optim::{AdamConfig, GradientsParams};
//! use burn::tensor::{Device, Distribution, Tensor};
//! use sinew::lstm::{Lstm, LstmConfig};
//!
//! #[derive(Module, Debug)]
//! struct Summer {
//!     lstm: Lstm,
//!     linear: Linear,
//! }
//!
//! let device = Device::flex().autodiff();
//! device.seed(1);
//! let mut model = Summer {
//!     lstm: LstmConfig::new(1, 16).init(&device),
//!     linear: LinearConfig::new(16, 1).init(&device),
//! };
//! let mut adam = AdamConfig::new().init();
//! let mut losses = Vec::new();
//! for _ in 0..60 {
//!     // [batch, steps, features]; the target is the sum of a sequence.
//!     let x = Tensor::<3>::random([32, 5, 1], Distribution::Uniform(0.0, 1.0), &device);
//!     let target = x.clone().sum_dim(1).reshape([32, 1]);
//!     let (_, state) = model.lstm.forward(x, None);
//!     let predicted = model.linear.forward(state.hidden.squeeze_dim(0));
//!     let loss = (predicted - target).powf_scalar(2.0).mean();
//!     losses.push(loss.clone().into_scalar::<f32>());
//!     let gradients = GradientsParams::from_grads(loss.backward(), &model);
//!     model = adam.step(0.01, model, gradients);
//! }
//! assert!(losses[59] < losses[0] / 4.0, "{losses:?}");
//! ```
//!
//! `examples/lstm` trains a model on the adding problem in the same way, on the CPU or a GPU.
//!
//! # Requirements
//!
//! - Burn 0.22.1 exactly: `burn = { version = "=0.22.1", default-features = false, features = ["std", "autodiff", "optim",
//!   "wgpu", "flex"] }`, and the same version of every other Burn crate. The kernels use Burn's low-level interface, which
//!   changes with each release.
//! - The features `fusion`, `vulkan` and `metal` of Burn off, in every crate of the build. `fusion` is a default feature:
//!   with it, this crate does not compile. With `vulkan` or `metal`, CubeCL compiles kernels to SPIR-V or MSL itself and
//!   refuses WGSL. The feature `wgpu` alone still runs on Vulkan, Metal and DX12.
//! - Devices of the backends `wgpu` and `flex` (the CPU engine), in float32.
//! - `.autodiff()` on the device on which the model is created and the inputs are made, for gradients and recurrent dropout.
//!
//! # Differences from `burn::nn::Lstm`
//!
//! - States have a dimension for the directions: `[1, batch, d_hidden]` for one direction, `[2, batch, d_hidden]` for two.
//! - There are always biases, and the initial weights are PyTorch's: no `bias`, no `initializer`.
//! - There is no `reverse`, `clip` or `input_forget`.
//!
//! As in Burn, layers are stacked by calling one after another.
//!
//! # Plans and precision
//!
//! A [`Plan`] says how a GPU runs the steps of a recurrence; which is fastest depends on the device and the sizes. [`choose`]
//! measures them. [`Context`] holds a plan and the number format, and [`Lstm::with_context`] sets it:
//!
//! ```no_run
//! use burn::tensor::Device;
//! use sinew::lstm::{Context, Dims, LstmConfig, Precision, choose};
//!
//! let device = Device::wgpu(Default::default());
//! // One group per direction.
//! let dims = Dims { steps: 100, batch: 64, groups: 2, hidden: 512 };
//! let plan = choose(&device, dims, Precision::F32);
//! let lstm = LstmConfig::new(75, 512)
//!     .with_bidirectional(true)
//!     .init(&device.clone().autodiff())
//!     .with_context(Context::on(&device, plan));
//! ```

// `Lstm` and `side_by_side`, which runs several LSTMs as one recurrence, call `recurrence`, which is differentiable.
// `backend` has the traits that Burn's backends implement; `kernel` and `gpu`, the kernels of the repository's
// `shaders/`; `cpu`, the engine for machines without a GPU; `twin`, every shader again as a plain loop that tests compare it
// with.

mod autodiff;
mod backend;
mod choose;
#[doc(hidden)]
pub mod cpu;
mod device;
mod gpu;
mod kernel;
mod layer;
mod matrix_units;
mod options;
mod plan;
mod plans;
mod precision;
mod product;
mod recurrence;
mod rewrite;
mod rounding;
mod self_test;
mod side_by_side;
#[doc(hidden)]
pub mod testing;
#[doc(hidden)]
pub mod twin;

pub use burn::nn::LstmState;
pub use choose::choose;
pub(crate) use device::{CPU_LARGEST, longest_dispatch};
pub use device::{DeviceLimits, EngineDevice, GpuLimits};
pub use layer::{Lstm, LstmConfig, LstmDirection};
pub use matrix_units::MatrixUnits;
pub use options::{Context, Products};
pub use plan::{Plan, PlanKind, Unsupported};
pub use plans::Plans;
pub use precision::Precision;
pub use recurrence::Dims;
pub use self_test::{SelfTest, self_test};
pub use side_by_side::{side_by_side, side_by_side_with_state};
