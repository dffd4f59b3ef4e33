//! The kernel plans of a run: measured, or named and checked against the device.

use crate::device::Compute;
use crate::error::{Error, Result};
use crate::lstm::{self, Context, Dims, Plan, Plans, Precision};
use crate::model::Architecture;
use crate::settings::{KernelPlan, ResolvedSettings};

/// The fastest plan on a device for each hidden size of a model, measured with steps of `batch` rows.
pub fn fastest(
    architecture: &Architecture,
    settings: &ResolvedSettings,
    batch: usize,
    compute: &Compute,
) -> KernelPlan {
    // The number format that the run will have there.
    let context = Context::on(compute, Plan::STEPWISE);
    let (context, _) = context.in_precision(settings.train.precision, compute);
    let choose = |dims: Dims| {
        let plan = lstm::choose(compute, dims, context.precision);
        (dims.hidden, plan)
    };
    let recurrences = architecture.recurrences(batch).into_iter();
    let each: Vec<_> = recurrences.map(choose).collect();
    KernelPlan::Gpu(Plans::each(&each).unwrap_or_default().to_string())
}

/// The plan that every device runs.
pub fn on_every_device() -> KernelPlan {
    KernelPlan::Gpu(Plan::STEPWISE.name().into())
}

/// Plans from the text of `--plan` or of a run's settings.
///
/// # Errors
/// [`Error::Usage`] for a name that no plan has.
pub fn parse(text: &str) -> Result<Plans> {
    Plans::from_text(text).ok_or_else(|| {
        let names: Vec<_> = Plan::each().map(Plan::name).collect();
        Error::usage(
            format!("there is no plan {text:?}"),
            format!(
                "choose resident, stepwise or stepwise-units, or one of their tiles: {}",
                names.join(", ")
            ),
        )
    })
}

/// The plans of a run's settings; the engine's default for the CPU engine and for a plan of another version.
pub fn of_run(plan: &KernelPlan) -> Plans {
    match plan {
        KernelPlan::Cpu => Plans::default(),
        KernelPlan::Gpu(text) => Plans::from_text(text).unwrap_or_default(),
    }
}

/// Checks that a device can run a model with these plans in this precision.
///
/// # Errors
/// [`Error::Setting`] with the reason and what to do.
pub fn check(
    plans: Plans,
    architecture: &Architecture,
    precision: Precision,
    compute: &Compute,
) -> Result<()> {
    let Some(adapter) = &compute.adapter else {
        return Ok(());
    };
    let tested = lstm::self_test(compute, precision);
    let limits = tested.limits(adapter.into());
    for dims in architecture.recurrences(1) {
        let plan = plans.of(dims.hidden);
        plan.supports(&limits, dims, tested.precision)
            .map_err(|why| Error::setting(why.what, why.help))?;
    }
    Ok(())
}
