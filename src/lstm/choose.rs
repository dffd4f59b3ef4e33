//! Which plan is faster on a device.
//!
//! The answer is kept until the process ends, and in the run's settings, where a resumed run finds it: measuring takes
//! about as long as a few training steps, too little for a cache file that drivers and versions would make stale.

use super::device::EngineDevice;
use super::options::Context;
use super::plan::Plan;
use super::precision::Precision;
use super::recurrence::{Dims, Spec, recurrence};
use super::self_test::self_test;
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
/// Every tile is tried on hardware; a software adapter, slow to compile and to run, gets each plan's tile by rule.
pub fn choose(device: impl Into<EngineDevice>, dims: Dims, precision: Precision) -> Plan {
    let device = device.into();
    let Some(limits) = device.limits.gpu else {
        return Plan::default();
    };
    // As a run dispatches it: a longer one could cost the device.
    let context = Context::on(device.clone(), Plan::default());
    // The rows of one pass in training, and a few of its steps.
    let dims = Dims {
        steps: dims.steps.min(STEPS),
        batch: dims.batch.min(context.rows(dims)),
        ..dims
    };
    let known = |plan: Option<Plan>| {
        let mut all = KNOWN.lock().unwrap_or_else(|e| e.into_inner());
        let found = all
            .iter()
            .find(|(n, d, p, _)| (n, *d, *p) == (&device.name, dims, precision));
        match (found, plan) {
            (None, Some(plan)) => all.push((device.name.clone(), dims, precision, plan)),
            (Some(found), _) => return Some(found.3),
            (None, None) => {}
        }
        plan
    };
    if let Some(plan) = known(None) {
        return plan;
    }
    let tested = self_test(device.clone(), precision);
    let limits = tested.limits(limits);
    let supported = |plan: Plan| plan.supports(&limits, dims, precision).ok();
    let candidates: Vec<Plan> = match limits.software {
        false => Plan::each().filter_map(supported).collect(),
        true => Plan::ALL.into_iter().filter_map(supported).collect(),
    };
    let autodiff = device.device.clone().autodiff();
    let spec = |plan: Plan| Spec {
        reverse: (0..dims.groups).map(|g| g % 2 == 1).collect(),
        context: Context {
            plan: plan.into(),
            precision,
            products: tested.products,
            ..context
        },
        ..Spec::default()
    };
    let mut timed: Vec<(Plan, Duration)> = Vec::new();
    for plan in candidates {
        // The first pass compiles.
        let [_, time] = [(); 2].map(|()| pass(&autodiff, dims, spec(plan)));
        timed.push((plan, time));
    }
    let least = |timed: &[(Plan, Duration)]| timed.iter().map(|t| t.1).min();
    if let Some(best) = least(&timed) {
        for (plan, time) in &mut timed {
            if time.as_secs_f64() < HOPELESS * best.as_secs_f64() {
                let again = || pass(&autodiff, dims, spec(*plan));
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
