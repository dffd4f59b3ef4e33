//! What the engine needs to know about the device that it runs on.

use super::kernel::Kernel;
use super::matrix_units::MatrixUnits;
use burn::backend::DispatchDevice;
use burn::tensor::Device;
use cubecl::client::Client;
use cubecl::ir::{ElemType, FloatKind};

/// A device, as whoever opens it describes it to the engine.
#[derive(Debug, Clone)]
pub struct EngineDevice {
    /// Burn's device, without autodiff.
    pub device: Device,
    /// Its name: in notes, and as the key of what is measured once per process.
    pub name: String,
    /// Its limits.
    pub limits: DeviceLimits,
}

impl From<&Device> for EngineDevice {
    /// A device as CubeCL describes it. Matrix units are not among what it tells: they stay off unless whoever knows them
    /// adds them to the limits.
    fn from(device: &Device) -> Self {
        let device = match device.is_autodiff() {
            true => device.clone().inner(),
            false => device.clone(),
        };
        let (name, limits) = match device.as_dispatch() {
            DispatchDevice::Cube(cube) => {
                let client = cube.client();
                let properties = client.properties();
                let software = properties.identity.physical.is_none();
                let limits = DeviceLimits {
                    largest: usize::try_from(properties.memory.max_page_size).unwrap_or(usize::MAX),
                    dispatch: longest_dispatch(software),
                    gpu: Some(GpuLimits {
                        software,
                        ..GpuLimits::of(&client)
                    }),
                };
                (properties.identity.name.clone(), limits)
            }
            _ => {
                let limits = DeviceLimits {
                    largest: CPU_LARGEST,
                    dispatch: u64::MAX,
                    gpu: None,
                };
                ("cpu".into(), limits)
            }
        };
        EngineDevice {
            device,
            name,
            limits,
        }
    }
}

/// Floating-point operations of the longest dispatch on hardware, which is at least fifty times as fast as software Vulkan,
/// or on a software adapter.
pub const fn longest_dispatch(software: bool) -> u64 {
    match software {
        true => SHORTEST_DISPATCH,
        false => 50 * SHORTEST_DISPATCH,
    }
}

/// Bytes of the largest tensor on the CPU engine: beyond it, running a batch in pieces saves memory and costs no time.
pub const CPU_LARGEST: usize = 256 << 20;

/// The limits of a device that decide how a batch is split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceLimits {
    /// Bytes of the largest tensor that one kernel can bind.
    pub largest: usize,
    /// Floating-point operations of the longest dispatch; a single step can take more.
    pub dispatch: u64,
    /// The limits of its kernels; `None` on the CPU engine.
    pub gpu: Option<GpuLimits>,
}

/// Floating-point operations of the longest dispatch on the slowest device: a quarter of a second on software Vulkan (two
/// cores, 0.8 GFLOP/s), since desktop drivers reset a GPU that does not respond for about two.
pub const SHORTEST_DISPATCH: u64 = 250_000_000;

/// The limits of a GPU that decide which kernels it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GpuLimits {
    /// Threads of the largest workgroup.
    pub threads: u32,
    /// Bytes of memory that a workgroup shares.
    pub memory: usize,
    /// f16 in shaders.
    pub f16: bool,
    /// Its matrix units, where it has some that the engine can use.
    pub matrix_units: Option<MatrixUnits>,
    /// A processor that plays a GPU: slow to compile for, and slow to run on.
    pub software: bool,
}

impl GpuLimits {
    /// The limits of a client's device, without matrix units.
    pub(crate) fn of(client: &Client) -> Self {
        let properties = client.properties();
        GpuLimits {
            threads: properties.hardware.max_units_per_cube,
            memory: properties.hardware.max_shared_memory_size,
            f16: properties.supports_type(ElemType::Float(FloatKind::F16)),
            matrix_units: None,
            software: false,
        }
    }

    /// Whether a workgroup of a kernel fits.
    pub(crate) fn fit(&self, kernel: &Kernel) -> bool {
        kernel.possible() && kernel.threads() <= self.threads && kernel.memory() <= self.memory
    }
}
