//! Statistics of times, and measurement of device time.

use crate::error::{Error, Result};
use burn::tensor::Device;

/// Median, tenth and ninetieth percentile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Times {
    /// Median.
    pub median: f64,
    /// Tenth and ninetieth percentile.
    pub spread: [f64; 2],
}

impl Times {
    /// Summarises times, in their unit; NaN if there are none.
    pub fn of(times: &[f64]) -> Self {
        Times {
            median: quantile(times, 0.5),
            spread: [quantile(times, 0.1), quantile(times, 0.9)],
        }
    }
}

/// The `share` quantile; NaN for an empty slice.
fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len().saturating_sub(1) as f64 * share).round() as usize;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

/// The error for a device that fails.
pub(super) fn failed(e: impl std::fmt::Display) -> Error {
    Error::device(format!("the device failed: {e}"), "try a smaller shape")
}

/// Runs `work` and returns its result with its device time in milliseconds; wall time if the device has no timestamps, as the
/// CPU engine.
///
/// # Errors
/// [`Error::Device`] if the device fails.
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
