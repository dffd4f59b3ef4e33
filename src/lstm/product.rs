//! The dense products around the recurrence: the input projection and the gradients of the weights.

use super::backend::LstmBackend;
use super::options::Context;
use burn::backend::Dispatch;
use burn::tensor::Tensor;

/// The differentiable product of each group: [G, M, N] of `a` [G, M, K] and `b` [G, K, N], in whatever order their
/// axes lie in memory, computed as the context's `products` say.
pub fn product(a: Tensor<3>, b: Tensor<3>, context: Context) -> Tensor<3> {
    Tensor::from_dispatch(<Dispatch as LstmBackend>::product(
        a.into_dispatch(),
        b.into_dispatch(),
        context,
    ))
}
