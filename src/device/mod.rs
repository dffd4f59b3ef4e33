//! Which device runs the work: the adapters of this machine, the choice among them, and what the choice can do.

mod name;
mod open;

pub use name::DeviceName;
pub use open::open;
pub(crate) use open::{open_for, open_named, share_cores};

use crate::error::Error;
use crate::lstm::{
    CPU_LARGEST, DeviceLimits, EngineDevice, GpuLimits, MatrixUnits, longest_dispatch,
};
use burn::tensor::Device;
use burn_wgpu::wgpu;
use serde::Serialize;
use std::str::FromStr;

/// What the user asked for with `--device`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// The first hardware adapter, else the CPU engine.
    Auto,
    /// The first hardware adapter.
    Gpu,
    /// The CPU engine.
    Cpu,
    /// An adapter of the list, software ones too.
    Index(usize),
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "auto" => Ok(Choice::Auto),
            "gpu" => Ok(Choice::Gpu),
            "cpu" => Ok(Choice::Cpu),
            _ => text
                .parse()
                .map(Choice::Index)
                .map_err(|_| "expected auto, gpu, cpu, or an index from `sinew devices`".into()),
        }
    }
}

/// One adapter as the graphics driver describes it.
#[derive(Debug, Clone, Serialize)]
pub struct Adapter {
    /// The number that `--device` takes.
    pub index: usize,
    /// The adapter's name.
    pub name: String,
    /// `discrete`, `integrated`, `virtual`, `software` or `other`.
    pub kind: &'static str,
    /// Graphics interface: `vulkan`, `metal` or `dx12`.
    pub backend: String,
    /// The driver and its version.
    pub driver: String,
    /// Half-precision arithmetic in shaders.
    pub f16: bool,
    /// Matrix units through cooperative matrices.
    pub cooperative_matrix: bool,
    /// Rows, columns and depth of what its matrix units multiply, f16 with f32 sums: 16, 8, or nothing.
    pub matrix_units: Option<u32>,
    /// Device time by timestamps.
    pub timestamps: bool,
    /// Bytes of the largest tensor that one kernel can read.
    pub largest_binding: u64,
    /// Bytes of memory that tensors can take, where the interface tells it: the adapter's own, or the machine's where it
    /// has none of its own.
    pub memory: Option<u64>,
    /// Bytes of memory that a workgroup shares.
    pub workgroup_memory: u32,
    /// Threads of the largest workgroup.
    pub workgroup_threads: u32,
    /// Storage buffers that one kernel can bind.
    pub storage_buffers: u32,
}

impl Adapter {
    /// The name by which a run's settings keep it.
    pub fn run_name(&self) -> DeviceName {
        DeviceName::Adapter(format!("{} ({})", self.name, self.backend))
    }

    /// Whether it is hardware.
    pub fn hardware(&self) -> bool {
        self.kind != "software"
    }
}

/// The device in use.
#[derive(Debug, Clone)]
pub struct Compute {
    /// Burn's device, without autodiff.
    pub device: Device,
    /// The adapter; nothing for the CPU engine.
    pub adapter: Option<Adapter>,
    /// Why it was chosen.
    pub reason: String,
}

/// Storage buffers of the largest kernel, and one that wgpu keeps for itself on Metal.
const BUFFERS: u32 = 12;

impl Compute {
    /// The CPU engine.
    pub fn cpu(reason: impl Into<String>) -> Self {
        Compute {
            device: Device::flex(),
            adapter: None,
            reason: reason.into(),
        }
    }

    /// The adapter's name, or `cpu`.
    pub fn name(&self) -> &str {
        self.adapter.as_ref().map_or("cpu", |a| &a.name)
    }

    /// The name by which a run's settings keep it.
    pub fn run_name(&self) -> DeviceName {
        let adapter = self.adapter.as_ref();
        adapter.map_or(DeviceName::Cpu, Adapter::run_name)
    }

    /// The driver that a benchmark names.
    pub fn driver(&self) -> String {
        self.adapter
            .as_ref()
            .map_or_else(|| "burn flex".into(), |a| a.driver.clone())
    }

    /// The interface that a benchmark names.
    pub fn backend(&self) -> &str {
        self.adapter.as_ref().map_or("cpu", |a| &a.backend)
    }

    /// Bytes of the largest tensor that one kernel can read.
    pub fn largest(&self) -> usize {
        self.adapter.as_ref().map_or(CPU_LARGEST, |adapter| {
            usize::try_from(adapter.largest_binding).unwrap_or(usize::MAX)
        })
    }

    /// Bytes of memory that tensors can take, where it is known; on the CPU engine what the machine has to give now.
    pub fn memory(&self) -> Option<u64> {
        match &self.adapter {
            Some(adapter) => adapter.memory,
            None => available_memory(),
        }
    }

    /// Floating-point operations of the longest dispatch. The CPU engine has no such bound.
    pub fn dispatch(&self) -> u64 {
        match &self.adapter {
            None => u64::MAX,
            Some(adapter) => longest_dispatch(!adapter.hardware()),
        }
    }

    /// One line: which device, and why.
    pub fn describe(&self) -> String {
        match &self.adapter {
            None => {
                let threads = rayon::current_num_threads();
                format!("device: CPU engine, {threads} threads ({})", self.reason)
            }
            Some(a) => format!(
                "device: {} over {}, {} ({})",
                a.name, a.backend, a.driver, self.reason
            ),
        }
    }
}

impl From<&Adapter> for GpuLimits {
    /// Matrix units as the adapter lists them; only the LSTM engine's self-test finds out whether they are right.
    fn from(adapter: &Adapter) -> Self {
        GpuLimits {
            threads: adapter.workgroup_threads,
            memory: adapter.workgroup_memory as usize,
            f16: adapter.f16,
            matrix_units: adapter.matrix_units.and_then(MatrixUnits::from_side),
            software: !adapter.hardware(),
        }
    }
}

impl From<&Compute> for EngineDevice {
    fn from(compute: &Compute) -> Self {
        EngineDevice {
            device: compute.device.clone(),
            name: compute.run_name().to_string(),
            limits: DeviceLimits {
                largest: compute.largest(),
                dispatch: compute.dispatch(),
                gpu: compute.adapter.as_ref().map(GpuLimits::from),
            },
        }
    }
}

/// Memory that the machine can still provide, in bytes; `None` if the system does not report it.
#[must_use]
pub fn available_memory() -> Option<u64> {
    let mut system = sysinfo::System::new();
    system.refresh_memory_specifics(sysinfo::MemoryRefreshKind::nothing().with_ram());
    Some(system.available_memory()).filter(|bytes| *bytes > 0)
}

fn instance() -> wgpu::Instance {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    // OpenGL is left out: its compute shaders lack the buffers that the kernels bind.
    descriptor.backends = wgpu::Backends::PRIMARY;
    wgpu::Instance::new(descriptor)
}

fn found(instance: &wgpu::Instance) -> Vec<wgpu::Adapter> {
    pollster::block_on(instance.enumerate_adapters(wgpu::Backends::PRIMARY))
}

/// Every adapter of this machine; none where there is no driver.
pub fn adapters() -> Vec<Adapter> {
    found(&instance())
        .iter()
        .enumerate()
        .map(|(index, adapter)| summary(index, adapter))
        .collect()
}

fn summary(index: usize, adapter: &wgpu::Adapter) -> Adapter {
    let (info, limits, features) = (adapter.get_info(), adapter.limits(), adapter.features());
    let kind = match info.device_type {
        wgpu::DeviceType::DiscreteGpu => "discrete",
        wgpu::DeviceType::IntegratedGpu => "integrated",
        wgpu::DeviceType::VirtualGpu => "virtual",
        wgpu::DeviceType::Cpu => "software",
        wgpu::DeviceType::Other => "other",
    };
    Adapter {
        index,
        name: info.name,
        kind,
        backend: info.backend.to_str().to_string(),
        driver: format!("{} {}", info.driver, info.driver_info)
            .trim()
            .to_string(),
        f16: features.contains(wgpu::Features::SHADER_F16),
        cooperative_matrix: features.contains(wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX),
        matrix_units: matrix_units(adapter),
        timestamps: features.contains(wgpu::Features::TIMESTAMP_QUERY),
        largest_binding: limits
            .max_storage_buffer_binding_size
            .min(limits.max_buffer_size),
        memory: memory(adapter),
        workgroup_memory: limits.max_compute_workgroup_storage_size,
        workgroup_threads: limits.max_compute_invocations_per_workgroup,
        storage_buffers: limits.max_storage_buffers_per_shader_stage,
    }
}

/// What Vulkan says of an adapter's memory; the other interfaces are not asked.
#[cfg(any(target_os = "linux", target_os = "windows"))]
fn memory(adapter: &wgpu::Adapter) -> Option<u64> {
    // Safe: the adapter is alive, and only asked.
    let heaps = unsafe {
        let adapter = adapter.as_hal::<wgpu::hal::api::Vulkan>()?;
        let instance = adapter.shared_instance().raw_instance();
        instance.get_physical_device_memory_properties(adapter.raw_physical_device())
    };
    let discrete = adapter.get_info().device_type == wgpu::DeviceType::DiscreteGpu;
    let heaps = heaps
        .memory_heaps
        .iter()
        .take(heaps.memory_heap_count as usize);
    // The lowest bit is that of the device's own memory; an integrated GPU can use all.
    let usable = heaps.filter(|heap| !discrete || heap.flags.as_raw() & 1 == 1);
    Some(usable.map(|heap| heap.size).sum())
}

#[cfg(not(any(target_os = "linux", target_os = "windows")))]
fn memory(_: &wgpu::Adapter) -> Option<u64> {
    None
}

/// The error behind a panic of the graphics layer, which has no other way to tell that the device refused something.
///
/// Nothing where the panic was another.
#[doc(hidden)]
#[must_use]
pub fn failure(panic: &str) -> Option<Error> {
    let (_, said) = panic.split_once("wgpu error: ")?;
    let said = said.lines().next().unwrap_or_default().trim();
    Some(if out_of_memory(said) {
        Error::memory(
            "the device ran out of memory; the last checkpoint is whole",
            "resume with a smaller train.batch, and as much more train.accumulate, each named by --allow too",
        )
    } else {
        Error::device(
            format!("the device failed: {said}; the last checkpoint is whole"),
            "resume the run; if it fails again, update the driver or use another device",
        )
    })
}

/// The error behind a panic of a library that wanted a thread and got none; it has no other way to tell.
#[doc(hidden)]
#[must_use]
pub fn no_threads(panic: &str) -> Option<Error> {
    const SAID: [&str; 3] = [
        "failed to spawn thread",
        "global thread pool has not been initialized",
        "kind: WouldBlock, message: \"Resource temporarily unavailable\"",
    ];
    let said = SAID.iter().any(|said| panic.contains(said));
    said.then(|| Error::threads("Resource temporarily unavailable"))
}

/// Whether a panic says that the device has no memory left, so that nothing can go on.
#[doc(hidden)]
#[must_use]
pub fn out_of_memory(panic: &str) -> bool {
    panic.contains("Out of Memory")
}

/// The side of the cube that an adapter's matrix units multiply, of f16 with f32 sums: the larger where it has both.
fn matrix_units(adapter: &wgpu::Adapter) -> Option<u32> {
    let needed = wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX
        | wgpu::Features::SHADER_F16
        | wgpu::Features::SUBGROUP;
    if !adapter.features().contains(needed) {
        return None;
    }
    let shapes = adapter.cooperative_matrix_properties();
    [16, 8].into_iter().find(|side| {
        shapes.iter().any(|s| {
            [s.m_size, s.n_size, s.k_size] == [*side; 3]
                && s.ab_type == wgpu::CooperativeScalarType::F16
                && s.cr_type == wgpu::CooperativeScalarType::F32
        })
    })
}
