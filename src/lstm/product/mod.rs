//! The dense products around the recurrence in mixed precision: operands rounded to f16, sums in f32.
//!
//! Burn's own products are taken in f32. On wgpu they go through CubeCL's WGSL compiler, which has no matrix units:
//! cubek's default (with autotune off) asks for its matrix-unit routine, is told that there is none, and takes
//! `SimpleUnit`, a product by plain arithmetic, whatever the element type; f16 tensors would halve its memory traffic
//! and gain no matrix unit. So where `train.precision` is f16 and the adapter has cooperative matrices, `product_units`
//! takes Burn's place (16 × 16 on Vulkan, 8 × 8 on Metal). Elsewhere Burn's products stay: `product`, the sibling by
//! plain arithmetic, took 2.4 to 2.8 times as long on software Vulkan (llvmpipe; 6400 × 1024 × 150 and 1024 × 150 ×
//! 6400), so no setting takes it; it shows on any adapter what the matrix units have to give. The CPU engine rounds as
//! they do, to show what they would learn.
//!
//! An operand is brought by an exact power of two to just below 2¹⁵ before it is rounded, and the sums are brought back:
//! nothing overflows, and what underflows is 2⁻³⁹ of the operand's largest number. Gradients therefore need no loss
//! scaling: a scale of the loss is a guess at these powers, and has to skip the steps at which it was wrong.
//!
//! `product_units` is validated and translated by tests, but has not yet run on hardware with matrix units.

mod autodiff;
mod flex;
mod gpu;
mod ops;
mod scale;
pub mod shaders;

pub use super::units::Units;
pub use gpu::Sizes;
pub use ops::ProductBackend;
pub use scale::{largest_of, rounded};

use burn::backend::Dispatch;
use burn::tensor::Tensor;

/// How products are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Products {
    /// What computes them.
    pub units: Units,
    /// Floating-point operations of the longest dispatch; one row of tiles can take more.
    pub dispatch: u64,
}

/// The differentiable product of each group: [G, M, N] of `a` [G, M, K] and `b` [G, K, N], in whatever order their
/// axes lie in memory.
pub fn product(a: Tensor<3>, b: Tensor<3>, products: Products) -> Tensor<3> {
    Tensor::from_dispatch(<Dispatch as ProductBackend>::product(
        a.into_dispatch(),
        b.into_dispatch(),
        products,
    ))
}
