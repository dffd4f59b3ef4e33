//! The engine as an extension of Burn's backends: what is differentiable, and the passes that each engine computes.

use super::options::Context;
use super::recurrence::Spec;
use burn::backend::{Backend, ExtensionType, Flex, backend_extension, tensor::FloatTensor};
use burn_wgpu::CubeBackend;

/// Weights and states of a recurrence, all float32.
#[derive(Debug, Clone, ExtensionType)]
pub struct CellTensors<B: Backend> {
    /// Recurrent weights, [G, 4H, H], gates i, f, g, o.
    pub w_hh: FloatTensor<B>,
    /// Initial hidden state, [G, B, H].
    pub h0: FloatTensor<B>,
    /// Initial cell state, [G, B, H].
    pub c0: FloatTensor<B>,
    /// w_ci, w_cf, w_co, [G, 3, H]; one number where the [`Spec`] has no peepholes.
    pub peephole: FloatTensor<B>,
    /// Recurrent mask, [G, B, H]; one number where the [`Spec`] has no mask.
    pub mask: FloatTensor<B>,
}

/// What a forward pass leaves.
#[derive(Debug, Clone, ExtensionType)]
pub struct Saved<B: Backend> {
    /// Hidden state of every step, [T, B, G, H].
    pub out: FloatTensor<B>,
    /// Activated gates, [T, B, G, 4H].
    pub gates: FloatTensor<B>,
    /// Cell state of every step, [T, B, G, H].
    pub cells: FloatTensor<B>,
}

/// The differentiable calls.
#[backend_extension(Cube, Flex, Autodiff)]
pub trait LstmBackend: Backend {
    /// The hidden state of every step, [T, B, G, H], of an LSTM whose input projection is done: `projected`
    /// [T, B, G, 4H], both biases in.
    fn recurrence(
        projected: FloatTensor<Self>,
        #[extension_type] cell: CellTensors<Self>,
        spec: Spec,
    ) -> FloatTensor<Self>;

    /// The same, and the cell state of every step, [T, B, G, H].
    ///
    /// The cell states are differentiable at each row's last valid step only: their gradient must be zero at every other.
    fn recurrence_and_cells(
        projected: FloatTensor<Self>,
        #[extension_type] cell: CellTensors<Self>,
        spec: Spec,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// A product of float32 tensors, by group: [G, M, N] of `a` [G, M, K] and `b` [G, K, N].
    fn product(a: FloatTensor<Self>, b: FloatTensor<Self>, context: Context) -> FloatTensor<Self>;
}

/// The passes of an engine, whose tensors are those of [`LstmBackend`].
#[backend_extension(Cube, Flex)]
pub trait LstmKernels: Backend {
    /// The pass over the steps.
    fn recurrence_forward(
        projected: FloatTensor<Self>,
        #[extension_type] cell: CellTensors<Self>,
        spec: Spec,
    ) -> Saved<Self>;

    /// From the gradient of the hidden states: that of the gates before activation [T, B, G, 4H], and of h0 and
    /// c0 [2, G, B, H].
    fn recurrence_backward(
        d_out: FloatTensor<Self>,
        #[extension_type] cell: CellTensors<Self>,
        #[extension_type] saved: Saved<Self>,
        spec: Spec,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// The hidden state that entered each step's recurrent product, [G, T·B, H]; zero after a row's end.
    fn previous_hidden(
        out: FloatTensor<Self>,
        h0: FloatTensor<Self>,
        mask: FloatTensor<Self>,
        spec: Spec,
    ) -> FloatTensor<Self>;

    /// The largest magnitude in a tensor, one number; NaN where it holds one.
    fn largest(x: FloatTensor<Self>) -> FloatTensor<Self>;

    /// The product of operands whose largest magnitudes are known.
    fn scaled_product(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        a_largest: FloatTensor<Self>,
        b_largest: FloatTensor<Self>,
        context: Context,
    ) -> FloatTensor<Self>;
}

/// The calls on a backend that tracks no gradients.
macro_rules! untracked {
    ($($backend:ty),*) => {$(
        impl LstmBackend for $backend {
            fn recurrence(
                projected: FloatTensor<Self>,
                cell: CellTensors<Self>,
                spec: Spec,
            ) -> FloatTensor<Self> {
                Self::recurrence_forward(projected, cell, spec).out
            }

            fn recurrence_and_cells(
                projected: FloatTensor<Self>,
                cell: CellTensors<Self>,
                spec: Spec,
            ) -> (FloatTensor<Self>, FloatTensor<Self>) {
                let saved = Self::recurrence_forward(projected, cell, spec);
                (saved.out, saved.cells)
            }

            fn product(
                a: FloatTensor<Self>,
                b: FloatTensor<Self>,
                context: Context,
            ) -> FloatTensor<Self> {
                let [a_largest, b_largest] = [a.clone(), b.clone()].map(Self::largest);
                Self::scaled_product(a, b, a_largest, b_largest, context)
            }
        }
    )*};
}

untracked!(CubeBackend, Flex);
