//! Which device runs the work: the adapters of this machine, the choice among them, and what the choice can do.

use crate::error::{Error, Result};
use burn::tensor::Device;
use burn_wgpu::WgpuSetup;
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
            _ => text.parse().map(Choice::Index).map_err(|_| {
                "expected auto, gpu, cpu or a number that `sinew devices` lists".into()
            }),
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
    /// Bytes of memory that a workgroup shares.
    pub workgroup_memory: u32,
    /// Threads of the largest workgroup.
    pub workgroup_threads: u32,
    /// Storage buffers that one kernel can bind.
    pub storage_buffers: u32,
}

impl Adapter {
    /// Its name and interface.
    pub fn run_name(&self) -> String {
        format!("{} ({})", self.name, self.backend)
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

/// Largest tensor on the CPU engine: beyond it a batch in pieces saves memory and costs no time.
const CPU_LARGEST: u64 = 256 << 20;

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

    /// The name that a run keeps: adapters of one name can be reached over several interfaces.
    pub fn run_name(&self) -> String {
        self.adapter
            .as_ref()
            .map_or_else(|| "cpu".into(), Adapter::run_name)
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
        let bytes = self
            .adapter
            .as_ref()
            .map_or(CPU_LARGEST, |a| a.largest_binding);
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }

    /// Floating-point operations of the longest dispatch: a quarter of a second on software Vulkan (two cores, 0.8
    /// GFLOP/s), since desktop drivers reset a GPU that is silent for about two; hardware is at least fifty times as
    /// fast. The CPU engine has no such bound.
    pub fn dispatch(&self) -> u64 {
        const SOFTWARE: u64 = 250_000_000;
        match &self.adapter {
            None => u64::MAX,
            Some(adapter) if adapter.hardware() => 50 * SOFTWARE,
            Some(_) => SOFTWARE,
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
        workgroup_memory: limits.max_compute_workgroup_storage_size,
        workgroup_threads: limits.max_compute_invocations_per_workgroup,
        storage_buffers: limits.max_storage_buffers_per_shader_stage,
    }
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

/// What helps where no adapter is.
const INSTALL: &str = "install the GPU's Vulkan driver (Linux: mesa-vulkan-drivers, or NVIDIA's own; \
     Windows and macOS bring DX12 and Metal), see `sinew devices`, or use --device cpu";

/// Opens the device that was asked for.
///
/// # Errors
/// [`Error::Device`] where it is not there, cannot run the kernels, or refuses to open.
pub fn open(choice: Choice) -> Result<Compute> {
    open_for(choice, 0, 1)
}

/// Opens a device for the process number `local` of `locals` on this machine: where none is named, the first takes the
/// first hardware adapter, the second the second. A named one is shared by all.
///
/// # Errors
/// As [`open`], and where there are fewer adapters than processes.
pub fn open_for(choice: Choice, local: usize, locals: usize) -> Result<Compute> {
    if choice == Choice::Cpu {
        return Ok(Compute::cpu("asked for"));
    }
    let instance = instance();
    let adapters = found(&instance);
    let listed: Vec<Adapter> = adapters
        .iter()
        .enumerate()
        .map(|(i, a)| summary(i, a))
        .collect();
    let mut usable: Vec<usize> = (0..listed.len())
        .filter(|i| listed[*i].hardware() && listed[*i].storage_buffers >= BUFFERS)
        .collect();
    // A GPU that several interfaces reach is one.
    if let Some(&first) = usable.first() {
        usable.retain(|i| listed[*i].backend == listed[first].backend);
    }
    let (index, reason) = match (choice, usable.get(local)) {
        (Choice::Index(index), _) => (index, "asked for by number".to_string()),
        (_, Some(index)) if locals == 1 => (*index, "the first hardware adapter".into()),
        (_, Some(index)) => {
            let (number, all) = (local + 1, usable.len());
            (*index, format!("hardware adapter {number} of {all}"))
        }
        (_, None) if !usable.is_empty() => {
            let what = format!(
                "{locals} ranks on this machine and {} hardware adapters",
                usable.len()
            );
            let help = "start no more ranks a machine than it has adapters, or use --device cpu";
            return Err(Error::device(what, help));
        }
        (Choice::Gpu, None) => {
            let software = listed.iter().find(|a| !a.hardware());
            let what = match software {
                Some(a) => format!(
                    "no GPU was found, only the software adapter {} ({})",
                    a.index, a.name
                ),
                None => "no GPU was found".into(),
            };
            return Err(Error::device(what, INSTALL));
        }
        (_, None) => {
            let why = if listed.is_empty() {
                "no adapter was found"
            } else {
                "no hardware adapter was found"
            };
            return Ok(Compute::cpu(why));
        }
    };
    let Some(adapter) = adapters.into_iter().nth(index) else {
        let what = format!("there is no adapter {index}; {} found", listed.len());
        return Err(Error::device(what, INSTALL));
    };
    let summary = listed[index].clone();
    if summary.storage_buffers < BUFFERS {
        let what = format!(
            "{} binds {} buffers, and the kernels need {BUFFERS}",
            summary.name, summary.storage_buffers
        );
        return Err(Error::device(
            what,
            "update its driver, or use another device",
        ));
    }
    let device = start(instance, adapter).map_err(|e| {
        Error::device(
            format!("{} does not open: {e}", summary.name),
            "update its driver, or use --device cpu",
        )
    })?;
    Ok(Compute {
        device,
        adapter: Some(summary),
        reason,
    })
}

/// Opens an adapter with everything it offers, and hands it to Burn.
fn start(
    instance: wgpu::Instance,
    adapter: wgpu::Adapter,
) -> std::result::Result<Device, Box<dyn std::error::Error>> {
    let descriptor = wgpu::DeviceDescriptor {
        label: Some("sinew"),
        required_features: adapter
            .features()
            .difference(wgpu::Features::MAPPABLE_PRIMARY_BUFFERS),
        required_limits: adapter.limits(),
        memory_hints: wgpu::MemoryHints::MemoryUsage,
        trace: wgpu::Trace::Off,
        // Cooperative matrices are behind this switch; no kernel relies on unspecified behaviour.
        experimental_features: unsafe { wgpu::ExperimentalFeatures::enabled() },
    };
    let (device, queue) = pollster::block_on(adapter.request_device(&descriptor))?;
    let backend = adapter.get_info().backend;
    let setup = WgpuSetup {
        instance,
        adapter,
        device,
        queue,
        backend,
    };
    Ok(Device::wgpu_options().setup(setup).init()?)
}

/// Divides the cores that this process sees among the `locals` processes of this machine, unless `RAYON_NUM_THREADS` says
/// how many threads to take. Call it before anything computes.
///
/// # Errors
/// [`Error::Device`] where threads are running already, or cannot be started.
pub fn share_cores(locals: usize) -> Result<()> {
    if locals < 2 || std::env::var_os("RAYON_NUM_THREADS").is_some() {
        return Ok(());
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    rayon::ThreadPoolBuilder::new()
        .num_threads((cores / locals).max(1))
        .build_global()
        .map_err(|e| Error::device(format!("no threads: {e}"), "set RAYON_NUM_THREADS"))
}

/// Opens the device that a run began on, by the name that its settings keep; of several of that name, the one of the
/// process number `local` of this machine.
///
/// # Errors
/// [`Error::Device`] where it is not there any more, or does not open.
pub fn open_named(name: &str, local: usize) -> Result<Compute> {
    if name == "cpu" {
        return Ok(Compute::cpu("the run began on it"));
    }
    let mut named = adapters();
    named.retain(|adapter| adapter.run_name() == name);
    // Processor time is shared anyway.
    let software = named.first().is_some_and(|adapter| !adapter.hardware());
    match named.get(if software { 0 } else { local }) {
        Some(adapter) => open(Choice::Index(adapter.index)),
        None => {
            let help =
                "resume where it is, or go on elsewhere with --device and --allow run.device";
            let what = match named.len() {
                0 => format!("the run began on {name}, which is not here"),
                found => format!("the run began on {name}, and this machine has {found} of it"),
            };
            Err(Error::device(what, help))
        }
    }
}
