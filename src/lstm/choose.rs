//! Which plan is faster on a device.
//!
//! The answer is kept until the process ends, and in the run's settings, where a resumed run finds it: measuring takes
//! about as long as a few training steps, too little for a cache file that drivers and versions would make stale.

use super::device::{EngineDevice, GpuLimits};
use super::options::Context;
use super::plan::Plan;
use super::precision::Precision;
use super::recurrence::{Dims, Spec, recurrence};
use super::self_test::self_test;
use burn::tensor::{Device, Tensor};
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Steps that are timed; the ratio of the plans hardly depends on how many there are.
const STEPS: usize = 8;

/// A plan this many times slower than the best at its first timed pass is not timed again.
const HOPELESS: f64 = 1.5;

/// What a plan is measured for: a device, a shape and a number format.
type Key = (String, Dims, Precision);

/// The plan whose forward and backward pass takes the least time for a recurrence of this shape, by measuring each
/// after one pass that compiles its kernels, once per process. A device that fails here fails again, with its message, in
/// training.
///
/// Every tile is tried on hardware; a software adapter, slow to compile and to run, gets each plan's tile by rule.
///
/// # Panics
/// On a size of 0.
pub fn choose(device: impl Into<EngineDevice>, dims: Dims, precision: Precision) -> Plan {
    let sizes = dims.sizes();
    assert!(!sizes.contains(&0), "{dims:?} has a size of 0");
    static KNOWN: LazyLock<Mutex<HashMap<Key, Plan>>> = LazyLock::new(Mutex::default);
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
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let measured = known.entry((device.name.clone(), dims, precision));
    *measured.or_insert_with(|| {
        let tested = self_test(device.clone(), precision);
        let context = Context {
            precision,
            products: tested.products,
            ..context
        };
        let device = device.device.autodiff();
        fastest(&device, &tested.limits(limits), dims, context)
    })
}

/// The fastest of the plans that a device supports.
fn fastest(device: &Device, limits: &GpuLimits, dims: Dims, context: Context) -> Plan {
    let supported = |plan: Plan| plan.supports(limits, dims, context.precision).ok();
    let candidates: Vec<Plan> = match limits.software {
        false => Plan::each().filter_map(supported).collect(),
        true => Plan::ALL.into_iter().filter_map(supported).collect(),
    };
    let pass = |plan: Plan| {
        let plan = plan.into();
        let spec = Spec {
            reverse: (0..dims.groups).map(|g| g % 2 == 1).collect(),
            context: Context { plan, ..context },
            ..Spec::default()
        };
        pass(device, dims, spec)
    };
    let mut timed: Vec<(Plan, Duration)> = Vec::new();
    for plan in candidates {
        // The first pass compiles.
        let [_, time] = [(); 2].map(|()| pass(plan));
        timed.push((plan, time));
    }
    if let Some(best) = timed.iter().map(|(_, time)| *time).min() {
        for (plan, time) in &mut timed {
            if time.as_secs_f64() < HOPELESS * best.as_secs_f64() {
                *time = (0..2).fold(*time, |least, _| least.min(pass(*plan)));
            }
        }
    }
    let best = timed.into_iter().min_by_key(|(_, time)| *time);
    best.map_or(Plan::STEPWISE, |(plan, _)| plan)
}

/// Wall time of one pass both ways, the device idle before and after.
fn pass(device: &Device, dims: Dims, spec: Spec) -> Duration {
    let [steps, batch, groups, hidden] = dims.sizes();
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
