//! The dense products on a GPU: which tiles, which pieces of K, which buffers.
//!
//! Burn computes products in f32. On wgpu they are compiled to WGSL by CubeCL, which does not use matrix units there:
//! without autotune, cubek falls back to `SimpleUnit`, which uses plain arithmetic for every element type. With f16 tensors
//! it would halve the memory traffic and nothing else. So if the precision is f16 and the adapter has cooperative matrices,
//! `product_units` replaces it (16 × 16 on Vulkan, 8 × 8 on Metal). It is validated and translated by tests, but has not yet run on
//! hardware with matrix units.

use super::launch::{Dispatch, Launch, WORKGROUPS, limits, together};
use super::unset;
use crate::lstm::kernel::{Kernel, OperandLayout, PRODUCT_SQUARES};
use crate::lstm::options::Context;
use burn::backend::TensorMetadata;
use burn::backend::ops::FloatTensorOps;
use burn::tensor::Shape;
use burn_wgpu::{CubeBackend, CubeTensor, into_contiguous};
use cubecl::server::Handle;

/// Workgroups that occupy a large GPU.
const BUSY: usize = 512;

/// Smallest K of a piece: shorter ones are not worth a sum of their own.
const SHORTEST: usize = 1 << 10;

/// Largest K of a piece: llvmpipe ends a loop after 65,535 iterations, and an iteration takes at least 16 of K.
const LONGEST: usize = 1 << 19;

/// Maximum bytes of the sums of all pieces.
const SUMS: usize = 64 << 20;

/// Sizes of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// G.
    pub groups: usize,
    /// Rows of A and C.
    pub m: usize,
    /// Columns of B and C.
    pub n: usize,
    /// Columns of A, rows of B.
    pub k: usize,
}

impl Sizes {
    /// Workgroups that tiles of a side give, one piece of K each.
    fn tiles(self, tile: usize) -> usize {
        self.m.div_ceil(tile) * self.n.div_ceil(tile) * self.groups
    }

    /// Pieces of K, and the length of one: several where the tiles alone would leave a GPU idle, as in a weight's
    /// gradient, or where K is too long for one loop.
    pub fn pieces(self, tile: usize) -> (usize, usize) {
        let sums = (SUMS / size_of::<f32>()) / (self.groups * self.m * self.n);
        let count = (BUSY / self.tiles(tile))
            .min(self.k / SHORTEST)
            .min(sums)
            .max(self.k.div_ceil(LONGEST))
            .max(1);
        let length = self.k.div_ceil(count).next_multiple_of(32);
        (self.k.div_ceil(length), length)
    }

    /// Dispatches as (first row of tiles, rows of tiles, first z, z), z counting groups and pieces: none above the
    /// bound on operations unless a single row of tiles is, none above WebGPU's limits.
    pub fn dispatches(self, tile: usize, most: u64) -> Vec<[usize; 4]> {
        let (count, length) = self.pieces(tile);
        let (rows, depth) = (self.m.div_ceil(tile), self.groups * count);
        let row = 2 * (tile * self.n * length.min(self.k)) as u64;
        let fit = usize::try_from(most / row.max(1)).unwrap_or(usize::MAX);
        let fit = fit.max(1);
        let y = rows.min(fit).min(WORKGROUPS);
        let z = (fit / y).clamp(1, depth.min(WORKGROUPS));
        let starts = |all: usize, step: usize| (0..all).step_by(step);
        starts(depth, z)
            .flat_map(|z0| {
                starts(rows, y).map(move |y0| [y0, y.min(rows - y0), z0, z.min(depth - z0)])
            })
            .collect()
    }
}

/// An operand as the kernel reads it: the tensor, its layout, and the strides of group and of the axis whose stride is
/// not 1.
fn operand(x: CubeTensor, outer: usize, k: usize) -> (CubeTensor, OperandLayout, [u32; 2]) {
    let one = |x: &CubeTensor| [k, outer].into_iter().find(|d| x.meta.strides()[*d] == 1);
    let (x, axis) = match one(&x) {
        Some(axis) => (x, axis),
        None => (into_contiguous(x), 2),
    };
    let strides = x.meta.strides();
    let other = if axis == k { outer } else { k };
    let numbers = [x.meta.shape()[axis], strides[0], strides[other]];
    let layout = OperandLayout {
        deep: axis == k,
        fours: numbers.iter().all(|n| n.is_multiple_of(4)),
    };
    let strides = [strides[0] as u32, strides[other] as u32];
    (x, layout, strides)
}

/// Whether the memory of a tensor holds each of its numbers once, and nothing else.
fn dense(x: &CubeTensor) -> bool {
    let axes = || x.meta.shape().iter().zip(x.meta.strides().iter());
    let span: usize = axes().map(|(n, s)| (n - 1) * s).sum();
    let distinct = axes().all(|(n, s)| *n == 1 || *s > 0);
    distinct && span + 1 == x.meta.shape().num_elements() && x.is_nonoverlapping()
}

fn launch(
    kernel: Kernel,
    buffers: &[(&'static str, &Handle)],
    dispatches: &[Dispatch],
    together: usize,
    like: &CubeTensor,
) {
    Launch {
        kernel,
        buffers,
        lengths: None,
        together,
    }
    .run(&like.client, dispatches);
}

/// The largest magnitude in a tensor, as the bits of one number.
pub fn largest(x: CubeTensor) -> CubeTensor {
    let zero = x.client.create_from_slice(bytemuck::cast_slice(&[0u32]));
    let count = x.shape().num_elements();
    if count > 0 {
        let x = if dense(&x) {
            x.clone()
        } else {
            into_contiguous(x.clone())
        };
        let kernel = Kernel::Largest;
        // As far as a dispatch goes.
        let grid = kernel.grid([count, 1, 1]).map(|blocks| blocks.min(4096));
        let threads = grid[0] * kernel.threads() as usize;
        let info = vec![count as u32, threads as u32];
        let buffers = [("x", &x.handle), ("bits", &zero)];
        launch(kernel, &buffers, &[Dispatch { info, grid }], 1, &x);
    }
    let (client, device) = (x.client.clone(), x.device.clone());
    CubeTensor::new_contiguous(client, device, Shape::from(vec![1]), zero, x.dtype)
}

/// The product of operands whose largest magnitudes are known: on matrix units where the context has them.
pub fn scaled_product(
    [a, b]: [CubeTensor; 2],
    largest: [CubeTensor; 2],
    context: Context,
) -> CubeTensor {
    let (shape, n) = (a.shape(), b.shape()[2]);
    let [groups, m, k] = [0, 1, 2].map(|d| shape[d]);
    let sizes = Sizes { groups, m, n, k };
    let Some(units) = context.products.matrix_units() else {
        return CubeBackend::float_matmul(a, b);
    };
    if groups * m * n * k == 0 {
        return CubeBackend::float_matmul(a, b);
    }
    let (a, a_layout, a_strides) = operand(a, 1, 2);
    let (b, b_layout, b_strides) = operand(b, 2, 1);
    let limits = limits(&a, Some(units));
    let [small, large] = PRODUCT_SQUARES.map(|squares| {
        (
            squares,
            Kernel::ProductUnits([a_layout, b_layout], squares, units),
        )
    });
    let enough = sizes.tiles(large.0.rows() as usize) >= BUSY / 2;
    let (squares, kernel) = if enough && limits.fit(&large.1) {
        large
    } else {
        small
    };
    let tile = squares.rows() as usize;
    let (count, length) = sizes.pieces(tile);
    let out = unset(&a, &[count, groups, m, n], a.dtype, 0);
    let [a_largest, b_largest] = largest.map(into_contiguous);
    let buffers = [
        ("a", &a.handle),
        ("b", &b.handle),
        ("a_largest", &a_largest.handle),
        ("b_largest", &b_largest.handle),
        ("c", &out.handle),
    ];
    let dispatches: Vec<_> = sizes
        .dispatches(tile, context.dispatch)
        .into_iter()
        .map(|[y0, y, z0, z]| {
            let mut info: Vec<u32> = [m, n, k, groups, y0, z0, length].map(|x| x as u32).to_vec();
            info.extend(a_strides);
            info.extend(b_strides);
            let grid = kernel.grid([n, y * tile, z]);
            Dispatch { info, grid }
        })
        .collect();
    let operations = 2.0 * (groups * m * n) as f64 * k as f64;
    let together = together(context.dispatch, dispatches.len(), operations);
    launch(kernel, &buffers, &dispatches, together, &a);
    let sum = if count == 1 {
        out
    } else {
        CubeBackend::float_sum_dim(out, 0)
    };
    CubeBackend::float_reshape(sum, Shape::from(vec![groups, m, n]))
}
