//! The kernel plans of a run: measured, or named and held against the device.

use crate::device::Compute;
use crate::error::{Error, Result};
use crate::lstm::{self, Context, Dims, Plan, Plans};
use crate::recipe::{Model, Recipe, Temporal};

/// Body parts of the layouts that people use; a few more or fewer choose the same plan.
const PARTS: usize = 5;

/// The recurrences of a model, one for each hidden size.
fn recurrences(model: &Model, steps: usize, batch: usize) -> Vec<Dims> {
    let directions = if model.bidirectional { 2 } else { 1 };
    let of = |groups, hidden| Dims {
        steps,
        batch,
        groups,
        hidden,
    };
    let mut all = vec![of(directions, model.hidden)];
    if model.temporal == Temporal::Hierarchical && model.part_hidden != model.hidden {
        all.insert(0, of(PARTS * directions, model.part_hidden));
    }
    all
}

/// The plans that measure fastest for a recipe on a device.
pub fn measured(recipe: &Recipe, compute: &Compute) -> Plans {
    let shapes = recurrences(&recipe.model, recipe.data.frames, recipe.train.batch);
    // The number format that the run will have there.
    let context = Context::on(compute, Plan::STEPWISE);
    let (context, _) = context.in_precision(recipe.train.precision, compute);
    let choose = |dims: Dims| {
        let plan = lstm::choose(compute, dims, context.precision);
        (dims.hidden, plan)
    };
    let each: Vec<_> = shapes.into_iter().map(choose).collect();
    Plans::each(&each).unwrap_or_default()
}

/// Plans from the text of `--plan` or of a run's settings.
///
/// # Errors
/// [`Error::Usage`] for a name that no plan has.
pub fn named(text: &str) -> Result<Plans> {
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

/// Holds the plans of a recipe's recurrences against what a device can run in its number format.
///
/// # Errors
/// [`Error::Setting`] with the reason and what to do.
pub fn check(plans: Plans, recipe: &Recipe, compute: &Compute) -> Result<()> {
    let Some(adapter) = &compute.adapter else {
        return Ok(());
    };
    let tested = lstm::self_test(compute, recipe.train.precision);
    let limits = tested.limits(adapter.into());
    for dims in recurrences(&recipe.model, 1, 1) {
        let plan = plans.of(dims.hidden);
        plan.supports(&limits, dims, tested.precision)
            .map_err(|why| Error::setting(why.what, why.help))?;
    }
    Ok(())
}
