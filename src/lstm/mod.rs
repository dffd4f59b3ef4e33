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
///
/// # Panics
/// On tensors of other shapes, and on flags and lengths for another number of groups and rows: the kernels check no index.
pub fn recurrence(
    projected: Tensor<4>,
    w_hh: Tensor<3>,
    h0: Tensor<3>,
    c0: Tensor<3>,
    peephole: Option<Tensor<3>>,
    mask: Option<Tensor<3>>,
    spec: Spec,
) -> Tensor<4> {
    let [steps, batch, groups, gates] = projected.dims();
    let hidden = gates / 4;
    let sizes =
        format!("a recurrence of {steps} steps, {batch} rows, {groups} groups, {hidden} units");
    let state = [groups, batch, hidden];
    assert_eq!(w_hh.dims(), [groups, 4 * hidden, hidden], "w_hh of {sizes}");
    assert_eq!(h0.dims(), state, "h0 of {sizes}");
    assert_eq!(c0.dims(), state, "c0 of {sizes}");
    if let Some(peephole) = &peephole {
        assert_eq!(peephole.dims(), [groups, 3, hidden], "peephole of {sizes}");
    }
    if let Some(mask) = &mask {
        assert_eq!(mask.dims(), state, "mask of {sizes}");
    }
    let reverse = match spec.reverse.is_empty() {
        true => vec![false; groups],
        false => spec.reverse,
    };
    assert_eq!(reverse.len(), groups, "directions of {sizes}");
    if let Some(lengths) = &spec.lengths {
        assert_eq!(lengths.len(), batch, "lengths of {sizes}");
    }
    let spec = Spec {
        reverse,
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
