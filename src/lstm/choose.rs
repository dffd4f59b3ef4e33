//! Which plan is faster on a device.

use super::plan::Plan;
use super::recurrence;
use super::spec::{Dims, Spec};
use burn::tensor::{Device, Tensor};
use std::time::{Duration, Instant};

/// Steps that are timed; the ratio of the plans hardly depends on how many there are.
const STEPS: usize = 8;

/// The plan whose forward and backward pass takes the least time for a recurrence of this shape, by measuring each
/// after one pass that compiles its kernels. A device that fails here fails again, with its message, in training.
pub fn choose(device: &Device, dims: Dims) -> Plan {
    let dims = Dims {
        steps: dims.steps.min(STEPS),
        ..dims
    };
    let device = device.clone().autodiff();
    let timed = Plan::ALL.map(|plan| {
        let passes = (0..3).map(|_| pass(&device, dims, plan));
        (plan, passes.skip(1).min().unwrap_or(Duration::MAX))
    });
    let best = timed.into_iter().min_by_key(|(_, time)| *time);
    best.map_or(Plan::default(), |(plan, _)| plan)
}

/// Wall time of one pass both ways, the device idle before and after.
fn pass(device: &Device, dims: Dims, plan: Plan) -> Duration {
    let Dims {
        steps,
        batch,
        groups,
        hidden,
    } = dims;
    let projected = Tensor::zeros([steps, batch, groups, 4 * hidden], device).require_grad();
    let w_hh = Tensor::zeros([groups, 4 * hidden, hidden], device).require_grad();
    let state = || Tensor::zeros([groups, batch, hidden], device);
    let spec = Spec {
        reverse: (0..groups).map(|g| g % 2 == 1).collect(),
        plan,
        dispatch: u64::MAX,
        ..Spec::default()
    };
    let wait = || device.sync().is_ok();
    if !wait() {
        return Duration::MAX;
    }
    let started = Instant::now();
    let out = recurrence(projected, w_hh, state(), state(), None, None, spec);
    drop(out.sum().backward());
    if wait() {
        started.elapsed()
    } else {
        Duration::MAX
    }
}
