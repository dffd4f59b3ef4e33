//! The products' kernels on a GPU: which tiles, which pieces of K, which buffers.

use super::ops::ProductBackend;
use super::shaders::{Kernel, Layout};
use super::{Products, Units};
use crate::lstm::gpu::WORKGROUPS;
use burn::backend::TensorMetadata;
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::tensor::Shape;
use burn_wgpu::{
    CubeBackend, CubeDim, CubeTensor, KernelSource, SourceKernel, SourceTemplate, into_contiguous,
};
use cubecl::CubeCount;
use cubecl::prelude::{ExecutionMode, KernelId};
use cubecl::server::{Handle, KernelArguments};

impl KernelSource for Kernel {
    fn source(&self) -> SourceTemplate {
        SourceTemplate::new(Kernel::source(self))
    }

    fn id(&self) -> KernelId {
        // The pipeline cache goes by this id and not by the text: all of the kernel's values are in it.
        let [x, y] = self.workgroup();
        KernelId::new::<Self>()
            .info(*self)
            .cube_dim(CubeDim::new_2d(x, y).0)
            .mode(ExecutionMode::Unchecked)
    }

    fn lang(&self) -> &'static str {
        "wgsl"
    }
}

/// Workgroups that keep a large GPU busy.
const BUSY: usize = 512;

/// K of the shortest piece worth a sum of its own.
const SHORTEST: usize = 1 << 10;

/// K of the longest piece: software Vulkan ends a loop after 65 535 turns, and a turn is 16 of K.
const LONGEST: usize = 1 << 19;

/// Bytes of the pieces' sums together.
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

/// An operand as the kernels read it: the tensor, its layout, and the strides of group and of the axis whose stride is
/// not 1.
fn operand(x: CubeTensor, outer: usize, k: usize) -> (CubeTensor, Layout, [u32; 2]) {
    let one = |x: &CubeTensor| [k, outer].into_iter().find(|d| x.meta.strides()[*d] == 1);
    let (x, axis) = match one(&x) {
        Some(axis) => (x, axis),
        None => (into_contiguous(x), 2),
    };
    let strides = x.meta.strides();
    let other = if axis == k { outer } else { k };
    let numbers = [x.meta.shape()[axis], strides[0], strides[other]];
    let layout = Layout {
        deep: axis == k,
        fours: numbers.iter().all(|n| n.is_multiple_of(4)),
    };
    let strides = [strides[0] as u32, strides[other] as u32];
    (x, layout, strides)
}

/// The kernel for a product on a device: the larger tile where it fits and there is enough for it to do.
fn kernel(sizes: Sizes, layouts: [Layout; 2], products: Products, like: &CubeTensor) -> Kernel {
    let Some(fragments) = products.units.fragments() else {
        return Kernel::Product(layouts);
    };
    let hardware = &like.client.properties().hardware;
    let large = Kernel::ProductUnits(layouts, fragments, 4);
    let fits = large.threads() <= hardware.max_units_per_cube
        && large.memory() <= hardware.max_shared_memory_size;
    if fits && sizes.tiles(large.tile()) >= BUSY / 2 {
        large
    } else {
        Kernel::ProductUnits(layouts, fragments, 2)
    }
}

fn launch(kernel: Kernel, count: [usize; 3], buffers: &[&Handle], info: &[u32], like: &CubeTensor) {
    let client = &like.client;
    let mut bindings: Vec<_> = buffers.iter().map(|x| (*x).clone().binding()).collect();
    let info = client.create_from_slice(bytemuck::cast_slice(info));
    bindings.push(info.binding());
    let [x, y] = kernel.workgroup();
    let [cx, cy, cz] = count.map(|c| c as u32);
    client.launch(
        Box::new(SourceKernel::new(kernel, CubeDim::new_2d(x, y))),
        CubeCount::Static(cx, cy, cz),
        KernelArguments::new().with_buffers(bindings),
    );
}

fn tensor(like: &CubeTensor, shape: &[usize], handle: Handle) -> CubeTensor {
    let shape = Shape::from(shape.to_vec());
    CubeTensor::new_contiguous(
        like.client.clone(),
        like.device.clone(),
        shape,
        handle,
        like.dtype,
    )
}

/// Numbers that a tensor's memory spans, where it holds each of them once and nothing else.
fn dense(x: &CubeTensor) -> bool {
    let axes = || x.meta.shape().iter().zip(x.meta.strides().iter());
    let span: usize = axes().map(|(n, s)| (n - 1) * s).sum();
    let distinct = axes().all(|(n, s)| *n == 1 || *s > 0);
    distinct && span + 1 == x.meta.shape().num_elements() && x.is_nonoverlapping()
}

impl ProductBackend for CubeBackend {
    fn largest(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let zero = x.client.create_from_slice(bytemuck::cast_slice(&[0u32]));
        let count = x.shape().num_elements();
        if count == 0 {
            return tensor(&x, &[1], zero);
        }
        let x = if dense(&x) { x } else { into_contiguous(x) };
        let threads = Kernel::Largest.threads() as usize;
        // Sixteen numbers a thread, as far as a dispatch goes.
        let blocks = count.div_ceil(16 * threads).min(4096);
        let info = [count as u32, (blocks * threads) as u32];
        launch(
            Kernel::Largest,
            [blocks, 1, 1],
            &[&x.handle, &zero],
            &info,
            &x,
        );
        tensor(&x, &[1], zero)
    }

    fn scaled_product(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        a_largest: FloatTensor<Self>,
        b_largest: FloatTensor<Self>,
        products: Products,
    ) -> FloatTensor<Self> {
        let (shape, n) = (a.shape(), b.shape()[2]);
        let sizes = Sizes {
            groups: shape[0],
            m: shape[1],
            n,
            k: shape[2],
        };
        let Sizes { groups, m, n, k } = sizes;
        if products.units == Units::Burn || groups * m * n * k == 0 {
            return CubeBackend::float_matmul(a, b);
        }
        let (a, a_layout, a_strides) = operand(a, 1, 2);
        let (b, b_layout, b_strides) = operand(b, 2, 1);
        let kernel = kernel(sizes, [a_layout, b_layout], products, &a);
        let tile = kernel.tile();
        let (count, length) = sizes.pieces(tile);
        let bytes = count * groups * m * n * a.dtype.size();
        let out = tensor(&a, &[count, groups, m, n], a.client.empty(bytes));
        let [a_largest, b_largest] = [a_largest, b_largest].map(into_contiguous);
        let buffers = [
            &a.handle,
            &b.handle,
            &a_largest.handle,
            &b_largest.handle,
            &out.handle,
        ];
        for [y0, y, z0, z] in sizes.dispatches(tile, products.dispatch) {
            let mut info: Vec<u32> = [m, n, k, groups, y0, z0, length].map(|x| x as u32).to_vec();
            info.extend(a_strides);
            info.extend(b_strides);
            launch(kernel, [n.div_ceil(tile), y, z], &buffers, &info, &a);
        }
        let sum = if count == 1 {
            out
        } else {
            CubeBackend::float_sum_dim(out, 0)
        };
        CubeBackend::float_reshape(sum, Shape::from(vec![groups, m, n]))
    }
}
