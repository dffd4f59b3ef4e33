//! The kernels on matrix units compute what their twins compute: their own text, with plain WGSL in the place of the
//! cooperative matrices' built-ins, on any adapter that has f16. Fragments of both sizes, every tile, subgroups of fewer
//! threads than a square has, of as many, and of more, every option, rows and units that no tile divides.
//!
//! Relative error at most 4e-3: a number near the middle between two of f16 can be rounded to either.

use crate::devices;
use crate::emulation::emulated;
use crate::numerics::{fresh, relative_error};
use sinew::bench::check::{HALF_LIMIT, Problem, option_choices, through_the_trait};
use sinew::device::Compute;
use sinew::lstm::testing::{ERROR_LIMIT, Path, path_error};
use sinew::lstm::{Dims, MatrixUnits, Plan, PlanKind, Precision, Products};
use sinew::rng::Rng;

/// Each tile with fragments of both sides, emulated by subgroups of one of the sizes, in turn.
fn units_and_plans() -> Vec<(MatrixUnits, u32, Plan)> {
    let plans = Plan::each().filter(|plan| plan.kind() == PlanKind::StepwiseUnits);
    let both = |(n, plan): (usize, Plan)| {
        [(MatrixUnits::Of16, n), (MatrixUnits::Of8, n + 1)]
            .map(|(units, at)| (units, [32, 64, 16][at % 3], plan))
    };
    plans.enumerate().flat_map(both).collect()
}

/// The adapters that have f16, opened for one test.
fn adapters() -> Vec<Compute> {
    let mut devices = devices::own_devices();
    devices.retain(|c| c.adapter.as_ref().is_some_and(|a| a.f16));
    devices
}

fn compare(rng: &mut Rng, compute: &Compute, lanes: u32, problem: &Problem) -> f64 {
    let ours = emulated(lanes, || through_the_trait(problem, rng, &compute.device));
    let ours = ours.expect("it runs");
    let theirs = problem.twins(1);
    let mut worst = 0.0f64;
    for ((name, ours), (_, theirs)) in ours.named().into_iter().zip(theirs.named()) {
        let error = relative_error(ours, theirs);
        assert!(
            error <= HALF_LIMIT,
            "{name}: {error:e} in {}",
            problem.describe()
        );
        worst = worst.max(error);
    }
    worst
}

/// Options and tiles do not touch each other in the kernels: with one tile those that the product sees, none and all;
/// with each of the others any.
#[test]
fn every_tile_and_every_option() {
    let mut rng = fresh("every_tile_and_every_option");
    let choices: Vec<_> = option_choices().collect();
    for compute in &adapters() {
        for (n, (units, lanes, plan)) in units_and_plans().into_iter().enumerate() {
            let some = match n {
                0 => [0, 2, 4, 7].map(|n| choices[n]).to_vec(),
                _ => vec![choices[rng.below(8)]],
            };
            for choice in some {
                let dims = Dims {
                    steps: 1 + rng.below(4),
                    batch: (1 + rng.below(80)) | 1,
                    groups: 1 + rng.below(3),
                    hidden: (1 + rng.below(90)) | 1,
                };
                let mut problem = Problem::new(&mut rng, dims, choice)
                    .with_plan(plan)
                    .with_precision(Precision::F16)
                    .with_products(Products::MatrixUnits(units));
                // Both directions, whatever was drawn.
                problem.spec.reverse[0] = choice[0] ^ choice[2];
                let worst = compare(&mut rng, compute, lanes, &problem);
                println!(
                    "{units:?}, {lanes} lanes, {} {choice:?} {dims:?}: {worst:.1e}",
                    plan.name()
                );
            }
        }
    }
}

/// Sizes that tiles divide, and gradients so small or large that f16 itself could not hold them.
#[test]
fn whole_tiles_and_gradients_of_any_size() {
    let mut rng = fresh("whole_tiles_and_gradients_of_any_size");
    for compute in &adapters() {
        for scale in [1.0, 1e-12, 1e9] {
            let dims = Dims {
                steps: 3,
                batch: 64,
                groups: 2,
                hidden: 64,
            };
            let problem = Problem::new(&mut rng, dims, [false; 3]).with_plan(Plan::STEPWISE_UNITS);
            let problem = problem.with_precision(Precision::F16);
            let units = Products::MatrixUnits(MatrixUnits::Of16);
            let mut problem = problem.with_products(units);
            problem.d_out.iter_mut().for_each(|d| *d *= scale);
            let worst = compare(&mut rng, compute, 32, &problem);
            println!("{} {scale:e}: {worst:.1e}", compute.name());
        }
    }
}

/// The self-test's own sizes, in every layout of a layer's products and with both of their tiles.
#[test]
fn dense_products_and_steps_beside_f32() {
    for compute in &adapters() {
        for (units, lanes) in [(MatrixUnits::Of16, 64), (MatrixUnits::Of8, 16)] {
            for path in [Path::Product(units), Path::Steps(units)] {
                let error = emulated(lanes, || path_error(&compute.device, path)).expect("it runs");
                println!("{} {path:?}: {error:.1e}", compute.name());
                assert!(error <= ERROR_LIMIT, "{path:?}: {error:e}");
            }
        }
    }
}
