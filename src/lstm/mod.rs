//! The LSTM engine: the recurrence forward and backward, on GPUs in our own WGSL, on CPUs in vector code.
//!
//! [`Layer`] is what a model uses. Below it: [`recurrence`], differentiable; [`RecurrenceBackend`], the trait that
//! Burn's backends implement; `gpu` and `shaders`, the kernels of the repository's `shaders/`; `cpu`, the engine
//! for machines without a GPU; [`twin`], every shader again as a plain loop that tests compare it with.
//!
//! The cell is that of PyTorch's `LSTM`, gates in the order i, f, g, o, with Graves' (2013) peepholes as an
//! option: i and f see the cell state before the step, o the one after it.

mod autodiff;
mod choose;
pub mod cpu;
mod flex;
mod gpu;
mod layer;
mod ops;
mod plan;
mod plans;
pub mod product;
pub mod self_test;
pub mod shaders;
mod spec;
mod tile;
pub mod twin;
pub mod units;

pub use choose::choose;
pub use layer::{Context, Direction, Layer, LayerConfig, run};
pub use ops::RecurrenceBackend;
pub use plan::{Limits, Plan, Tiles, Unsupported, Walk};
pub use plans::Plans;
pub use spec::{Dims, Precision, Spec};
pub use tile::{Pair, Resident, Squares, Stepwise};

use burn::backend::Dispatch;
use burn::tensor::Tensor;

/// The differentiable recurrence on tensors.
///
/// `projected` [T, B, G, 4H], `w_hh` [G, 4H, H], `h0` and `c0` [G, B, H], `peephole` [G, 3, H], `mask` [G, B, H];
/// returns the hidden states [T, B, G, H]. The flags of `spec` for peephole and mask are set from what is given.
pub fn recurrence(
    projected: Tensor<4>,
    w_hh: Tensor<3>,
    h0: Tensor<3>,
    c0: Tensor<3>,
    peephole: Option<Tensor<3>>,
    mask: Option<Tensor<3>>,
    spec: Spec,
) -> Tensor<4> {
    let spec = Spec {
        peephole: peephole.is_some(),
        masked: mask.is_some(),
        ..spec
    };
    let nothing = || Tensor::<3>::zeros([1, 1, 1], &projected.device());
    let peephole = peephole.unwrap_or_else(nothing);
    let mask = mask.unwrap_or_else(nothing);
    Tensor::from_dispatch(<Dispatch as RecurrenceBackend>::recurrence(
        projected.into_dispatch(),
        w_hh.into_dispatch(),
        h0.into_dispatch(),
        c0.into_dispatch(),
        peephole.into_dispatch(),
        mask.into_dispatch(),
        spec,
    ))
}
