//! The products as an extension of Burn's backends.

use super::Products;
use burn::backend::{Backend, backend_extension, tensor::FloatTensor};

/// Products of float32 tensors whose operands are rounded to f16, by group.
#[backend_extension(Cube, Flex, Autodiff)]
pub trait ProductBackend: Backend {
    /// Differentiable: [G, M, N] of `a` [G, M, K] and `b` [G, K, N].
    fn product(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        products: Products,
    ) -> FloatTensor<Self> {
        let largest = [a.clone(), b.clone()].map(Self::largest);
        let [a_largest, b_largest] = largest;
        Self::scaled_product(a, b, a_largest, b_largest, products)
    }

    /// The largest magnitude in a tensor, one number; NaN where it holds one.
    fn largest(x: FloatTensor<Self>) -> FloatTensor<Self>;

    /// The product of operands whose largest magnitudes are known.
    fn scaled_product(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        a_largest: FloatTensor<Self>,
        b_largest: FloatTensor<Self>,
        products: Products,
    ) -> FloatTensor<Self>;
}
