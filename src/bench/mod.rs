//! Benchmarks of kernels, training, preparation and loading, and numerical checks of the kernels.

pub mod check;
pub mod kernels;
pub mod loader;
pub mod numerics;
pub mod prepare;
mod synthetic;
pub mod table;
mod times;
pub mod train;

use crate::device::Compute;
use crate::error::{Error, Result};
use serde::Serialize;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The device of a benchmark.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// Name of the device.
    pub device: String,
    /// Name and version of its driver.
    pub driver: String,
    /// Graphics API, or `cpu`.
    pub backend: String,
    /// Number of threads of the CPU engine; `None` on a GPU.
    pub threads: Option<usize>,
}

impl Machine {
    /// Describes a device.
    pub fn of(compute: &Compute) -> Self {
        Machine {
            device: compute.name().into(),
            driver: compute.driver(),
            backend: compute.backend().into(),
            threads: compute.adapter.is_none().then(rayon::current_num_threads),
        }
    }
}

/// Runs `work` and turns a panic of a driver or backend into an error, so that other measurements can continue.
///
/// # Errors
/// Any error of `work`, or [`Error::Device`] with the message of the panic.
fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            let what = format!("the device failed: {}", text.unwrap_or("no message"));
            Err(Error::device(what, "try a smaller shape or another device"))
        }
    }
}

/// The median (of an even number of times the upper one), minimum and maximum.
fn spread(mut times: Vec<f64>) -> (f64, [f64; 2]) {
    times.sort_by(f64::total_cmp);
    let at = |index: usize| times.get(index).copied().unwrap_or(f64::NAN);
    (
        at(times.len() / 2),
        [at(0), at(times.len().saturating_sub(1))],
    )
}
