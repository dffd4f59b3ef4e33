//! The engine on a GPU, behind Burn's CubeCL backend: which kernels, which steps, which buffers.

mod launch;
mod product;
mod recurrence;

pub use launch::WORKGROUPS;
pub use product::Sizes;

use burn::tensor::{DType, Shape};
use burn_wgpu::CubeTensor;

/// A contiguous, uninitialised tensor on the device of `like`, followed by space for `more` numbers that a kernel needs.
fn unset(like: &CubeTensor, shape: &[usize], dtype: DType, more: usize) -> CubeTensor {
    let shape = Shape::from(shape.to_vec());
    let bytes = (shape.num_elements() + more) * dtype.size();
    let handle = like.client.empty(bytes);
    let (client, device) = (like.client.clone(), like.device.clone());
    CubeTensor::new_contiguous(client, device, shape, handle, dtype)
}
