//! The engine on a GPU, behind Burn's CubeCL backend: which kernels, which steps, which buffers.

mod launch;
mod product;
mod recurrence;

pub use launch::WORKGROUPS;
pub use product::{PRODUCT_SQUARES, Sizes};

use burn::tensor::{DType, Shape};
use burn_wgpu::CubeTensor;

/// A contiguous tensor of unset numbers beside `like`, with room for `more` numbers behind it that a kernel keeps for
/// itself.
fn unset(like: &CubeTensor, shape: &[usize], dtype: DType, more: usize) -> CubeTensor {
    let shape = Shape::from(shape.to_vec());
    let bytes = (shape.num_elements() + more) * dtype.size();
    let handle = like.client.empty(bytes);
    let (client, device) = (like.client.clone(), like.device.clone());
    CubeTensor::new_contiguous(client, device, shape, handle, dtype)
}
