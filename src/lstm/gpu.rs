//! The WGSL kernels on a GPU: which workgroups, which steps, which buffers.

use super::ops::RecurrenceBackend;
use super::shaders::{Kernel, Options, Stepwise, Tile};
use super::spec::{Dims, Plan, Spec};
use burn::backend::TensorMetadata;
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::tensor::Shape;
use burn_wgpu::{
    CubeBackend, CubeDim, CubeTensor, KernelSource, SourceKernel, SourceTemplate, into_contiguous,
};
use cubecl::CubeCount;
use cubecl::prelude::{ExecutionMode, KernelId};
use cubecl::server::KernelArguments;

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

/// Options of the kernels from those of the recurrence.
fn options(dims: Dims, spec: &Spec) -> Options {
    Options {
        hidden: dims.hidden as u32,
        peephole: spec.peephole,
        masked: spec.masked,
        lengths: spec.lengths.is_some(),
    }
}

/// A contiguous tensor of unset numbers beside `like`.
fn unset(like: &CubeTensor, shape: &[usize]) -> CubeTensor {
    let shape = Shape::from(shape.to_vec());
    let handle = like.client.empty(shape.num_elements() * like.dtype.size());
    CubeTensor::new_contiguous(
        like.client.clone(),
        like.device.clone(),
        shape,
        handle,
        like.dtype,
    )
}

/// Records one dispatch; the buffers in the order of the shader's bindings, `info` behind them.
fn launch(
    kernel: Kernel,
    count: [usize; 3],
    buffers: &[&CubeTensor],
    lengths: Option<usize>,
    spec: &Spec,
    info: &[u32],
) {
    let client = &buffers[0].client;
    let mut bindings: Vec<_> = buffers.iter().map(|x| x.handle.clone().binding()).collect();
    if let Some(at) = lengths {
        let lengths = spec.lengths.as_ref().map_or(&[0u32][..], |l| l);
        bindings.insert(
            at,
            client
                .create_from_slice(bytemuck::cast_slice(lengths))
                .binding(),
        );
    }
    bindings.push(
        client
            .create_from_slice(bytemuck::cast_slice(info))
            .binding(),
    );
    let [x, y] = kernel.workgroup();
    let [cx, cy, cz] = count.map(|c| c as u32);
    client.launch(
        Box::new(SourceKernel::new(kernel, CubeDim::new_2d(x, y))),
        CubeCount::Static(cx, cy, cz),
        KernelArguments::new().with_buffers(bindings),
    );
}

/// The `info` buffer: T, B, G, two step numbers, a direction a group.
fn info(dims: Dims, spec: &Spec, first: usize, last: usize) -> Vec<u32> {
    let mut info: Vec<u32> = [dims.steps, dims.batch, dims.groups, first, last]
        .map(|x| x as u32)
        .to_vec();
    info.extend(spec.reverse.iter().map(|r| u32::from(*r)));
    info
}

/// Step ranges, each the work of one dispatch.
fn pieces(dims: Dims, spec: &Spec) -> Vec<(usize, usize)> {
    let a_step = dims.flops() / dims.steps as f64;
    let steps = ((spec.dispatch as f64 / a_step) as usize).max(1);
    (0..dims.steps)
        .step_by(steps)
        .map(|s| (s, (s + steps).min(dims.steps)))
        .collect()
}

/// The resident plan's tile where the device can hold it, else nothing: the stepwise plan runs everywhere.
fn resident_tile(x: &CubeTensor, dims: Dims, plan: Plan) -> Option<Tile> {
    let hardware = &x.client.properties().hardware;
    let (threads, memory) = (hardware.max_units_per_cube, hardware.max_shared_memory_size);
    (plan == Plan::Resident).then(|| Tile::choose(dims.hidden, threads, memory))?
}

/// W_hh [G, 4H, H] with the four gates of a unit side by side; `axes` orders (group, gate, unit, k).
fn interleave(w_hh: CubeTensor, dims: Dims, axes: [usize; 4]) -> CubeTensor {
    let h = dims.hidden;
    let split = Shape::from(vec![dims.groups, 4, h, h]);
    let split = CubeBackend::float_reshape(w_hh, split);
    into_contiguous(CubeBackend::float_permute(split, &axes))
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
        let w_hh = interleave(w_hh, dims, [0, 3, 2, 1]);
        let [projected, h0, c0, peephole, mask] =
            [projected, h0, c0, peephole, mask].map(into_contiguous);
        let out = unset(&projected, &[steps, batch, groups, hidden]);
        let gates = unset(&projected, &[steps, batch, groups, 4 * hidden]);
        let cells = unset(&projected, &[steps, batch, groups, hidden]);
        let buffers = [
            &projected, &w_hh, &h0, &c0, &peephole, &mask, &out, &gates, &cells,
        ];
        let options = options(dims, &spec);
        if let Some(tile) = resident_tile(&projected, dims, spec.plan) {
            let kernel = Kernel::ResidentForward(options, tile);
            for (first, last) in pieces(dims, &spec) {
                let count = [batch.div_ceil(tile.rows()), groups, 1];
                launch(
                    kernel,
                    count,
                    &buffers,
                    Some(6),
                    &spec,
                    &info(dims, &spec, first, last),
                );
            }
        } else {
            let tile = Stepwise::default();
            for s in 0..steps {
                let kernel = Kernel::StepwiseForward(options, tile);
                let info = info(dims, &spec, s, 0);
                launch(kernel, tile.count(dims), &buffers, Some(6), &spec, &info);
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
        let w_hh = interleave(w_hh, dims, [0, 2, 3, 1]);
        let [d_out, gates, cells, c0, peephole, mask] =
            [d_out, gates, cells, c0, peephole, mask].map(into_contiguous);
        let d_gates = unset(&d_out, &[steps, batch, groups, 4 * hidden]);
        let d_state = unset(&d_out, &[2, groups, batch, hidden]);
        let buffers = [
            &d_out, &w_hh, &gates, &cells, &c0, &peephole, &mask, &d_gates, &d_state,
        ];
        let options = options(dims, &spec);
        if let Some(tile) = resident_tile(&d_out, dims, spec.plan) {
            let kernel = Kernel::ResidentBackward(options, tile);
            for (first, last) in pieces(dims, &spec).into_iter().rev() {
                let count = [batch.div_ceil(tile.rows()), groups, 1];
                launch(
                    kernel,
                    count,
                    &buffers,
                    Some(7),
                    &spec,
                    &info(dims, &spec, first, last),
                );
            }
        } else {
            let tile = Stepwise::default();
            for after in (0..=steps).rev() {
                let kernel = Kernel::StepwiseBackward(options, tile);
                let info = info(dims, &spec, after, 0);
                launch(kernel, tile.count(dims), &buffers, Some(7), &spec, &info);
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
        let previous = unset(&out, &[groups, steps * batch, hidden]);
        let kernel = Kernel::PreviousHidden(options(dims, &spec));
        let count = [
            (batch * hidden).div_ceil(kernel.workgroup()[0] as usize),
            steps,
            groups,
        ];
        let buffers = [&out, &h0, &mask, &previous];
        launch(
            kernel,
            count,
            &buffers,
            Some(3),
            &spec,
            &info(dims, &spec, 0, steps),
        );
        previous
    }
}
