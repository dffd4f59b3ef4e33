//! The recurrence as an extension of Burn's backends: one trait, an engine each.

use super::spec::Spec;
use burn::backend::{Backend, backend_extension, tensor::FloatTensor};

/// The recurrence of an LSTM, its input projection already done.
///
/// Tensors: `projected` [T, B, G, 4H] (both biases in, gates i, f, g, o), `w_hh` [G, 4H, H], `h0` and `c0`
/// [G, B, H], `peephole` [G, 3, H] (w_ci, w_cf, w_co), `mask` [G, B, H]; an option that the [`Spec`] leaves out
/// has a tensor of one number in its place. All float32.
#[backend_extension(Cube, Flex, Autodiff)]
pub trait RecurrenceBackend: Backend {
    /// Differentiable: the hidden state of every step, [T, B, G, H].
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
}
