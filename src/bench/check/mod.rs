//! Checks a device: every kernel against its CPU twin, and the gradients of the whole node against the CPU engine.
//!
//! Sizes, numbers and memory layouts are drawn at random, for every combination of peepholes, mask and lengths.

mod engines;
mod problem;

pub use engines::{through_autodiff, through_the_engine, through_the_trait};
pub use problem::{Problem, Results, option_choices};

use serde::Serialize;

use super::guarded;
use super::numerics::relative_error;
use crate::device::Compute;
use crate::error::Result;
use crate::lstm::testing::{ERROR_LIMIT, Path, path_error};
use crate::lstm::{Dims, GpuLimits, Plan, PlanKind, Precision, Products};
use crate::rng::Rng;

/// Largest relative error of a tensor in float32.
pub const LIMIT: f64 = 1e-4;

/// The same in half precision: the twin rounds where the kernel rounds, but a number close to halfway between two f16
/// numbers can be rounded to either.
pub const HALF_LIMIT: f64 = 4e-3;

/// Largest relative error of gradients in half precision compared with float32: weights, hidden states and gates are
/// rounded to eleven bits.
pub const HALF_GRADIENT_LIMIT: f64 = 2e-2;

/// The result of one check: one kernel, or the gradients of the node, with one combination of options.
#[derive(Debug, Clone, Serialize)]
pub struct CheckResult {
    /// `resident_forward`, `previous_hidden` (with the plan that it served), `resident gradients`, …
    pub what: String,
    /// The reference: `twin`, `cpu engine` or `f32`.
    pub against: &'static str,
    /// The options that were on, or `none`.
    pub options: String,
    /// Number of shapes.
    pub shapes: usize,
    /// Largest relative error of a tensor; `None` if a shape did not run.
    pub error: Option<f64>,
    /// The largest error that passes.
    pub limit: f64,
    /// Whether the check passed.
    pub ok: bool,
    /// The worst case (tensor, sizes, options), or why it did not run.
    pub case: String,
}

impl CheckResult {
    fn new(
        what: String,
        against: &'static str,
        [peephole, masked, lengths]: [bool; 3],
        limit: f64,
    ) -> Self {
        let names = [
            (peephole, "peephole"),
            (masked, "mask"),
            (lengths, "lengths"),
        ];
        let on: Vec<_> = names.iter().filter(|n| n.0).map(|n| n.1).collect();
        CheckResult {
            what,
            against,
            options: if on.is_empty() {
                "none".into()
            } else {
                on.join(" ")
            },
            shapes: 0,
            error: Some(0.0),
            limit,
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
        // Not `>`: an error of NaN fails.
        self.ok &= error <= self.limit;
    }

    fn fail(&mut self, why: &str) {
        self.error = None;
        self.ok = false;
        self.case = why.into();
    }
}

/// How much to check.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Shapes per combination of options.
    pub shapes: usize,
    /// Seed of the random numbers.
    pub seed: u64,
    /// Which share of the plans is tried, and of how many shares; the first of one is all of them.
    pub share: [usize; 2],
}

/// A plan in a number format.
struct Subject<'a> {
    compute: &'a Compute,
    plan: Plan,
    precision: Precision,
    products: Products,
    name: String,
}

impl Subject<'_> {
    /// Every plan with every tile, in each number format of the device; the CPU engine has one of each. Plans on matrix
    /// units run in f16 only.
    fn all(compute: &Compute) -> Vec<Subject<'_>> {
        let Some(adapter) = &compute.adapter else {
            return vec![Subject {
                compute,
                plan: Plan::default(),
                precision: Precision::F32,
                products: Products::F32,
                name: "cpu".into(),
            }];
        };
        let formats = if adapter.f16 {
            &Precision::ALL[..]
        } else {
            &Precision::ALL[..1]
        };
        let units = GpuLimits::from(adapter).matrix_units;
        let of = |precision: &Precision| {
            let precision = *precision;
            let on_units = precision == Precision::F16 && units.is_some();
            let there = move |plan: &Plan| plan.kind() != PlanKind::StepwiseUnits || on_units;
            Plan::each().filter(there).map(move |plan| Subject {
                compute,
                plan,
                precision,
                products: match (plan.kind(), units) {
                    (PlanKind::StepwiseUnits, Some(units)) => Products::MatrixUnits(units),
                    _ => Products::F32,
                },
                name: match precision {
                    Precision::F32 => plan.name().into(),
                    Precision::F16 => format!("{} f16", plan.name()),
                },
            })
        };
        formats.iter().flat_map(of).collect()
    }

    /// The combinations of options to check. Options, tiles and formats are independent in the kernels: the first tile of
    /// each kind gets every combination, the others every second one, and half precision all options or none.
    fn choices(&self) -> impl Iterator<Item = [bool; 3]> {
        let half = self.precision == Precision::F16;
        let mut of_kind = Plan::each().filter(|plan| plan.kind() == self.plan.kind());
        let tile = of_kind.position(|plan| plan == self.plan).unwrap_or(0);
        let all = option_choices().enumerate();
        all.filter(move |(n, choice)| {
            if half {
                return choice.iter().all(|on| *on == choice[0]);
            }
            tile == 0 || (n + tile).is_multiple_of(2)
        })
        .map(|(_, choice)| choice)
    }

    fn supports(&self, dims: Dims) -> bool {
        let adapter = self.compute.adapter.as_ref();
        adapter.is_none_or(|adapter| {
            let limits = GpuLimits::from(adapter);
            self.plan.supports(&limits, dims, self.precision).is_ok()
        })
    }
}

/// Checks every plan of a device, or the CPU engine, and calls `report` with each result.
///
/// # Errors
/// The error of `report`. A kernel that does not run is a failed check, and the others continue.
pub fn check(
    compute: &Compute,
    effort: Effort,
    report: &mut dyn FnMut(&CheckResult) -> Result<()>,
) -> Result<Vec<CheckResult>> {
    let mut rng = Rng::new(effort.seed, &[]);
    let mut lines = Vec::new();
    let [share, of] = effort.share;
    for subject in Subject::all(compute).into_iter().skip(share).step_by(of) {
        for choice in subject.choices() {
            let of_kernels = kernels(&subject, choice, effort.shapes, &mut rng);
            let of_node = gradients(&subject, choice, effort.shapes, &mut rng);
            for line in of_kernels.into_iter().chain([of_node]) {
                report(&line)?;
                lines.push(line);
            }
        }
    }
    if share == 0
        && let Some(line) = products(compute)
    {
        report(&line)?;
        lines.push(line);
    }
    Ok(lines)
}

/// Checks the dense products on an adapter's matrix units, in every layout that a layer needs.
fn products(compute: &Compute) -> Option<CheckResult> {
    let limits = GpuLimits::from(compute.adapter.as_ref()?);
    let path = Path::Product(limits.matrix_units?);
    let mut line = CheckResult::new("product_units f16".into(), "f32", [false; 3], ERROR_LIMIT);
    line.shapes = 9;
    match guarded(|| Ok(path_error(&compute.device, path))) {
        Ok(Ok(error)) => {
            line.error = Some(error);
            line.ok = error <= ERROR_LIMIT;
        }
        Ok(Err(why)) => line.fail(&why),
        Err(why) => line.fail(&why.to_string()),
    }
    Some(line)
}

/// Shown in place of the result of another plan.
const NOT_ITSELF: &str = "the device does not run this plan, and another would take its place";

/// A random problem for shape number `shape`. Of three shapes in turn, the first has odd numbers of rows and units, which
/// no tile divides, and the third has more units than a workgroup has threads.
fn some_problem(rng: &mut Rng, shape: usize, choice: [bool; 3], subject: &Subject) -> Problem {
    let (odd, many) = (usize::from(shape.is_multiple_of(3)), shape % 3 == 2);
    let mut dims = Dims {
        steps: 1 + rng.below(if many { 3 } else { 7 }),
        batch: (1 + rng.below(if many { 20 } else { 70 })) | odd,
        groups: 1 + rng.below(4),
        hidden: if many {
            257 + rng.below(64)
        } else {
            (1 + rng.below(70)) | odd
        },
    };
    while !subject.supports(dims) && dims.hidden > 1 {
        dims.hidden = (dims.hidden / 2) | odd;
    }
    let problem = Problem::new(rng, dims, choice).with_plan(subject.plan);
    let problem = problem.with_precision(subject.precision);
    let mut problem = problem.with_products(subject.products);
    // Both directions occur, whatever was drawn.
    problem.spec.reverse[0] = choice[0] ^ choice[2];
    problem
}

/// Checks the forward kernel, `previous_hidden` and the backward kernel of a plan against the twins.
fn kernels(subject: &Subject, choice: [bool; 3], shapes: usize, rng: &mut Rng) -> [CheckResult; 3] {
    let name = &subject.name;
    let limit = match subject.precision {
        Precision::F32 => LIMIT,
        Precision::F16 => HALF_LIMIT,
    };
    let mut lines = [
        format!("{name}_forward"),
        format!("previous_hidden ({name})"),
        format!("{name}_backward"),
    ]
    .map(|what| CheckResult::new(what, "twin", choice, limit));
    for shape in 0..shapes {
        let problem = some_problem(rng, shape, choice, subject);
        let theirs = problem.twins(1 + rng.below(problem.dims.steps));
        for line in &mut lines {
            line.shapes += 1;
            if !subject.supports(problem.dims) {
                line.fail(NOT_ITSELF);
            }
        }
        match guarded(|| through_the_trait(&problem, rng, &subject.compute.device)) {
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

/// Checks the gradients of the node's inputs on a device against the CPU engine; on the CPU engine, against the twins.
fn gradients(subject: &Subject, choice: [bool; 3], shapes: usize, rng: &mut Rng) -> CheckResult {
    let cpu = subject.compute.adapter.is_none();
    let limit = match subject.precision {
        Precision::F32 => LIMIT,
        Precision::F16 => HALF_GRADIENT_LIMIT,
    };
    let against = if cpu { "twin" } else { "cpu engine" };
    let mut line = CheckResult::new(
        format!("gradients ({})", subject.name),
        against,
        choice,
        limit,
    );
    for shape in 0..shapes {
        let problem = some_problem(rng, shape, choice, subject);
        line.shapes += 1;
        if !subject.supports(problem.dims) {
            line.fail(NOT_ITSELF);
        }
        let both = guarded(|| {
            let theirs = if cpu {
                problem.gradients(&problem.twins(usize::MAX))
            } else {
                through_autodiff(&problem, rng, &Compute::cpu("reference").device)?
            };
            Ok((
                through_autodiff(&problem, rng, &subject.compute.device)?,
                theirs,
            ))
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
