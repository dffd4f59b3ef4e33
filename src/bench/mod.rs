//! Measurements: what ran, where, how long, and how right it was.

pub mod check;
pub mod kernels;
pub mod loader;
mod made;
pub mod numerics;
pub mod prepare;
pub mod table;
mod times;
pub mod train;

use crate::device::Compute;
use crate::error::{Error, Result};
use serde::Serialize;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Where a table was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// The device.
    pub device: String,
    /// Its driver.
    pub driver: String,
    /// Its interface.
    pub backend: String,
    /// Threads of the CPU engine; none on a GPU.
    pub threads: Option<usize>,
}

impl Machine {
    /// That of a device.
    pub fn of(compute: &Compute) -> Self {
        Machine {
            device: compute.name().into(),
            driver: compute.driver(),
            backend: compute.backend().into(),
            threads: compute.adapter.is_none().then(rayon::current_num_threads),
        }
    }
}

/// Runs what may take a driver or a backend down: a panic of theirs becomes an error, and other measurements go on.
///
/// # Errors
/// The work's own, or [`Error::Device`] with the panic's message.
fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            let what = format!("the device failed: {}", text.unwrap_or("no message"));
            Err(Error::device(
                what,
                "try a smaller shape, or another device",
            ))
        }
    }
}

/// The median of some times (the upper of two in the middle), and the least and most.
fn spread(mut times: Vec<f64>) -> (f64, [f64; 2]) {
    times.sort_by(f64::total_cmp);
    let at = |index: usize| times.get(index).copied().unwrap_or(f64::NAN);
    (
        at(times.len() / 2),
        [at(0), at(times.len().saturating_sub(1))],
    )
}
