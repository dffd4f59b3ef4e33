//! A lower bound on the time of a layer: the bytes it must move and the operations it must compute, over the bandwidth and
//! the arithmetic rate of the device.
//!
//! Every tensor counts in the format that it is stored in: in half precision the four gates of a step take two bytes per
//! number, everything else takes four.

use super::shapes::Shape;
use crate::bench::times::{failed, timed};
use crate::device::Compute;
use crate::error::Result;
use crate::lstm::testing::product as ours;
use crate::lstm::{Context, Plan, Precision};
use burn::tensor::{DType, Device, Distribution, Tensor};
use cubecl::ir::{ElemType, FloatKind};
use cubecl::throughput::{MemoryAccess, ThroughputKey, ThroughputMode};
use rayon::prelude::*;
use serde::Serialize;
use std::time::Instant;

/// The minimum that one pass of a layer moves and computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Work {
    /// Bytes that move between memory and the arithmetic units.
    pub bytes: u64,
    /// Floating-point operations of the matrix products, two per multiply-add; those of the cell are not counted.
    pub operations: u64,
}

/// T·B.
fn rows(shape: &Shape) -> u64 {
    (shape.steps * shape.batch) as u64
}

/// Numbers in the weights of a layer: W_ih and W_hh of every group, and the sum of its two biases.
fn weights(shape: &Shape) -> u64 {
    let (h, d) = (shape.hidden as u64, shape.directions as u64);
    let of = |input: &usize| d * 4 * h * (*input as u64 + h + 1);
    shape.inputs.iter().map(of).sum()
}

/// Numbers in the inputs of all steps; both directions of a layer read the same.
fn inputs(shape: &Shape) -> u64 {
    rows(shape) * shape.inputs.iter().map(|i| *i as u64).sum::<u64>()
}

/// Numbers in one tensor [T, B, G, H].
fn states(shape: &Shape) -> u64 {
    rows(shape) * (shape.groups() * shape.hidden) as u64
}

/// Bytes of the four gates of every step in a number format.
fn gates(shape: &Shape, precision: Precision) -> u64 {
    let a_number = match precision {
        Precision::F32 => 4,
        Precision::F16 => 2,
    };
    4 * a_number * states(shape)
}

/// Multiplications and additions of a pass's products with W_ih and W_hh: 2·T·B·4H·(I + H) per group.
fn products(shape: &Shape) -> u64 {
    let (h, d) = (shape.hidden as u64, shape.directions as u64);
    let of = |input: &usize| 2 * rows(shape) * d * 4 * h * (*input as u64 + h);
    shape.inputs.iter().map(of).sum()
}

/// The forward pass: reads the inputs and each weight once; writes the hidden states, and what the backward pass needs,
/// the four activated gates and the cell state of every step. What lives between its kernels (the input projection) and
/// weights read again at every step do not count, since a faster kernel could keep them on the chip.
pub fn forward(shape: &Shape, precision: Precision) -> Work {
    let full = inputs(shape) + weights(shape) + 2 * states(shape);
    Work {
        bytes: 4 * full + gates(shape, precision),
        operations: products(shape),
    }
}

/// The backward pass: reads the gradient of the hidden states, the hidden states, gates and cell states that were kept,
/// the inputs and the weights; writes the gradients of inputs and weights. Its products are those of the forward pass
/// twice: once for the gradients of inputs and states, once for those of the weights.
pub fn backward(shape: &Shape, precision: Precision) -> Work {
    let full = 2 * inputs(shape) + 2 * weights(shape) + 3 * states(shape);
    Work {
        bytes: 4 * full + gates(shape, precision),
        operations: 2 * products(shape),
    }
}

/// Operations of both passes.
pub fn operations(shape: &Shape) -> u64 {
    3 * products(shape)
}

/// The rates of a device, measured on it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Peak {
    /// Bytes read and written by a large copy, in billions per second.
    pub bandwidth_gb_s: f64,
    /// Best rate in float32, billions of operations per second: of multiply-add chains in registers or of a large matrix
    /// product, whichever is faster.
    pub rate_gflops: f64,
    /// Best rate of a large matrix product by Burn in float32, billions of operations per second.
    pub product_gflops: f64,
    /// As `rate_gflops`, in float16 without matrix units; `None` if the device has no float16.
    pub rate_f16_gflops: Option<f64>,
    /// Best rate of our large matrix product on matrix units; `None` if the device has none that pass the self-test.
    pub rate_units_gflops: Option<f64>,
}

impl Peak {
    /// The least milliseconds of both passes: for each the larger of its bytes over the bandwidth and its operations
    /// over the rate: the best that the device has in the number format, on matrix units where they are.
    pub fn floor_ms(&self, shape: &Shape, precision: Precision) -> f64 {
        let half = best(self.rate_f16_gflops, self.rate_units_gflops);
        let rate = match (precision, half) {
            // Where f32 is faster, f16 can be computed in it.
            (Precision::F16, Some(rate)) => rate.max(self.rate_gflops),
            _ => self.rate_gflops,
        };
        let of = |work: Work| {
            let moved = work.bytes as f64 / (self.bandwidth_gb_s * 1e6);
            moved.max(work.operations as f64 / (rate * 1e6))
        };
        of(forward(shape, precision)) + of(backward(shape, precision))
    }

    /// Measures a device, in a few seconds.
    ///
    /// # Errors
    /// [`crate::Error::Device`] where it fails.
    pub fn measure(compute: &Compute) -> Result<Self> {
        let device = &compute.device;
        let product_gflops = product(device, DType::F32)?;
        if compute.adapter.is_none() {
            return Ok(Peak {
                bandwidth_gb_s: copy_on_cpu(),
                rate_gflops: product_gflops,
                product_gflops,
                rate_f16_gflops: None,
                rate_units_gflops: None,
            });
        }
        let kinds = [FloatKind::F32, FloatKind::F16].map(|kind| ThroughputMode::ComputeDirect {
            dtype: ElemType::Float(kind),
        });
        let copy = ThroughputMode::memory(MemoryAccess::Copy);
        let keys = [kinds[0], kinds[1], copy].map(|mode| ThroughputKey { mode });
        let found = device.performance_stats(&keys);
        let value = |at: usize| found.get(at).and_then(|stat| stat.value.ok());
        let rate = |at: usize| value(at).map(|v| v.ops_per_s() / 1e9);
        let probed = value(2).map_or(0.0, |value| value.bytes_per_s(&keys[2]) / 1e9);
        let bandwidth = probed.max(copy_on_device(device)?);
        let half = compute.adapter.as_ref().is_some_and(|a| a.f16);
        let product_f16 = half.then(|| product(device, DType::F16).ok()).flatten();
        let context = Context::on(compute, Plan::default());
        let (context, _) = context.in_precision(Precision::F16, compute);
        let rate_units_gflops = match context.products.matrix_units() {
            Some(_) => {
                let of = |x: Tensor<2>| x.unsqueeze_dim::<3>(0);
                let product = |a, b| ours(of(a), of(b), context);
                Some(fastest(device, DType::F32, product)?)
            }
            None => None,
        };
        Ok(Peak {
            bandwidth_gb_s: bandwidth,
            rate_gflops: best(rate(0), Some(product_gflops)).unwrap_or(product_gflops),
            product_gflops,
            rate_f16_gflops: half.then(|| best(rate(1), product_f16)).flatten(),
            rate_units_gflops,
        })
    }
}

/// The larger of two rates, or the only one.
fn best(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.max(b)),
        (a, b) => a.or(b),
    }
}

/// Passes; the fastest counts.
const PASSES: usize = 4;

/// Billions of operations per second of Burn's product of two square matrices.
fn product(device: &Device, dtype: DType) -> Result<f64> {
    fastest(device, dtype, |a, b| a.matmul(b))
}

/// Billions of operations per second of a product of two square matrices, the best over sizes that grow until one takes a
/// tenth of a second.
fn fastest<const D: usize>(
    device: &Device,
    dtype: DType,
    product: impl Fn(Tensor<2>, Tensor<2>) -> Tensor<D> + Sync,
) -> Result<f64> {
    let mut best = 0.0f64;
    let mut size = 256;
    while size <= 8192 {
        let of = || Tensor::<2>::random([size, size], Distribution::Uniform(-1.0, 1.0), device);
        let (a, b) = (of().cast(dtype), of().cast(dtype));
        let mut least = f64::INFINITY;
        for pass in 0..PASSES {
            let (_, ms) = timed(device, || product(a.clone(), b.clone()))?;
            // The first compiles.
            if pass > 0 && ms > 0.0 {
                least = least.min(ms);
            }
        }
        best = best.max(2.0 * (size as f64).powi(3) / (least * 1e6));
        if least > 100.0 {
            break;
        }
        size *= 2;
    }
    Ok(best)
}

/// Bytes of a tensor that no cache holds.
const LARGE: usize = 256 << 20;

/// Billions of bytes per second that are read and written when a number is added to every element of a large tensor.
fn copy_on_device(device: &Device) -> Result<f64> {
    let x = Tensor::<1>::zeros([LARGE / 8], device);
    let mut least = f64::INFINITY;
    for pass in 0..PASSES {
        let (y, ms) = timed(device, || x.clone().add_scalar(1.0))?;
        if pass > 0 {
            least = least.min(ms);
        }
        drop(y);
    }
    device.sync().map_err(failed)?;
    Ok((LARGE / 2 * 2) as f64 / (least * 1e6))
}

/// Billions of bytes per second that all threads together read and write while copying.
fn copy_on_cpu() -> f64 {
    let from = vec![1.0f32; LARGE / 4];
    let mut to = vec![0.0f32; LARGE / 4];
    let mut least = f64::INFINITY;
    for _ in 0..PASSES {
        let started = Instant::now();
        let chunks = to.par_chunks_mut(1 << 16).zip(from.par_chunks(1 << 16));
        chunks.for_each(|(to, from)| to.copy_from_slice(from));
        least = least.min(started.elapsed().as_secs_f64());
    }
    std::hint::black_box(&to);
    (2 * LARGE) as f64 / least / 1e9
}
