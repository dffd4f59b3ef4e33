//! The engine on a GPU, behind Burn's CubeCL backend: which kernels, which steps, which buffers.

mod launch;
mod product;
mod recurrence;

pub use launch::WORKGROUPS;
pub use product::{PRODUCT_SQUARES, Sizes};

use super::backend::LstmKernels;
use super::options::Context;
use super::recurrence::Spec;
use burn::backend::tensor::FloatTensor;
use burn::tensor::{DType, Shape};
use burn_wgpu::{CubeBackend, CubeTensor};

impl LstmKernels for CubeBackend {
    fn recurrence_forward(
        projected: FloatTensor<Self>,
        w_hh: FloatTensor<Self>,
        h0: FloatTensor<Self>,
        c0: FloatTensor<Self>,
        peephole: FloatTensor<Self>,
        mask: FloatTensor<Self>,
        spec: Spec,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        recurrence::forward(projected, w_hh, [h0, c0, peephole, mask], spec)
    }

    fn recurrence_backward(
        d_out: FloatTensor<Self>,
        w_hh: FloatTensor<Self>,
        gates: FloatTensor<Self>,
        cells: FloatTensor<Self>,
        c0: FloatTensor<Self>,
        peephole: FloatTensor<Self>,
        mask: FloatTensor<Self>,
        spec: Spec,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        recurrence::backward(w_hh, [d_out, gates, cells, c0, peephole, mask], spec)
    }

    fn previous_hidden(
        out: FloatTensor<Self>,
        h0: FloatTensor<Self>,
        mask: FloatTensor<Self>,
        spec: Spec,
    ) -> FloatTensor<Self> {
        recurrence::previous_hidden(out, h0, mask, spec)
    }

    fn largest(x: FloatTensor<Self>) -> FloatTensor<Self> {
        product::largest(x)
    }

    fn scaled_product(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        a_largest: FloatTensor<Self>,
        b_largest: FloatTensor<Self>,
        context: Context,
    ) -> FloatTensor<Self> {
        product::scaled_product([a, b], [a_largest, b_largest], context)
    }
}

/// A contiguous tensor of unset numbers beside `like`, with room for `more` numbers behind it that a kernel keeps for
/// itself.
fn unset(like: &CubeTensor, shape: &[usize], dtype: DType, more: usize) -> CubeTensor {
    let shape = Shape::from(shape.to_vec());
    let bytes = (shape.num_elements() + more) * dtype.size();
    let handle = like.client.empty(bytes);
    let (client, device) = (like.client.clone(), like.device.clone());
    CubeTensor::new_contiguous(client, device, shape, handle, dtype)
}
