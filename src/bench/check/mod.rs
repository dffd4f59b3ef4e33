//! Is a device right: every kernel beside its CPU twin, and the gradients of the whole node beside the CPU engine's.
//!
//! Fresh sizes, numbers and memory layouts each time, every choice of peepholes, mask and lengths.

mod engines;
mod problem;

pub use engines::{through_autodiff, through_the_engine, through_the_trait};
pub use problem::{Problem, Results, option_choices};

use serde::Serialize;

use super::guarded;
use super::numerics::relative_error;
use crate::device::Compute;
use crate::error::Result;
use crate::lstm::{Dims, Plan};
use crate::rng::Rng;

/// Largest relative error of a tensor in float32.
pub const LIMIT: f64 = 1e-4;

/// What one kernel, or the node's gradients, gave with one choice of options.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// `resident_forward`, `previous_hidden` (with the plan that it served), `resident gradients`, …
    pub what: String,
    /// What it is compared with: `twin` or `cpu engine`.
    pub against: &'static str,
    /// The options that were on.
    pub options: String,
    /// Shapes tried.
    pub shapes: usize,
    /// Largest relative error of a tensor; none where a shape did not run.
    pub error: Option<f64>,
    /// The largest that is right.
    pub limit: f64,
    /// Whether it is right.
    pub ok: bool,
    /// The worst case: tensor, sizes, options; or why it did not run.
    pub case: String,
}

impl Line {
    fn new(what: String, against: &'static str, [peephole, masked, lengths]: [bool; 3]) -> Self {
        let names = [
            (peephole, "peephole"),
            (masked, "mask"),
            (lengths, "lengths"),
        ];
        let on: Vec<_> = names.iter().filter(|n| n.0).map(|n| n.1).collect();
        Line {
            what,
            against,
            options: if on.is_empty() {
                "none".into()
            } else {
                on.join(" ")
            },
            shapes: 0,
            error: Some(0.0),
            limit: LIMIT,
            ok: true,
            case: String::new(),
        }
    }

    fn count(&mut self, tensor: &str, ours: &[f32], theirs: &[f32], problem: &Problem) {
        let error = relative_error(ours, theirs);
        let Some(worst) = self.error else { return };
        if error > worst || self.case.is_empty() {
            self.error = Some(error);
            self.case = format!("{tensor} of {}", problem.describe());
        }
        // Not `>`: an error that is no number is wrong.
        self.ok &= error <= self.limit;
    }

    fn fail(&mut self, why: &str) {
        self.error = None;
        self.ok = false;
        self.case = why.into();
    }
}

/// How much is tried.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Shapes for each choice of options.
    pub shapes: usize,
    /// Where the fresh numbers start.
    pub seed: u64,
}

/// Checks every plan of a device, or the CPU engine. `say` hears each line as it is known.
///
/// # Errors
/// What `say` returns. A kernel that fails to run is a wrong line, and the others go on.
pub fn check(
    compute: &Compute,
    effort: Effort,
    say: &mut dyn FnMut(&Line) -> Result<()>,
) -> Result<Vec<Line>> {
    let mut rng = Rng::new(effort.seed, &[]);
    let mut lines = Vec::new();
    let plans = if compute.adapter.is_some() {
        &Plan::ALL[..]
    } else {
        &Plan::ALL[..1]
    };
    for &plan in plans {
        let name = compute.adapter.as_ref().map_or("cpu", |_| plan.name());
        for choice in option_choices() {
            for line in kernels(compute, (plan, name), choice, effort.shapes, &mut rng)
                .into_iter()
                .chain([gradients(
                    compute,
                    (plan, name),
                    choice,
                    effort.shapes,
                    &mut rng,
                )])
            {
                say(&line)?;
                lines.push(line);
            }
        }
    }
    Ok(lines)
}

/// A problem for shape number `shape`: odd rows and units, which no tile divides, then any, and in every third one
/// more units than a workgroup has threads.
fn some_problem(rng: &mut Rng, shape: usize, choice: [bool; 3], plan: Plan) -> Problem {
    let (odd, many) = (usize::from(shape.is_multiple_of(3)), shape % 3 == 2);
    let dims = Dims {
        steps: 1 + rng.below(if many { 3 } else { 7 }),
        batch: (1 + rng.below(if many { 20 } else { 70 })) | odd,
        groups: 1 + rng.below(4),
        hidden: if many {
            257 + rng.below(64)
        } else {
            (1 + rng.below(70)) | odd
        },
    };
    let mut problem = Problem::new(rng, dims, choice).with_plan(plan);
    // Both directions, whatever was drawn.
    problem.spec.reverse[0] = choice[0] ^ choice[2];
    problem
}

/// Forward kernel, `previous_hidden` and backward kernel of a plan beside the twins.
fn kernels(
    compute: &Compute,
    (plan, name): (Plan, &str),
    choice: [bool; 3],
    shapes: usize,
    rng: &mut Rng,
) -> [Line; 3] {
    let mut lines = [
        format!("{name}_forward"),
        format!("previous_hidden ({name})"),
        format!("{name}_backward"),
    ]
    .map(|what| Line::new(what, "twin", choice));
    for shape in 0..shapes {
        let problem = some_problem(rng, shape, choice, plan);
        let theirs = problem.twins(1 + rng.below(problem.dims.steps));
        for line in &mut lines {
            line.shapes += 1;
        }
        match guarded(|| through_the_trait(&problem, rng, &compute.device)) {
            Ok(ours) => {
                for ((tensor, ours), (_, theirs)) in ours.named().into_iter().zip(theirs.named()) {
                    let line = match tensor {
                        "previous" => 1,
                        "d_gates" | "d_state" => 2,
                        _ => 0,
                    };
                    lines[line].count(tensor, ours, theirs, &problem);
                }
            }
            Err(error) => {
                for line in &mut lines {
                    line.fail(&format!("{}: {error}", problem.describe()));
                }
            }
        }
    }
    lines
}

/// The gradients of the node's inputs on a device beside those on the CPU; on the CPU beside the twins'.
fn gradients(
    compute: &Compute,
    (plan, name): (Plan, &str),
    choice: [bool; 3],
    shapes: usize,
    rng: &mut Rng,
) -> Line {
    let cpu = compute.adapter.is_none();
    let against = if cpu { "twin" } else { "cpu engine" };
    let mut line = Line::new(format!("gradients ({name})"), against, choice);
    for shape in 0..shapes {
        let problem = some_problem(rng, shape, choice, plan);
        line.shapes += 1;
        let both = guarded(|| {
            let theirs = if cpu {
                problem.gradients(&problem.twins(usize::MAX))
            } else {
                through_autodiff(&problem, rng, &Compute::cpu("reference").device)?
            };
            Ok((through_autodiff(&problem, rng, &compute.device)?, theirs))
        });
        match both {
            Ok((ours, theirs)) => {
                for ((tensor, ours), (_, theirs)) in ours.iter().zip(&theirs) {
                    line.count(tensor, ours, theirs, &problem);
                }
            }
            Err(error) => line.fail(&format!("{}: {error}", problem.describe())),
        }
    }
    line
}
