//! Every engine computes what the twins compute: the kernels on the adapter with both plans, Burn's CPU backend and
//! the CPU engine itself, with every option, fresh sizes and inputs that lie in memory in every way.
//!
//! Relative error at most 1e-4: hidden states, gates, cell states, what entered the product, and all gradients.

use crate::devices;
use crate::numerics::{fresh, relative_error};
use sinew::bench::check::{
    Effort, LIMIT, Problem, Results, check, option_choices, through_the_engine, through_the_trait,
};
use sinew::lstm::{Dims, Plan};
use sinew::rng::Rng;

/// The worst relative error so far of each tensor.
#[derive(Default)]
struct Worst(Vec<(String, f64)>);

impl Worst {
    fn add(&mut self, name: &str, ours: &[f32], theirs: &[f32], case: &str) {
        let error = relative_error(ours, theirs);
        assert!(error <= LIMIT, "{name}: relative error {error:e} in {case}");
        match self.0.iter_mut().find(|(n, _)| n == name) {
            Some((_, worst)) => *worst = worst.max(error),
            None => self.0.push((name.into(), error)),
        }
    }

    fn all(&mut self, ours: &Results, theirs: &Results, case: &str) {
        for ((name, ours), (_, theirs)) in ours.named().into_iter().zip(theirs.named()) {
            self.add(name, ours, theirs, case);
        }
    }

    fn print(&self, engine: &str) {
        let each: Vec<_> = self.0.iter().map(|(n, e)| format!("{n} {e:.1e}")).collect();
        println!("{engine}: {}", each.join(", "));
    }
}

fn some_dims(rng: &mut Rng, hidden: usize) -> Dims {
    Dims {
        steps: 1 + rng.below(7),
        batch: 1 + rng.below(70),
        groups: 1 + rng.below(4),
        hidden: 1 + rng.below(hidden),
    }
}

/// Checks a quarter of the plans. Compiling for llvmpipe takes most of the time; four tests use several cores.
fn every_kernel_and_the_gradients(share: usize) {
    let mut rng = fresh(&format!("every_kernel_and_the_gradients_{share}"));
    for compute in &devices::own_devices() {
        let mut print = |line: &_| {
            println!("{} {line:?}", compute.name());
            Ok(())
        };
        let effort = Effort {
            shapes: 1,
            seed: rng.next_u64(),
            share: [share, 4],
        };
        let lines = check(compute, effort, &mut print).expect("nothing refuses a line");
        let wrong: Vec<_> = lines.iter().filter(|line| !line.ok).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}

#[test]
fn every_kernel_and_the_gradients_in_the_first_quarter() {
    every_kernel_and_the_gradients(0);
}

#[test]
fn every_kernel_and_the_gradients_in_the_second_quarter() {
    every_kernel_and_the_gradients(1);
}

#[test]
fn every_kernel_and_the_gradients_in_the_third_quarter() {
    every_kernel_and_the_gradients(2);
}

#[test]
fn every_kernel_and_the_gradients_in_the_fourth_quarter() {
    every_kernel_and_the_gradients(3);
}

/// More units than threads, and steps for several dispatches: 2.5e8 operations are one.
#[test]
fn many_units_in_several_dispatches() {
    let mut rng = fresh("many_units_in_several_dispatches");
    let dims = Dims {
        steps: 10,
        batch: 40,
        groups: 3,
        hidden: 257 + rng.below(64),
    };
    assert!(dims.flops() > 2.0 * 2.5e8);
    let problem = Problem::new(&mut rng, dims, [true; 3]);
    for plan in Plan::PLAIN {
        let problem = problem.clone().with_plan(plan);
        let theirs = problem.twins(3);
        for compute in devices::devices() {
            let mut worst = Worst::default();
            let ours = through_the_trait(&problem, &mut rng, &compute.device).expect("it runs");
            let case = format!("{} on {}", problem.describe(), compute.name());
            worst.all(&ours, &theirs, &case);
            worst.print(&format!(
                "{} {} H={}",
                compute.name(),
                plan.name(),
                dims.hidden
            ));
        }
    }
}

#[test]
fn cpu_engine_on_many_shapes() {
    let mut rng = fresh("cpu_engine_on_many_shapes");
    let mut worst = Worst::default();
    for round in 0..25 {
        for choice in option_choices() {
            let dims = some_dims(&mut rng, if round == 0 { 300 } else { 50 });
            let plan = Plan::PLAIN[round % 2];
            let problem = Problem::new(&mut rng, dims, choice).with_plan(plan);
            let theirs = problem.twins(1 + rng.below(dims.steps));
            worst.all(&through_the_engine(&problem), &theirs, &problem.describe());
        }
    }
    worst.print("cpu engine");
}
