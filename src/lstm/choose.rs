//! Which plan is faster on a device.
//!
//! The answer lives as long as the process, and in the run's settings, where a resumed run finds it: measuring takes
//! about as long as a few training steps, too little for a cache file that drivers and versions would make stale.

use super::layer::Context;
use super::plan::Plan;
use super::recurrence;
use super::self_test;
use super::spec::{Dims, Precision, Spec};
use crate::device::Compute;
use burn::tensor::{Device, Tensor};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Steps that are timed; the ratio of the plans hardly depends on how many there are.
const STEPS: usize = 8;

/// A plan this many times slower than the best at its first timed pass is not timed again.
const HOPELESS: f64 = 1.5;

/// The answers of this process: device, shape, format, plan.
static KNOWN: Mutex<Vec<(String, Dims, Precision, Plan)>> = Mutex::new(Vec::new());

/// The plan whose forward and backward pass takes the least time for a recurrence of this shape, by measuring each
/// after one pass that compiles its kernels. A device that fails here fails again, with its message, in training.
///
/// Every tile is tried on hardware; a software adapter, slow to compile and to run, gets each walk's tile by rule.
pub fn choose(compute: &Compute, dims: Dims, precision: Precision) -> Plan {
    let Some(adapter) = &compute.adapter else {
        return Plan::default();
    };
    // The rows of one pass in training, and a few of its steps.
    let rows = Context::on(compute, Plan::default()).rows(dims);
    let dims = Dims {
        steps: dims.steps.min(STEPS),
        batch: dims.batch.min(rows),
        ..dims
    };
    let name = compute.run_name().to_string();
    let known = |plan: Option<Plan>| {
        let mut all = KNOWN.lock().unwrap_or_else(|e| e.into_inner());
        let found = all
            .iter()
            .find(|(n, d, p, _)| (n, *d, *p) == (&name, dims, precision));
        match (found, plan) {
            (None, Some(plan)) => all.push((name.clone(), dims, precision, plan)),
            (Some(found), _) => return Some(found.3),
            (None, None) => {}
        }
        plan
    };
    if let Some(plan) = known(None) {
        return plan;
    }
    let verdict = self_test::verdict(compute, precision);
    let limits = verdict.limits(adapter);
    let candidates = if adapter.hardware() {
        Plan::candidates(limits, dims, precision)
    } else {
        let tiles = |plan: Plan| plan.supports(limits, dims, precision).ok();
        let by_rule = Plan::ALL.into_iter().filter_map(tiles);
        by_rule.map(|tiles| tiles.plan()).collect()
    };
    let device = compute.device.clone().autodiff();
    let spec = |plan| Spec {
        reverse: (0..dims.groups).map(|g| g % 2 == 1).collect(),
        plan,
        precision,
        units: verdict.units,
        // As a run dispatches it: a longer one could cost the device.
        dispatch: compute.dispatch(),
        ..Spec::default()
    };
    let mut timed: Vec<(Plan, Duration)> = Vec::new();
    for plan in candidates {
        // The first pass compiles.
        let [_, time] = [(); 2].map(|()| pass(&device, dims, spec(plan)));
        timed.push((plan, time));
    }
    let least = |timed: &[(Plan, Duration)]| timed.iter().map(|t| t.1).min();
    if let Some(best) = least(&timed) {
        for (plan, time) in &mut timed {
            if time.as_secs_f64() < HOPELESS * best.as_secs_f64() {
                let again = || pass(&device, dims, spec(*plan));
                *time = (0..2).fold(*time, |t, _| t.min(again()));
            }
        }
    }
    let best = timed.into_iter().min_by_key(|(_, time)| *time);
    let plan = best.map_or(Plan::STEPWISE, |(plan, _)| plan);
    known(Some(plan)).unwrap_or(plan)
}

/// Wall time of one pass both ways, the device idle before and after.
fn pass(device: &Device, dims: Dims, spec: Spec) -> Duration {
    let Dims {
        steps,
        batch,
        groups,
        hidden,
    } = dims;
    let projected = Tensor::zeros([steps, batch, groups, 4 * hidden], device).require_grad();
    let w_hh = Tensor::zeros([groups, 4 * hidden, hidden], device).require_grad();
    let state = || Tensor::zeros([groups, batch, hidden], device);
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
