//! The LSTM engine: the recurrence forward and backward, on GPUs in our own WGSL, on CPUs in vector code. It depends on
//! Burn and on nothing else of this crate.
//!
//! [`Layer`] is what a model uses. Below it: `recurrence`, differentiable; `backend`, the traits that Burn's backends
//! implement; `kernel` and `gpu`, the kernels of the repository's `shaders/`; `cpu`, the engine for machines without a
//! GPU; `twin`, every shader again as a plain loop that tests compare it with.
//!
//! The cell is that of PyTorch's `LSTM`, gates in the order i, f, g, o, with Graves' (2013) peepholes as an
//! option: i and f see the cell state before the step, o the one after it.

mod autodiff;
mod backend;
mod choose;
#[doc(hidden)]
pub mod cpu;
mod device;
mod gpu;
mod kernel;
mod layer;
mod options;
mod plan;
mod plans;
mod precision;
mod product;
mod recurrence;
mod rewrite;
mod rounding;
mod self_test;
#[doc(hidden)]
pub mod testing;
#[doc(hidden)]
pub mod twin;

pub use choose::choose;
pub use device::{DeviceLimits, EngineDevice, GpuLimits, MatrixUnits, SHORTEST_DISPATCH};
pub use layer::{Direction, Layer, LayerConfig, run};
pub use options::{Context, Products};
pub use plan::{Plan, PlanKind, Unsupported};
pub use plans::Plans;
pub use precision::Precision;
pub use recurrence::Dims;
pub use self_test::{SelfTest, self_test};
