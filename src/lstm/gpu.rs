//! The WGSL kernels on a GPU: which workgroups, which steps, which buffers.

use super::ops::RecurrenceBackend;
use super::plan::{Limits, Plan, Tiles};
use super::shaders::{Kernel, Options};
use super::spec::{Dims, Precision, Spec};
use super::tile::{Pair, Stepwise};
use burn::backend::TensorMetadata;
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::tensor::{DType, FloatDType, Shape};
use burn_wgpu::{
    CubeBackend, CubeDim, CubeTensor, KernelSource, SourceKernel, SourceTemplate, into_contiguous,
};
use cubecl::CubeCount;
use cubecl::client::Client;
use cubecl::prelude::{ExecutionMode, KernelId};
use cubecl::server::{Handle, KernelArguments};

use cubecl::ir::{ElemType, FloatKind};

impl KernelSource for Kernel {
    fn source(&self) -> SourceTemplate {
        SourceTemplate::new(Kernel::source(self))
    }

    fn id(&self) -> KernelId {
        // The pipeline cache goes by this id and not by the text: all of the kernel's values are in it. Unchecked: no
        // index is out of range; with ExecutionMode::Checked `bench check` gives the same.
        KernelId::new::<Self>()
            .info(*self)
            .cube_dim(CubeDim::new_1d(self.threads()).0)
            .mode(ExecutionMode::Unchecked)
    }

    fn lang(&self) -> &'static str {
        "wgsl"
    }
}

/// Options of the kernels from those of the recurrence.
fn options(dims: Dims, spec: &Spec) -> Options {
    Options {
        hidden: dims.hidden as u32,
        peephole: spec.peephole,
        masked: spec.masked,
        lengths: spec.lengths.is_some(),
        precision: spec.precision,
    }
}

/// A contiguous tensor of unset numbers beside `like`.
fn unset(like: &CubeTensor, shape: &[usize], dtype: DType) -> CubeTensor {
    with_room(like, shape, dtype, 0)
}

/// The same, with room for so many numbers behind it that a kernel keeps for itself.
fn with_room(like: &CubeTensor, shape: &[usize], dtype: DType, room: usize) -> CubeTensor {
    let shape = Shape::from(shape.to_vec());
    let handle = like
        .client
        .empty((shape.num_elements() + room) * dtype.size());
    CubeTensor::new_contiguous(
        like.client.clone(),
        like.device.clone(),
        shape,
        handle,
        dtype,
    )
}

/// The number format of weights and saved gates.
fn stored(precision: Precision) -> (FloatDType, DType) {
    match precision {
        Precision::F32 => (FloatDType::F32, DType::F32),
        Precision::F16 => (FloatDType::F16, DType::F16),
    }
}

/// The dispatches of one pass, which differ in nothing but their kernel's step numbers.
///
/// What cubecl-wgpu 0.11.3 does with them: every launch goes into the compute pass that is open, behind a barrier of
/// wgpu's own, and the pass ends when so many launches are in it as the device was opened with
/// ([`crate::device::TASKS`]), at a read, and at each upload. An upload also submits all that was recorded, so that a
/// buffer of step numbers made for each step would submit each step alone. Hence one upload before the first step, with
/// a slice of it bound to each dispatch: a walk of up to that many steps lies in one pass, but for one whose work would
/// keep a slow device busy for more than about a second: that is submitted in between.
struct Recording {
    client: Client,
    /// In the order of the shader's bindings, without `info`.
    buffers: Vec<Handle>,
    info: Handle,
    /// Bytes of the `info` of one dispatch, as far apart as the device's alignment asks.
    stride: u64,
    /// Bytes before the first one.
    start: u64,
    /// Bytes of the upload.
    size: u64,
    /// Dispatches that are submitted together at most.
    together: usize,
}

/// Longest dispatches that are submitted together: a quarter of a second each on the slowest device.
const TOGETHER: f64 = 4.0;

impl Recording {
    /// `lengths` is the binding of the rows' lengths; `steps` are the two step numbers of each dispatch.
    fn new(
        buffers: &[&CubeTensor],
        lengths: usize,
        dims: Dims,
        spec: &Spec,
        steps: &[(usize, usize)],
    ) -> Self {
        let client = buffers[0].client.clone();
        let words = (client.properties().memory.alignment as usize / 4).max(1);
        let mut upload = spec.lengths.as_ref().map_or(Vec::new(), |l| l.to_vec());
        upload.resize(upload.len().next_multiple_of(words), 0);
        let start = upload.len();
        for step in steps {
            upload.extend(info(dims, spec, *step));
            upload.resize(upload.len().next_multiple_of(words), 0);
        }
        let bytes = |words: usize| 4 * words as u64;
        let stride = bytes((upload.len() - start) / steps.len().max(1));
        let handle = client.create_from_slice(bytemuck::cast_slice(&upload));
        let mut handles: Vec<_> = buffers.iter().map(|x| x.handle.clone()).collect();
        // Without lengths the binding is there and never read.
        let of_lengths = match start {
            0 => handle.clone(),
            _ => handle.clone().offset_end(bytes(upload.len() - start)),
        };
        handles.insert(lengths, of_lengths);
        Recording {
            client,
            buffers: handles,
            info: handle,
            stride,
            start: bytes(start),
            size: bytes(upload.len()),
            together: ((TOGETHER * spec.dispatch as f64 * steps.len() as f64 / dims.flops())
                as usize)
                .max(1),
        }
    }

    /// Records dispatch `n`.
    fn dispatch(&self, kernel: Kernel, count: [usize; 3], n: usize) {
        let first = self.start + n as u64 * self.stride;
        let info = self.info.clone();
        let info = info
            .offset_start(first)
            .offset_end(self.size - first - self.stride);
        let buffers = self.buffers.iter().cloned().chain([info]);
        let [x, y, z] = count.map(|c| c as u32);
        self.client.launch(
            Box::new(SourceKernel::new(kernel, CubeDim::new_1d(kernel.threads()))),
            CubeCount::Static(x, y, z),
            KernelArguments::new().with_buffers(buffers.map(Handle::binding).collect()),
        );
        if (n + 1).is_multiple_of(self.together) {
            // What failed is told by the buffers that it left unwritten, when they are read.
            self.client.flush().ok();
        }
    }
}

/// Workgroups of a dispatch along one axis that every device takes, WebGPU's limit.
pub const WORKGROUPS: usize = 65_535;

/// The `info` of a dispatch: T, B, G, two step numbers, a direction a group.
fn info(dims: Dims, spec: &Spec, (first, last): (usize, usize)) -> Vec<u32> {
    let mut info: Vec<u32> = [dims.steps, dims.batch, dims.groups, first, last]
        .map(|x| x as u32)
        .to_vec();
    info.extend(spec.reverse.iter().map(|r| u32::from(*r)));
    info
}

/// Turns of all loops of a dispatch: llvmpipe leaves a shader's loops after 65,535 of them, and says nothing.
const MOST_TURNS: usize = 60_000;

/// Step ranges, each the work of one dispatch of a resident kernel.
fn pieces(dims: Dims, spec: &Spec) -> Vec<(usize, usize)> {
    let a_step = dims.flops() / dims.steps as f64;
    // Backward, where a thread has several lanes, each goes over the units in fours.
    let turns = dims.hidden.div_ceil(256) * (dims.hidden.div_ceil(4) + 1) + 1;
    let steps = ((spec.dispatch as f64 / a_step) as usize)
        .min(MOST_TURNS / turns)
        .max(1);
    (0..dims.steps)
        .step_by(steps)
        .map(|s| (s, (s + steps).min(dims.steps)))
        .collect()
}

/// The tiles on the device of `x`, and the options as it runs them, the same forward and backward: a plan that it does
/// not run gives way to stepwise, and f16 that it lacks to f32. Whoever times or names a plan asks for its support first.
fn runnable(x: &CubeTensor, dims: Dims, spec: Spec) -> (Tiles, Spec) {
    let properties = x.client.properties();
    let hardware = &properties.hardware;
    let limits = Limits {
        threads: hardware.max_units_per_cube,
        memory: hardware.max_shared_memory_size,
        f16: properties.supports_type(ElemType::Float(FloatKind::F16)),
        fragments: spec.units.fragments(),
    };
    for (plan, precision) in [
        (spec.plan, spec.precision),
        (Plan::STEPWISE, spec.precision),
        (Plan::STEPWISE, Precision::F32),
    ] {
        if let Ok(tiles) = plan.supports(limits, dims, precision) {
            return (
                tiles,
                Spec {
                    plan,
                    precision,
                    ..spec
                },
            );
        }
    }
    // Fewer threads than any GPU has: wgpu says so.
    let (tiles, precision) = (Tiles::Stepwise(Stepwise::SIZES[0]), Precision::F32);
    (tiles, Spec { precision, ..spec })
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

impl RecurrenceBackend for CubeBackend {
    fn recurrence_forward(
        projected: FloatTensor<Self>,
        w_hh: FloatTensor<Self>,
        h0: FloatTensor<Self>,
        c0: FloatTensor<Self>,
        peephole: FloatTensor<Self>,
        mask: FloatTensor<Self>,
        spec: Spec,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let dims = Dims::of(&projected.shape(), 4);
        let Dims {
            steps,
            batch,
            groups,
            hidden,
        } = dims;
        let (tiles, spec) = runnable(&projected, dims, spec);
        let w_hh = forward_weights(w_hh, dims, spec.precision);
        let [projected, h0, c0, peephole, mask] =
            [projected, h0, c0, peephole, mask].map(into_contiguous);
        let out = unset(&projected, &[steps, batch, groups, hidden], DType::F32);
        let gates = unset(
            &projected,
            &[steps, batch, groups, 4 * hidden],
            stored(spec.precision).1,
        );
        let cells = unset(&projected, &[steps, batch, groups, hidden], DType::F32);
        let buffers = [
            &projected, &w_hh, &h0, &c0, &peephole, &mask, &out, &gates, &cells,
        ];
        let options = options(dims, &spec);
        match tiles {
            Tiles::Resident(tile) => {
                let pieces = pieces(dims, &spec);
                let recording = Recording::new(&buffers, 6, dims, &spec, &pieces);
                let kernel = Kernel::ResidentForward(options, tile);
                for n in 0..pieces.len() {
                    recording.dispatch(kernel, tile.count(dims), n);
                }
            }
            Tiles::Stepwise(Pair { forward: tile, .. }) => {
                let each: Vec<_> = (0..steps).map(|s| (s, 0)).collect();
                let recording = Recording::new(&buffers, 6, dims, &spec, &each);
                let kernel = Kernel::StepwiseForward(options, tile);
                for s in 0..steps {
                    recording.dispatch(kernel, tile.count(dims, false), s);
                }
            }
            Tiles::StepwiseUnits(squares, fragments) => {
                let each: Vec<_> = (0..steps).map(|s| (s, 0)).collect();
                let recording = Recording::new(&buffers, 6, dims, &spec, &each);
                let kernel = Kernel::StepwiseUnitsForward(options, squares, fragments);
                for s in 0..steps {
                    recording.dispatch(kernel, squares.count(dims, false), s);
                }
            }
        }
        (out, gates, cells)
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
        let dims = Dims::of(&d_out.shape(), 1);
        let Dims {
            steps,
            batch,
            groups,
            hidden,
        } = dims;
        let (tiles, spec) = runnable(&d_out, dims, spec);
        let w_hh = backward_weights(w_hh, dims, spec.precision);
        let [d_out, gates, cells, c0, peephole, mask] =
            [d_out, gates, cells, c0, peephole, mask].map(into_contiguous);
        let d_gates = unset(&d_out, &[steps, batch, groups, 4 * hidden], DType::F32);
        let room = match tiles {
            // The largest gradients of two steps, by row and tile of columns.
            Tiles::StepwiseUnits(squares, _) => 2 * groups * batch * squares.count(dims, true)[0],
            _ => 0,
        };
        let d_state = with_room(&d_out, &[2, groups, batch, hidden], DType::F32, room);
        let buffers = [
            &d_out, &w_hh, &gates, &cells, &c0, &peephole, &mask, &d_gates, &d_state,
        ];
        let options = options(dims, &spec);
        match tiles {
            Tiles::Resident(tile) => {
                let pieces = pieces(dims, &spec);
                let recording = Recording::new(&buffers, 7, dims, &spec, &pieces);
                let kernel = Kernel::ResidentBackward(options, tile);
                for n in (0..pieces.len()).rev() {
                    recording.dispatch(kernel, tile.count(dims), n);
                }
            }
            Tiles::Stepwise(Pair { backward: tile, .. }) => {
                let each: Vec<_> = (0..=steps).map(|after| (after, 0)).collect();
                let recording = Recording::new(&buffers, 7, dims, &spec, &each);
                let kernel = Kernel::StepwiseBackward(options, tile);
                for after in (0..=steps).rev() {
                    recording.dispatch(kernel, tile.count(dims, true), after);
                }
            }
            Tiles::StepwiseUnits(squares, fragments) => {
                let each: Vec<_> = (0..=steps).map(|after| (after, 0)).collect();
                let recording = Recording::new(&buffers, 7, dims, &spec, &each);
                let kernel = Kernel::StepwiseUnitsBackward(options, squares, fragments);
                for after in (0..=steps).rev() {
                    recording.dispatch(kernel, squares.count(dims, true), after);
                }
            }
        }
        (d_gates, d_state)
    }

    fn previous_hidden(
        out: FloatTensor<Self>,
        h0: FloatTensor<Self>,
        mask: FloatTensor<Self>,
        spec: Spec,
    ) -> FloatTensor<Self> {
        let dims = Dims::of(&out.shape(), 1);
        let Dims {
            steps,
            batch,
            groups,
            hidden,
        } = dims;
        let [out, h0, mask] = [out, h0, mask].map(into_contiguous);
        let previous = unset(&out, &[groups, steps * batch, hidden], DType::F32);
        let kernel = Kernel::PreviousHidden(Options {
            precision: Precision::F32,
            ..options(dims, &spec)
        });
        let blocks = (batch * hidden).div_ceil(kernel.threads() as usize);
        let buffers = [&out, &h0, &mask, &previous];
        // A grid has so many workgroups along an axis.
        let pieces: Vec<_> = (0..steps)
            .step_by(WORKGROUPS)
            .map(|first| (first, (first + WORKGROUPS).min(steps)))
            .collect();
        let recording = Recording::new(&buffers, 3, dims, &spec, &pieces);
        for (n, (first, last)) in pieces.iter().enumerate() {
            recording.dispatch(kernel, [blocks, last - first, groups], n);
        }
        previous
    }
}
