//! Opening a chosen device, or the one of a rank.

use super::{Adapter, BUFFERS, Choice, Compute, DeviceName, adapters, found, instance, summary};
use crate::error::{Error, Result};
use burn::tensor::Device;
use burn_wgpu::WgpuSetup;
use burn_wgpu::wgpu;
use std::error::Error as _;

/// What helps where no adapter is.
const INSTALL: &str = "install the GPU's Vulkan driver (Linux: mesa-vulkan-drivers, or NVIDIA's own; \
     Windows and macOS bring DX12 and Metal), see `sinew devices`, or use --device cpu";

/// What helps where an adapter binds too few buffers.
const UPDATE: &str = "update its driver, or use another device";

fn too_few_buffers(adapter: &Adapter) -> String {
    let (name, buffers) = (&adapter.name, adapter.storage_buffers);
    format!("{name} binds {buffers} buffers, and the kernels need {BUFFERS}")
}

/// Opens the chosen device.
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
        return Ok(Compute::cpu("selected"));
    }
    let instance = instance();
    let adapters = found(&instance);
    let listed: Vec<Adapter> = adapters
        .iter()
        .enumerate()
        .map(|(i, a)| summary(i, a))
        .collect();
    let runs = |a: &Adapter| a.hardware() && a.storage_buffers >= BUFFERS;
    let mut usable: Vec<usize> = (0..listed.len()).filter(|i| runs(&listed[*i])).collect();
    let too_small = listed.iter().find(|a| a.hardware() && !runs(a));
    // A GPU that several interfaces reach is one.
    if let Some(&first) = usable.first() {
        usable.retain(|i| listed[*i].backend == listed[first].backend);
    }
    let (index, reason) = match (choice, usable.get(local)) {
        (Choice::Index(index), _) => (index, "selected by its number".to_string()),
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
            let help = "start at most one rank per adapter, or use --device cpu";
            return Err(Error::device(what, help));
        }
        (Choice::Gpu, None) => {
            if let Some(adapter) = too_small {
                return Err(Error::device(too_few_buffers(adapter), UPDATE));
            }
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
            let why = match too_small {
                Some(adapter) => too_few_buffers(adapter),
                None if listed.is_empty() => "no adapter was found".into(),
                None => "no hardware adapter was found".into(),
            };
            return Ok(Compute::cpu(&why));
        }
    };
    let Some(adapter) = adapters.into_iter().nth(index) else {
        let what = format!("there is no adapter {index}; {} found", listed.len());
        return Err(Error::device(what, INSTALL));
    };
    let summary = listed[index].clone();
    if summary.storage_buffers < BUFFERS {
        return Err(Error::device(too_few_buffers(&summary), UPDATE));
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

/// Launches that are recorded into one pass and submitted together, where CubeCL's own number is 32: a recurrence of
/// T = 100 steps is one submission instead of four. On llvmpipe (`bench kernels --only sinew`, stepwise, B 2, T 1024, I 16,
/// H 32, 2 groups, f32) the forward pass takes 246 and 263 ms of device time, compared with 295 and 296 with 32, in the same
/// memory (566 and 567 MiB); the wall time differs by less than it varies. No more, since what lies between two uploads
/// would wait unsubmitted.
pub const TASKS: usize = 256;

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
    Ok(Device::wgpu_options()
        .setup(setup)
        .tasks_max(TASKS)
        .init()?)
}

/// Starts the threads that compute: as many as this process sees cores, divided among the `locals` processes of this
/// machine, or as many as `RAYON_NUM_THREADS` says. Call it before anything computes; of a process alone, a second call
/// changes nothing.
///
/// # Errors
/// [`Error::Failed`] where cannot start another thread, [`Error::Device`] where others are running already.
pub fn share_cores(locals: usize) -> Result<()> {
    let mut threads = rayon::ThreadPoolBuilder::new();
    if locals > 1 && std::env::var_os("RAYON_NUM_THREADS").is_none() {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        threads = threads.num_threads((cores / locals).max(1));
    }
    match threads.build_global() {
        Ok(()) => Ok(()),
        Err(error) if error.source().is_some() => Err(Error::threads(error)),
        Err(_) if locals < 2 => Ok(()),
        Err(error) => {
            let what = format!("the cores cannot be shared: {error}");
            Err(Error::device(what, "set RAYON_NUM_THREADS"))
        }
    }
}

/// Opens the device that a run was started on, by the name that its settings keep; of several of that name, the one of the
/// process number `local` of this machine.
///
/// # Errors
/// [`Error::Device`] where it is not there any more, or does not open.
pub fn open_named(name: &DeviceName, local: usize) -> Result<Compute> {
    if *name == DeviceName::Cpu {
        return Ok(Compute::cpu("the run was started on it"));
    }
    let mut named = adapters();
    named.retain(|adapter| adapter.run_name() == *name);
    // Processor time is shared anyway.
    let software = named.first().is_some_and(|adapter| !adapter.hardware());
    match named.get(if software { 0 } else { local }) {
        Some(adapter) => open(Choice::Index(adapter.index)),
        None => {
            let help = "resume on the machine that has it, or name another device with --device and --allow run.device";
            let what = match named.len() {
                0 => format!("the run was started on {name}, which this machine does not have"),
                found => {
                    format!("the run was started on {name}, of which this machine has {found}")
                }
            };
            Err(Error::device(what, help))
        }
    }
}
