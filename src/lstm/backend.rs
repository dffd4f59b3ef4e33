//! The engine as an extension of Burn's backends: what is differentiable, and the passes that each engine computes.

use super::options::Context;
use super::recurrence::Spec;
use burn::backend::{Backend, Flex, backend_extension, tensor::FloatTensor};
use burn_wgpu::CubeBackend;

/// The differentiable calls.
#[backend_extension(Cube, Flex, Autodiff)]
pub trait LstmBackend: Backend {
    /// The recurrence of an LSTM, its input projection already done: the hidden state of every step, [T, B, G, H].
    ///
    /// `projected` [T, B, G, 4H] (both biases in, gates i, f, g, o), `w_hh` [G, 4H, H], `h0` and `c0` [G, B, H],
    /// `peephole` [G, 3, H] (w_ci, w_cf, w_co), `mask` [G, B, H]; an option that the [`Spec`] leaves out has a tensor of
    /// one number in its place. All float32.
    fn recurrence(
        projected: FloatTensor<Self>,
        w_hh: FloatTensor<Self>,
        h0: FloatTensor<Self>,
        c0: FloatTensor<Self>,
        peephole: FloatTensor<Self>,
        mask: FloatTensor<Self>,
        spec: Spec,
    ) -> FloatTensor<Self>;

    /// The same, and the cell state of every step, [T, B, G, H].
    ///
    /// The cell states are differentiable at each row's last valid step only: their gradient must be zero at every other.
    fn recurrence_and_cells(
        projected: FloatTensor<Self>,
        w_hh: FloatTensor<Self>,
        h0: FloatTensor<Self>,
        c0: FloatTensor<Self>,
        peephole: FloatTensor<Self>,
        mask: FloatTensor<Self>,
        spec: Spec,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// A product of float32 tensors, by group: [G, M, N] of `a` [G, M, K] and `b` [G, K, N].
    fn product(a: FloatTensor<Self>, b: FloatTensor<Self>, context: Context) -> FloatTensor<Self>;
}

/// The passes of an engine, whose tensors are those of [`LstmBackend`].
#[backend_extension(Cube, Flex)]
pub trait LstmKernels: Backend {
    /// Hidden states [T, B, G, H], activated gates [T, B, G, 4H] and cell states [T, B, G, H].
    fn recurrence_forward(
        projected: FloatTensor<Self>,
        w_hh: FloatTensor<Self>,
        h0: FloatTensor<Self>,
        c0: FloatTensor<Self>,
        peephole: FloatTensor<Self>,
        mask: FloatTensor<Self>,
        spec: Spec,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// From the gradient of the hidden states: that of the gates before activation [T, B, G, 4H], and of h0 and
    /// c0 [2, G, B, H].
    #[allow(clippy::too_many_arguments)] // What the forward pass saved, one tensor each.
    fn recurrence_backward(
        d_out: FloatTensor<Self>,
        w_hh: FloatTensor<Self>,
        gates: FloatTensor<Self>,
        cells: FloatTensor<Self>,
        c0: FloatTensor<Self>,
        peephole: FloatTensor<Self>,
        mask: FloatTensor<Self>,
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
                w_hh: FloatTensor<Self>,
                h0: FloatTensor<Self>,
                c0: FloatTensor<Self>,
                peephole: FloatTensor<Self>,
                mask: FloatTensor<Self>,
                spec: Spec,
            ) -> FloatTensor<Self> {
                Self::recurrence_forward(projected, w_hh, h0, c0, peephole, mask, spec).0
            }

            fn recurrence_and_cells(
                projected: FloatTensor<Self>,
                w_hh: FloatTensor<Self>,
                h0: FloatTensor<Self>,
                c0: FloatTensor<Self>,
                peephole: FloatTensor<Self>,
                mask: FloatTensor<Self>,
                spec: Spec,
            ) -> (FloatTensor<Self>, FloatTensor<Self>) {
                let (out, _, cells) =
                    Self::recurrence_forward(projected, w_hh, h0, c0, peephole, mask, spec);
                (out, cells)
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
