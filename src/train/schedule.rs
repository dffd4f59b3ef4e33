//! The learning rate of a step.

use crate::settings::{Schedule, ScheduleKind};

/// The rate of optimisation step `step` (from 0) out of `epochs` epochs of `per_epoch` steps, at most `peak`.
///
/// A linear rise over the warm-up, then: constant; times `gamma` every `step` epochs, as PyTorch's `StepLR`; or
/// half a cosine down to zero (Loshchilov & Hutter, 2017, without restarts).
pub fn rate(schedule: &Schedule, peak: f64, step: usize, per_epoch: usize, epochs: usize) -> f64 {
    let warm = (schedule.warmup * per_epoch as f64).round();
    let done = step as f64;
    if done < warm {
        return peak * (done + 1.0) / warm;
    }
    match schedule.kind {
        ScheduleKind::Constant => peak,
        ScheduleKind::Step => {
            let drops = step / per_epoch.max(1) / schedule.step.max(1);
            peak * schedule.gamma.powi(drops as i32)
        }
        ScheduleKind::Cosine => {
            let total = (per_epoch * epochs) as f64;
            let share = ((done - warm) / (total - warm).max(1.0)).min(1.0);
            peak * 0.5 * (1.0 + (std::f64::consts::PI * share).cos())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(kind: ScheduleKind, warmup: f64) -> Schedule {
        Schedule {
            kind,
            step: 2,
            gamma: 0.5,
            warmup,
        }
    }

    #[test]
    fn step_drops_by_whole_epochs() {
        let s = schedule(ScheduleKind::Step, 0.0);
        let rates: Vec<f64> = (0..12).map(|k| rate(&s, 1.0, k, 3, 4)).collect();
        assert_eq!(rates[..6], [1.0; 6]);
        assert_eq!(rates[6..], [0.5; 6]);
    }

    #[test]
    fn cosine_rises_then_ends_near_zero() {
        let s = schedule(ScheduleKind::Cosine, 1.0);
        let rates: Vec<f64> = (0..100).map(|k| rate(&s, 2.0, k, 10, 10)).collect();
        assert!((rates[0] - 0.2).abs() < 1e-12 && (rates[9] - 2.0).abs() < 1e-12);
        assert!(rates[9..].windows(2).all(|w| w[0] >= w[1]) && rates[99] < 0.01);
    }
}
