//! The passes over the steps on a GPU.

use super::launch::{Dispatch, Launch, WORKGROUPS, limits, together};
use super::{product, unset};
use crate::lstm::backend::{CellTensors, LstmKernels, Saved};
use crate::lstm::kernel::{CellOptions, Kernel, Pass};
use crate::lstm::options::Context;
use crate::lstm::plan::Plan;
use crate::lstm::precision::Precision;
use crate::lstm::recurrence::{Dims, Spec};
use burn::backend::TensorMetadata;
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::tensor::{DType, FloatDType, Shape};
use burn_wgpu::{CubeBackend, CubeTensor, into_contiguous};

/// The options that are constants of the kernels.
fn options(dims: Dims, spec: &Spec, precision: Precision) -> CellOptions {
    CellOptions {
        hidden: dims.hidden as u32,
        peephole: spec.peephole,
        masked: spec.masked,
        lengths: spec.lengths.is_some(),
        precision,
    }
}

/// The kernel of a pass on the device of `x`, and its number format: by the plan of the spec, or stepwise if the device does
/// not support that plan; f32 if it has no f16. Both passes make the same choice. Code that times or names a plan checks
/// its support first.
fn kernel(x: &CubeTensor, pass: Pass, dims: Dims, spec: &Spec) -> (Kernel, Precision) {
    let context = spec.context;
    let units = context.products.matrix_units();
    let limits = limits(x, units);
    let plan = context.plan.of(dims.hidden);
    [
        (plan, context.precision),
        (Plan::STEPWISE, context.precision),
        (Plan::STEPWISE, Precision::F32),
    ]
    .into_iter()
    .find_map(|(plan, precision)| {
        let plan = plan.supports(&limits, dims, precision).ok()?;
        let kernel = plan.kernel(pass, options(dims, spec, precision), units)?;
        Some((kernel, precision))
    })
    .unwrap_or_else(|| {
        // The device has fewer threads than any GPU: wgpu reports the error.
        let options = options(dims, spec, Precision::F32);
        (Kernel::smallest(pass, options), Precision::F32)
    })
}

/// The number format of weights and saved gates.
fn stored(precision: Precision) -> (FloatDType, DType) {
    match precision {
        Precision::F32 => (FloatDType::F32, DType::F32),
        Precision::F16 => (FloatDType::F16, DType::F16),
    }
}

/// The `info` of a dispatch: T, B, G, two step numbers, a direction per group.
fn info(dims: Dims, spec: &Spec, (first, last): (usize, usize)) -> Vec<u32> {
    let mut info: Vec<u32> = [dims.steps, dims.batch, dims.groups, first, last]
        .map(|x| x as u32)
        .to_vec();
    info.extend(spec.reverse.iter().map(|r| u32::from(*r)));
    info
}

/// Maximum loop iterations of a dispatch: llvmpipe leaves the loops of a shader after 65,535, without an error.
const MOST_TURNS: usize = 60_000;

/// The step numbers of each dispatch of a pass, in order.
fn steps(kernel: &Kernel, pass: Pass, dims: Dims, spec: &Spec) -> Vec<(usize, usize)> {
    let mut ascending: Vec<_> = match (kernel, pass) {
        (Kernel::Resident(..), _) => {
            let per_step = dims.flops() / dims.steps as f64;
            // In the backward pass, each lane of a thread iterates over the units, four at a time.
            let turns = dims.hidden.div_ceil(256) * (dims.hidden.div_ceil(4) + 1) + 1;
            let steps = ((spec.context.dispatch as f64 / per_step) as usize)
                .min(MOST_TURNS / turns)
                .max(1);
            ranges(dims.steps, steps).collect()
        }
        (_, Pass::Forward) => (0..dims.steps).map(|step| (step, 0)).collect(),
        // The last one leaves the gradients of the initial states.
        (_, Pass::Backward) => (0..=dims.steps).map(|after| (after, 0)).collect(),
    };
    if pass == Pass::Backward {
        ascending.reverse();
    }
    ascending
}

/// Ranges of at most `steps` steps that cover all of them.
fn ranges(all: usize, steps: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..all)
        .step_by(steps)
        .map(move |first| (first, (first + steps).min(all)))
}

/// Launches a pass over the steps.
fn launch(
    kernel: Kernel,
    pass: Pass,
    dims: Dims,
    spec: &Spec,
    buffers: &[(&'static str, &CubeTensor)],
) {
    let grid = kernel.grid([dims.hidden, dims.batch, dims.groups]);
    let dispatches = steps(&kernel, pass, dims, spec)
        .into_iter()
        .map(|step| (step, grid));
    launch_each(kernel, dims, spec, buffers, dispatches);
}

/// Launches a kernel for each pair of step numbers, with its grid.
fn launch_each(
    kernel: Kernel,
    dims: Dims,
    spec: &Spec,
    buffers: &[(&'static str, &CubeTensor)],
    dispatches: impl Iterator<Item = ((usize, usize), [usize; 3])>,
) {
    let dispatches: Vec<_> = dispatches
        .map(|(step, grid)| Dispatch {
            info: info(dims, spec, step),
            grid,
        })
        .collect();
    let handles: Vec<_> = buffers.iter().map(|(name, x)| (*name, &x.handle)).collect();
    Launch {
        kernel,
        buffers: &handles,
        lengths: spec.lengths.as_ref().map(|lengths| lengths.as_slice()),
        together: together(spec.context.dispatch, dispatches.len(), dims.flops()),
    }
    .run(&buffers[0].1.client, &dispatches);
}

/// W_hh [G, 4H, H] as the forward kernels read it: [G, H(k), H(unit), 4], the gates of a unit side by side.
fn forward_weights(w_hh: CubeTensor, dims: Dims, precision: Precision) -> CubeTensor {
    let h = dims.hidden;
    let split = CubeBackend::float_reshape(w_hh, Shape::from(vec![dims.groups, 4, h, h]));
    let turned = CubeBackend::float_permute(split, &[0, 3, 2, 1]);
    into_contiguous(CubeBackend::float_cast(turned, stored(precision).0))
}

/// W_hh [G, 4H, H] as the backward kernels read it: [G, 4H, HQ, 4], HQ = ⌈H/4⌉, the four a quarter of H apart.
fn backward_weights(w_hh: CubeTensor, dims: Dims, precision: Precision) -> CubeTensor {
    let (g, h, quads) = (dims.groups, dims.hidden, dims.hidden.div_ceil(4));
    let missing = 4 * quads - h;
    let mut padded = w_hh;
    if missing > 0 {
        let device = padded.device.clone();
        let shape = Shape::from(vec![g, 4 * h, missing]);
        let zeros = CubeBackend::float_zeros(shape, &device, FloatDType::F32);
        padded = CubeBackend::float_cat(vec![padded, zeros], 2);
    }
    let split = CubeBackend::float_reshape(padded, Shape::from(vec![g, 4 * h, 4, quads]));
    let turned = CubeBackend::float_permute(split, &[0, 1, 3, 2]);
    into_contiguous(CubeBackend::float_cast(turned, stored(precision).0))
}

impl LstmKernels for CubeBackend {
    fn recurrence_forward(
        projected: FloatTensor<Self>,
        cell: CellTensors<Self>,
        spec: Spec,
    ) -> Saved<Self> {
        let dims = Dims::of(&projected.shape(), 4);
        let [steps, batch, groups, hidden] = dims.sizes();
        let (kernel, precision) = kernel(&projected, Pass::Forward, dims, &spec);
        let w_hh = forward_weights(cell.w_hh, dims, precision);
        let tensors = [projected, cell.h0, cell.c0, cell.peephole, cell.mask];
        let [projected, h0, c0, peephole, mask] = tensors.map(into_contiguous);
        let new = |width, dtype| unset(&projected, &[steps, batch, groups, width], dtype, 0);
        let out = new(hidden, DType::F32);
        let gates = new(4 * hidden, stored(precision).1);
        let cells = new(hidden, DType::F32);
        let buffers = [
            ("projected", &projected),
            ("w_hh", &w_hh),
            ("h0", &h0),
            ("c0", &c0),
            ("peephole", &peephole),
            ("mask", &mask),
            ("out", &out),
            ("gates", &gates),
            ("cells", &cells),
        ];
        launch(kernel, Pass::Forward, dims, &spec, &buffers);
        Saved { out, gates, cells }
    }

    fn recurrence_backward(
        d_out: FloatTensor<Self>,
        cell: CellTensors<Self>,
        saved: Saved<Self>,
        spec: Spec,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let dims = Dims::of(&d_out.shape(), 1);
        let [steps, batch, groups, hidden] = dims.sizes();
        let (kernel, precision) = kernel(&d_out, Pass::Backward, dims, &spec);
        let w_hh = backward_weights(cell.w_hh, dims, precision);
        let tensors = [
            d_out,
            saved.gates,
            saved.cells,
            cell.c0,
            cell.peephole,
            cell.mask,
        ];
        let [d_out, gates, cells, c0, peephole, mask] = tensors.map(into_contiguous);
        let d_gates = unset(&d_out, &[steps, batch, groups, 4 * hidden], DType::F32, 0);
        let room = match kernel {
            // The largest gradients of two steps, by row and tile of columns.
            Kernel::StepwiseUnits(..) => {
                2 * groups * batch * kernel.grid([hidden, batch, groups])[0]
            }
            _ => 0,
        };
        let d_state = unset(&d_out, &[2, groups, batch, hidden], DType::F32, room);
        let buffers = [
            ("d_out", &d_out),
            ("w_hh", &w_hh),
            ("gates", &gates),
            ("cells", &cells),
            ("c0", &c0),
            ("peephole", &peephole),
            ("mask", &mask),
            ("d_gates", &d_gates),
            ("d_state", &d_state),
        ];
        launch(kernel, Pass::Backward, dims, &spec, &buffers);
        (d_gates, d_state)
    }

    fn previous_hidden(
        out: FloatTensor<Self>,
        h0: FloatTensor<Self>,
        mask: FloatTensor<Self>,
        spec: Spec,
    ) -> FloatTensor<Self> {
        let dims = Dims::of(&out.shape(), 1);
        let [steps, batch, groups, hidden] = dims.sizes();
        let [out, h0, mask] = [out, h0, mask].map(into_contiguous);
        let previous = unset(&out, &[groups, steps * batch, hidden], DType::F32, 0);
        let kernel = Kernel::PreviousHidden(options(dims, &spec, Precision::F32));
        let buffers = [
            ("out", &out),
            ("h0", &h0),
            ("mask", &mask),
            ("previous", &previous),
        ];
        // The number of workgroups along an axis is limited.
        let dispatches = ranges(steps, WORKGROUPS).map(|(first, last)| {
            let grid = kernel.grid([batch * hidden, last - first, groups]);
            ((first, last), grid)
        });
        launch_each(kernel, dims, &spec, &buffers, dispatches);
        previous
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
