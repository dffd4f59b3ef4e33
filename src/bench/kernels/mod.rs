//! Times LSTM layers: ours with every plan, and Burn's own, on the same device with the same weights.

pub mod floor;
mod memory;
pub mod shapes;
mod subject;

use super::check;
use super::numerics::relative_error;
use super::times::Times;
use super::{Machine, guarded};
use crate::device::Compute;
use crate::error::Result;
use crate::lstm::testing::ERROR_LIMIT;
use crate::lstm::{Context, Dims, GpuLimits, Plan, Precision, Unsupported, self_test};
use floor::{Peak, operations};
use serde::Serialize;
use shapes::Shape;
use std::time::{Duration, Instant};
use subject::{Inputs, Subject};

/// What to measure.
#[derive(Debug, Clone)]
pub struct Options {
    /// The layers.
    pub shapes: Vec<Shape>,
    /// Timed passes per layer and plan.
    pub runs: usize,
    /// Time limit for everything; layers that do not fit in are skipped.
    pub time: Option<Duration>,
    /// `sinew` or `burn` to time only one of them.
    pub only: Option<String>,
}

/// The times of one layer with one plan.
#[derive(Debug, Clone, Serialize)]
pub struct LayerTimes {
    /// `sinew` or `burn`.
    pub name: &'static str,
    /// The kernels' plan; `cpu` for the CPU engine, `steps` for Burn's layer.
    pub plan: String,
    /// The plan with the tile chosen by rule for this layer, as `--plan` names it; `None` unless it ran in our kernels.
    pub tile: Option<&'static str>,
    /// The layer; `batch` is the LSTM's rows.
    #[serde(flatten)]
    pub shape: Shape,
    /// Input features per step, the mean over the layers.
    pub input: usize,
    /// Independent recurrences side by side.
    pub groups: usize,
    /// Number format.
    pub dtype: &'static str,
    /// Device time of a forward pass that keeps what the backward pass needs, median, milliseconds.
    pub forward_ms: f64,
    /// Tenth and ninetieth percentile.
    pub forward_spread: [f64; 2],
    /// Device time of the backward pass alone, median, milliseconds.
    pub backward_ms: f64,
    /// Tenth and ninetieth percentile.
    pub backward_spread: [f64; 2],
    /// Wall time of both passes, median, milliseconds.
    pub wall_ms: f64,
    /// Tenth and ninetieth percentile.
    pub wall_spread: [f64; 2],
    /// Timed passes.
    pub runs: usize,
    /// Billions of operations per second: the products of both passes over their device time.
    pub gflops: f64,
    /// Lower bound of both passes on this device, milliseconds; see [`floor`].
    pub floor_ms: f64,
    /// The lower bound over the time of both passes: 1 is the best possible.
    pub of_floor: f64,
    /// Largest relative error of outputs and gradients in the compared rows.
    pub max_error: f64,
    /// Whether that is within the format's limit: 1e-4 in f32, 1e-2 in f16.
    pub ok: bool,
    /// What they were compared with.
    pub reference: &'static str,
    /// Rows of the batch that were compared: all, or as many as the reference can compute in reasonable time.
    pub reference_rows: usize,
}

/// A layer that was skipped.
#[derive(Debug, Clone, Serialize)]
pub struct SkippedLayer {
    /// `sinew` or `burn`.
    pub name: &'static str,
    /// The kernels' plan.
    pub plan: String,
    /// Number format.
    pub dtype: &'static str,
    /// The layer.
    #[serde(flatten)]
    pub shape: Shape,
    /// Why.
    pub reason: String,
}

/// All measurements on a device.
#[derive(Debug, Clone, Serialize)]
pub struct KernelBench {
    /// Where it was measured.
    #[serde(flatten)]
    pub machine: Machine,
    /// The rates of the device.
    #[serde(flatten)]
    pub peak: Peak,
    /// The layers.
    pub rows: Vec<LayerTimes>,
    /// The skipped layers.
    pub left_out: Vec<SkippedLayer>,
}

/// Progress of the measurements.
#[derive(Debug)]
pub enum Event<'a> {
    /// The rates of the device.
    Peak(&'a Peak),
    /// A layer is measured.
    Layer(&'a LayerTimes),
    /// A layer is skipped.
    Skipped(&'a SkippedLayer),
}

/// The largest relative error that passes.
fn limit(precision: Precision) -> f64 {
    match precision {
        Precision::F32 => check::LIMIT,
        Precision::F16 => ERROR_LIMIT,
    }
}

/// Operations of both passes that the reference may compute.
const REFERENCE: u64 = 12_000_000_000;

/// A layer to measure: its name, plan and number format.
struct Candidate {
    name: &'static str,
    plan: String,
    precision: Precision,
    /// How ours is computed; `None` for Burn's.
    ours: Option<Context>,
    /// Why it is skipped on this device.
    off: Option<String>,
}

/// Every plan in each number format of the device, with tiles by rule; then Burn's layer.
fn candidates(compute: &Compute) -> Vec<Candidate> {
    let mut all = Vec::new();
    let formats = match &compute.adapter {
        Some(adapter) if adapter.f16 => &[Precision::F32, Precision::F16][..],
        _ => &[Precision::F32],
    };
    let plans = match &compute.adapter {
        Some(_) => &Plan::PLAIN[..],
        None => &[Plan::default()],
    };
    let limits = compute.adapter.as_ref().map(GpuLimits::from);
    let units = limits.is_some_and(|limits| limits.matrix_units.is_some());
    for precision in formats {
        let half = *precision == Precision::F16;
        let on_units = (half && units).then_some(&Plan::STEPWISE_UNITS);
        for plan in plans.iter().chain(on_units) {
            let context = Context::on(compute, *plan);
            let (context, notes) = context.in_precision(*precision, compute);
            all.push(Candidate {
                name: "sinew",
                plan: match compute.adapter {
                    Some(_) => plan.name().to_string(),
                    None => "cpu".into(),
                },
                precision: *precision,
                ours: Some(context),
                // The self-test fell back to f32, which is measured anyway.
                off: (half && context.precision == Precision::F32).then(|| notes.join("; ")),
            });
        }
    }
    all.push(Candidate {
        name: "burn",
        plan: "steps".into(),
        precision: Precision::F32,
        ours: None,
        off: None,
    });
    all
}

/// Measures every layer on a device and reports progress. A layer that cannot run is skipped with its reason, and the
/// others continue.
///
/// # Errors
/// The error of `report`; [`crate::Error::Device`] if the rates of the device cannot be measured.
pub fn measure(
    compute: &Compute,
    options: &Options,
    report: &mut dyn FnMut(Event<'_>) -> Result<()>,
) -> Result<KernelBench> {
    let end = options.time.map(|time| Instant::now() + time);
    let peak = guarded(|| Peak::measure(compute))?;
    report(Event::Peak(&peak))?;
    let (mut rows, mut left_out) = (Vec::new(), Vec::new());
    for shape in &options.shapes {
        let mut bench = Bench {
            compute,
            shape,
            peak: &peak,
            runs: options.runs.max(1),
            end,
            prepared: None,
        };
        let wanted = |c: &Candidate| options.only.as_ref().is_none_or(|name| name == c.name);
        for candidate in candidates(compute).into_iter().filter(wanted) {
            match guarded(|| bench.row(&candidate)) {
                Ok(Outcome::Measured(row)) => {
                    report(Event::Layer(&row))?;
                    rows.push(*row);
                }
                other => {
                    let reason = match other {
                        Ok(Outcome::Skipped(reason)) => reason,
                        Ok(Outcome::Measured(_)) => continue,
                        Err(error) => error.to_string(),
                    };
                    let left = SkippedLayer {
                        name: candidate.name,
                        plan: candidate.plan,
                        dtype: candidate.precision.name(),
                        shape: shape.clone(),
                        reason,
                    };
                    report(Event::Skipped(&left))?;
                    left_out.push(left);
                }
            }
            // Free the memory of this layer for the next one.
            compute.device.memory_cleanup();
        }
    }
    Ok(KernelBench {
        machine: Machine::of(compute),
        peak,
        rows,
        left_out,
    })
}

enum Outcome {
    Measured(Box<LayerTimes>),
    Skipped(String),
}

/// One shape on a device.
struct Bench<'a> {
    compute: &'a Compute,
    shape: &'a Shape,
    peak: &'a Peak,
    runs: usize,
    end: Option<Instant>,
    /// Inputs, the compared rows, and the results of Burn's layer on the CPU for them.
    prepared: Option<Prepared>,
}

struct Prepared {
    inputs: Inputs,
    rows: Vec<usize>,
    expected: Vec<Vec<f32>>,
}

impl Bench<'_> {
    /// Remaining time; `None` without a limit.
    fn left(&self) -> Option<Duration> {
        self.end
            .map(|end| end.saturating_duration_since(Instant::now()))
    }

    /// The plan of our layer with its tile, or why the device cannot run it; `None` on the CPU engine and for Burn's layer.
    fn plan(&self, ours: Option<Context>) -> Option<std::result::Result<Plan, Unsupported>> {
        let (adapter, context) = (self.compute.adapter.as_ref()?, ours?);
        let dims = Dims {
            steps: self.shape.steps,
            batch: self.shape.batch,
            groups: self.shape.groups(),
            hidden: self.shape.hidden,
        };
        let limits = self_test(self.compute, context.precision).limits(adapter.into());
        let plan = context.plan.of(dims.hidden);
        Some(plan.supports(&limits, dims, context.precision))
    }

    fn row(&mut self, candidate: &Candidate) -> Result<Outcome> {
        if self.left().is_some_and(|left| left.is_zero()) {
            return Ok(Outcome::Skipped("the time was up".into()));
        }
        let tile = match (&candidate.off, self.plan(candidate.ours)) {
            (Some(reason), _) => return Ok(Outcome::Skipped(reason.clone())),
            (None, Some(Err(why))) => return Ok(Outcome::Skipped(why.to_string())),
            (None, Some(Ok(plan))) => Some(plan.name()),
            (None, None) => None,
        };
        if let Some(reason) = memory::unfit(self.compute, self.shape, candidate.ours) {
            return Ok(Outcome::Skipped(reason));
        }
        let device = self.compute.device.clone().autodiff();
        if self.prepared.is_none() {
            self.prepared = Some(prepare(self.shape, &device)?);
        }
        let Some(prepared) = &self.prepared else {
            return Ok(Outcome::Skipped("its inputs could not be made".into()));
        };
        let subject = match candidate.ours {
            Some(context) => Subject::ours(self.shape, &device, context),
            None => Subject::burns(self.shape, &device)?,
        };
        let found = subject.results(&prepared.inputs, &prepared.rows)?;
        let errors = found.iter().zip(&prepared.expected);
        let max_error = errors
            .map(|(a, b)| relative_error(a, b))
            .fold(0.0, f64::max);
        let passes = subject.time(&prepared.inputs, self.runs, self.left(), self.compute)?;
        let times = |values: &[f64]| Times::of(values);
        let (ahead, back) = (times(&passes.forward), times(&passes.backward));
        let wall = times(&passes.wall);
        let both = ahead.median + back.median;
        let operations = operations(self.shape);
        let floor_ms = self.peak.floor_ms(self.shape, candidate.precision);
        Ok(Outcome::Measured(Box::new(LayerTimes {
            name: candidate.name,
            plan: candidate.plan.clone(),
            tile,
            shape: self.shape.clone(),
            input: self.shape.input(),
            groups: self.shape.groups(),
            dtype: candidate.precision.name(),
            forward_ms: ahead.median,
            forward_spread: ahead.spread,
            backward_ms: back.median,
            backward_spread: back.spread,
            wall_ms: wall.median,
            wall_spread: wall.spread,
            runs: passes.wall.len(),
            gflops: operations as f64 / (both * 1e6),
            floor_ms,
            of_floor: floor_ms / both,
            max_error,
            ok: max_error <= limit(candidate.precision),
            reference: "burn's layer on the cpu",
            reference_rows: prepared.rows.len(),
        })))
    }
}

/// Inputs on the device, and the reference's results for some rows, spread over the batch.
fn prepare(shape: &Shape, device: &burn::tensor::Device) -> Result<Prepared> {
    let a_row = (operations(shape) / shape.batch as u64).max(1);
    let count = ((REFERENCE / a_row) as usize).clamp(1, shape.batch);
    let last = count.max(2) - 1;
    let rows: Vec<usize> = (0..count).map(|n| n * (shape.batch - 1) / last).collect();
    let inputs = Inputs::draw(shape, device);
    let cpu = Compute::cpu("reference").device.autodiff();
    let all: Vec<usize> = (0..count).collect();
    let some = inputs.of_rows(&rows, &cpu)?;
    let expected = Subject::burns(shape, &cpu)?.results(&some, &all)?;
    Ok(Prepared {
        inputs,
        rows,
        expected,
    })
}
