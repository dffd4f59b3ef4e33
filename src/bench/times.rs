//! Medians and spreads, and device time.

use crate::error::{Error, Result};
use burn::tensor::Device;

/// Median and tenth and ninetieth percentile of some times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Times {
    /// Median.
    pub median: f64,
    /// Tenth and ninetieth percentile.
    pub spread: [f64; 2],
}

impl Times {
    /// Of some times, in their unit; NaN where there are none.
    pub fn of(times: &[f64]) -> Self {
        Times {
            median: quantile(times, 0.5),
            spread: [quantile(times, 0.1), quantile(times, 0.9)],
        }
    }
}

/// The `share` quantile of some numbers; NaN of none.
fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len().saturating_sub(1) as f64 * share).round() as usize;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

/// What a device says of itself when it fails.
pub(super) fn failed(e: impl std::fmt::Display) -> Error {
    Error::device(format!("the device failed: {e}"), "try a smaller shape")
}

/// Milliseconds of some work on the device's own clock; wall time where it has none, as on the CPU.
///
/// # Errors
/// [`Error::Device`] where the device fails.
pub(super) fn timed<T: Send + 'static>(
    device: &Device,
    work: impl FnOnce() -> T + Send,
) -> Result<(T, f64)> {
    device.sync().map_err(failed)?;
    let (value, duration) = device.profile(work).map_err(failed)?;
    device.sync().map_err(failed)?;
    let ticks = pollster::block_on(duration.resolve());
    let seconds = ticks.map_or(f64::NAN, |ticks| ticks.duration().as_secs_f64());
    Ok((value, seconds * 1e3))
}
