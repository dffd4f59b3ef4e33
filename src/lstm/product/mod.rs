//! The dense products around the recurrence in mixed precision: operands rounded to f16, sums in f32.
//!
//! Burn's own products are taken in f32. On wgpu they go through CubeCL's WGSL compiler, which has no matrix units:
//! cubek's default (with autotune off) asks for its matrix-unit routine, is told that there is none, and takes
//! `SimpleUnit`, a product by plain arithmetic, whatever the element type; f16 tensors would halve its memory traffic
//! and gain no matrix unit. So where `train.precision` is f16 the products here take Burn's place: `product_units` on
//! adapters with cooperative matrices (16 × 16 on Vulkan, 8 × 8 on Metal), its sibling `product` everywhere else.
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

pub use gpu::Sizes;
pub use ops::ProductBackend;
pub use scale::rounded;
pub use shaders::Units;

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
