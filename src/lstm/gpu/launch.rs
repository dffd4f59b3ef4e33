//! Launches kernels: one upload of what differs between the dispatches, and a launch for each.

use crate::lstm::device::GpuLimits;
use crate::lstm::kernel::Kernel;
use crate::lstm::matrix_units::MatrixUnits;
use crate::lstm::rewrite::{self, Rewrite};
use burn_wgpu::{CubeDim, CubeTensor, KernelSource, SourceKernel, SourceTemplate};
use cubecl::CubeCount;
use cubecl::client::Client;
use cubecl::prelude::{ExecutionMode, KernelId};
use cubecl::server::{Handle, KernelArguments};

/// Workgroups of a dispatch along one axis that every device takes, WebGPU's limit.
pub const WORKGROUPS: usize = 65_535;

/// A kernel as CubeCL compiles and caches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Source {
    kernel: Kernel,
    rewrite: Option<Rewrite>,
}

impl Source {
    fn workgroup(&self) -> CubeDim {
        CubeDim::new_1d(self.kernel.threads())
    }
}

impl KernelSource for Source {
    fn source(&self) -> SourceTemplate {
        let text = self.kernel.source();
        SourceTemplate::new(match self.rewrite {
            None => text,
            Some(rewrite) => rewrite.apply(text),
        })
    }

    fn id(&self) -> KernelId {
        // The pipeline cache goes by this id and not by the text: all of the kernel's values are in it. Unchecked: no
        // index is out of range; with ExecutionMode::Checked `bench check` gives the same.
        KernelId::new::<Self>()
            .info(*self)
            .cube_dim(self.workgroup().0)
            .mode(ExecutionMode::Unchecked)
    }

    fn lang(&self) -> &'static str {
        "wgsl"
    }
}

/// The limits of the GPU that a tensor is on, with the matrix units that may be used there.
pub fn limits(x: &CubeTensor, matrix_units: Option<MatrixUnits>) -> GpuLimits {
    GpuLimits {
        matrix_units,
        ..GpuLimits::of(&x.client)
    }
}

/// One dispatch of a kernel: the numbers of its `info`, and its workgroups.
pub struct Dispatch {
    pub info: Vec<u32>,
    pub grid: [usize; 3],
}

/// Dispatches of maximum length to submit together: each takes a quarter of a second on the slowest device.
const TOGETHER: f64 = 4.0;

/// How many of `count` dispatches, which have `operations` in total, to submit together on a device whose longest dispatch
/// has `longest` operations.
pub fn together(longest: u64, count: usize, operations: f64) -> usize {
    ((TOGETHER * longest as f64 * count as f64 / operations) as usize).max(1)
}

/// Several dispatches of one kernel, which differ only in their `info` and their grid.
///
/// What cubecl-wgpu 0.11.3 does with them: every launch goes into the compute pass that is open, behind a barrier of
/// wgpu's own, and the pass ends when it has `tasks_max` launches (an option of the device), at a read, and at each
/// upload. An upload also submits everything recorded so far, so a separate buffer of step numbers for each step would
/// submit the steps one by one. Hence one upload before the first step, with a slice of it bound to each dispatch. The
/// steps then share a pass, unless they would keep a slow device busy for more than about a second; in that case some of
/// them are submitted earlier.
pub struct Launch<'a> {
    pub kernel: Kernel,
    /// The buffers by their names in the shader, except for `lengths` and `info`.
    pub buffers: &'a [(&'static str, &'a Handle)],
    /// The rows' lengths, of a recurrence that has them.
    pub lengths: Option<&'a [u32]>,
    /// Maximum number of dispatches to submit together.
    pub together: usize,
}

impl Launch<'_> {
    /// Launches the dispatches in their order.
    pub fn run(&self, client: &Client, dispatches: &[Dispatch]) {
        let words = (client.properties().memory.alignment as usize / 4).max(1);
        let mut upload = self.lengths.map_or(Vec::new(), <[u32]>::to_vec);
        upload.resize(upload.len().next_multiple_of(words), 0);
        let behind_lengths = upload.len();
        let starts: Vec<usize> = dispatches
            .iter()
            .map(|dispatch| {
                let start = upload.len();
                upload.extend(&dispatch.info);
                upload.resize(upload.len().next_multiple_of(words), 0);
                start
            })
            .collect();
        let uploaded = client.create_from_slice(bytemuck::cast_slice(&upload));
        // The uploaded words between two places.
        let slice = |start: usize, end: usize| {
            let bytes = |words: usize| 4 * words as u64;
            let handle = uploaded.clone().offset_start(bytes(start));
            handle.offset_end(bytes(upload.len() - end))
        };
        // Without lengths the shader declares the binding and never reads it.
        let lengths = match behind_lengths {
            0 => uploaded.clone(),
            end => slice(0, end),
        };
        let source = Source {
            kernel: self.kernel,
            rewrite: rewrite::active(),
        };
        let names: Vec<_> = self.kernel.bindings().collect();
        for (n, dispatch) in dispatches.iter().enumerate() {
            let end = starts.get(n + 1).copied().unwrap_or(upload.len());
            let info = slice(starts[n], end);
            let bound = names.iter().map(|name| match *name {
                "info" => info.clone(),
                "lengths" => lengths.clone(),
                _ => self.buffer(name).clone(),
            });
            let [x, y, z] = dispatch.grid.map(|count| count as u32);
            client.launch(
                Box::new(SourceKernel::new(source, source.workgroup())),
                CubeCount::Static(x, y, z),
                KernelArguments::new().with_buffers(bound.map(Handle::binding).collect()),
            );
            if (n + 1).is_multiple_of(self.together) {
                // An error shows when the buffers are read.
                client.flush().ok();
            }
        }
    }

    fn buffer(&self, name: &str) -> &Handle {
        let named = self.buffers.iter().find(|(buffer, _)| *buffer == name);
        named.map_or_else(
            || unreachable!("{} binds {name}", self.kernel.name()),
            |(_, handle)| handle,
        )
    }
}
