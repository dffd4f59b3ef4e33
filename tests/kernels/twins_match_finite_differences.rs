//! The twins' gradients are those of the twins' outputs: differences of a randomly weighted sum, one number moved at
//! a time.
//!
//! The sum is taken in double precision of outputs in single precision, each off by about 6e-8. Five-point
//! differences at ±1/32 and ±1/16 turn that into about 1e-5 and leave an error of the order of (1/32)⁴ ≈ 1e-6.
//! Error at most 5e-4 of a tensor's largest derivative, or of 0.1 where all are smaller than that: of those, a
//! relative error would show the rounding alone.

use crate::numerics::fresh;
use sinew::bench::check::{Problem, option_choices};
use sinew::lstm::{Dims, Plan};

const LIMIT: f64 = 5e-4;
const SMALLEST_SCALE: f64 = 0.1;
const STEP: f32 = 1.0 / 32.0;

fn loss(problem: &Problem) -> f64 {
    let (out, ..) = problem.twin_forward(usize::MAX);
    out.iter()
        .zip(&problem.d_out)
        .map(|(x, r)| f64::from(*x) * f64::from(*r))
        .sum()
}

fn error(ours: &[f32], theirs: &[f32]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let scale = theirs
        .iter()
        .fold(SMALLEST_SCALE, |m, x| m.max(f64::from(x.abs())));
    let difference = |(a, b): (&f32, &f32)| f64::from(a - b).abs();
    // Counts NaN, which `max` would pass over.
    assert!(ours.iter().chain(theirs).all(|x| x.is_finite()));
    ours.iter().zip(theirs).map(difference).fold(0.0, f64::max) / scale
}

/// The derivative of the loss with respect to each number of an input.
fn differences(problem: &Problem, input: fn(&mut Problem) -> &mut Vec<f32>) -> Vec<f32> {
    let mut moved = problem.clone();
    let count = input(&mut moved).len();
    let mut at = |i: usize, by: f32| {
        let here = input(&mut moved)[i];
        // What the sum rounds to is what is divided by.
        input(&mut moved)[i] = here + by;
        let value = (loss(&moved), f64::from(input(&mut moved)[i]));
        input(&mut moved)[i] = here;
        value
    };
    let slope = |(up, x): (f64, f64), (down, y): (f64, f64)| (up - down) / (x - y);
    (0..count)
        .map(|i| {
            let near = slope(at(i, STEP), at(i, -STEP));
            let far = slope(at(i, 2.0 * STEP), at(i, -2.0 * STEP));
            ((4.0 * near - far) / 3.0) as f32
        })
        .collect()
}

#[test]
fn every_gradient_with_every_option() {
    let mut rng = fresh("twins_match_finite_differences");
    for plan in Plan::ALL {
        let mut worst = [
            ("projected", 0.0f64),
            ("w_hh", 0.0),
            ("h0", 0.0),
            ("c0", 0.0),
            ("peephole", 0.0),
        ];
        for choice in option_choices() {
            let dims = Dims {
                steps: 1 + rng.below(5),
                batch: 1 + rng.below(4),
                groups: 1 + rng.below(3),
                hidden: 1 + rng.below(6),
            };
            let mut problem = Problem::new(&mut rng, dims, choice).with_plan(plan);
            // Both directions, and a length within the steps, whatever was drawn.
            problem.spec.reverse[0] = choice[0] ^ choice[2];
            let results = problem.twins(1 + rng.below(3));
            let (d_w_hh, d_peephole) = problem.products(&results);
            let (d_h0, d_c0) = results.d_state.split_at(problem.h0.len());
            let mut compare =
                |which: usize, ours: &[f32], input: fn(&mut Problem) -> &mut Vec<f32>| {
                    let error = error(ours, &differences(&problem, input));
                    let name = worst[which].0;
                    assert!(
                        error <= LIMIT,
                        "{name}: error {error:e} in {}",
                        problem.describe()
                    );
                    worst[which].1 = worst[which].1.max(error);
                };
            compare(0, &results.d_gates, |p| &mut p.projected);
            compare(1, &d_w_hh, |p| &mut p.w_hh);
            compare(2, d_h0, |p| &mut p.h0);
            compare(3, d_c0, |p| &mut p.c0);
            if choice[0] {
                compare(4, &d_peephole, |p| &mut p.peephole);
            }
        }
        for (name, error) in worst {
            println!("{} {name}: {error:.1e}", plan.name());
        }
    }
}
