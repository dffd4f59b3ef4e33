//! LSTM layers, ours with every plan beside Burn's own, on the same device with the same weights.

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
    /// Timed passes a row.
    pub runs: usize,
    /// Time for all of it; what does not fit in is left out.
    pub time: Option<Duration>,
    /// `sinew` or `burn` where one of them alone is wanted.
    pub only: Option<String>,
}

/// One measured layer.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// `sinew` or `burn`.
    pub name: &'static str,
    /// The kernels' plan; `cpu` for the CPU engine, `steps` for Burn's layer.
    pub plan: String,
    /// The plan with the tile that its rule takes for this layer, as `--plan` names it; none but for the kernels.
    pub tile: Option<&'static str>,
    /// The layer; `batch` is the LSTM's rows.
    #[serde(flatten)]
    pub shape: Shape,
    /// Numbers of an input step, the mean over the layers.
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
    /// Billions of operations a second of all products of both passes over their device time.
    pub gflops: f64,
    /// The least milliseconds of both passes on this device; see [`floor`].
    pub floor_ms: f64,
    /// The floor over the time of both passes: 1 is as fast as can be.
    pub of_floor: f64,
    /// Largest relative error of outputs and gradients in the rows that were compared.
    pub max_error: f64,
    /// Whether that is within the format's limit: 1e-4 in f32, 1e-2 in f16.
    pub ok: bool,
    /// What they were compared with.
    pub reference: &'static str,
    /// Rows of the batch that were compared: all of them, or as many as the reference bears.
    pub reference_rows: usize,
}

/// A layer that was not measured.
#[derive(Debug, Clone, Serialize)]
pub struct LeftOut {
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

/// Everything measured on a device.
#[derive(Debug, Clone, Serialize)]
pub struct Table {
    /// Where it was measured.
    #[serde(flatten)]
    pub machine: Machine,
    /// What the device can do.
    #[serde(flatten)]
    pub peak: Peak,
    /// The layers.
    pub rows: Vec<Row>,
    /// The layers that could not be measured.
    pub left_out: Vec<LeftOut>,
}

/// What is known as it happens.
#[derive(Debug)]
pub enum Event<'a> {
    /// What the device can do.
    Peak(&'a Peak),
    /// A row is measured.
    Row(&'a Row),
    /// A row is not.
    LeftOut(&'a LeftOut),
}

/// The largest relative error of a layer that is right.
fn limit(precision: Precision) -> f64 {
    match precision {
        Precision::F32 => check::LIMIT,
        Precision::F16 => ERROR_LIMIT,
    }
}

/// Operations of both passes that the reference may take.
const REFERENCE: u64 = 12_000_000_000;

/// A kind of layer to measure: its name, plan and number format, and how it is made.
struct Candidate {
    name: &'static str,
    plan: String,
    precision: Precision,
    /// Ours on the device; none for Burn's.
    ours: Option<Context>,
    /// Why it is not measured on this device.
    off: Option<String>,
}

/// Every plan in each number format that the device has, its tiles by rule; then Burn's layer.
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
                // The self-test fell back to f32, which has a row of its own.
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

/// Measures every layer on a device. `say` hears each row when it is done. A row that cannot run is left out with its
/// reason, and the others go on.
///
/// # Errors
/// What `say` returns; [`crate::Error::Device`] where not even the device's own rates can be measured.
pub fn measure(
    compute: &Compute,
    options: &Options,
    say: &mut dyn FnMut(Event<'_>) -> Result<()>,
) -> Result<Table> {
    let end = options.time.map(|time| Instant::now() + time);
    let peak = guarded(|| Peak::measure(compute))?;
    say(Event::Peak(&peak))?;
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
                Ok(Outcome::Row(row)) => {
                    say(Event::Row(&row))?;
                    rows.push(*row);
                }
                other => {
                    let reason = match other {
                        Ok(Outcome::LeftOut(reason)) => reason,
                        Ok(Outcome::Row(_)) => continue,
                        Err(error) => error.to_string(),
                    };
                    let left = LeftOut {
                        name: candidate.name,
                        plan: candidate.plan,
                        dtype: candidate.precision.name(),
                        shape: shape.clone(),
                        reason,
                    };
                    say(Event::LeftOut(&left))?;
                    left_out.push(left);
                }
            }
            // The pages of one layer would take the room of the next.
            compute.device.memory_cleanup();
        }
    }
    Ok(Table {
        machine: Machine::of(compute),
        peak,
        rows,
        left_out,
    })
}

enum Outcome {
    Row(Box<Row>),
    LeftOut(String),
}

/// One shape on a device.
struct Bench<'a> {
    compute: &'a Compute,
    shape: &'a Shape,
    peak: &'a Peak,
    runs: usize,
    end: Option<Instant>,
    /// Inputs, the compared rows, and what Burn's layer on the CPU makes of those.
    prepared: Option<Prepared>,
}

struct Prepared {
    inputs: Inputs,
    rows: Vec<usize>,
    expected: Vec<Vec<f32>>,
}

impl Bench<'_> {
    /// Time that is left; none without an end.
    fn left(&self) -> Option<Duration> {
        self.end
            .map(|end| end.saturating_duration_since(Instant::now()))
    }

    /// The plan of our layer with its tile, or why the device does not run it; none on the CPU engine and for Burn's
    /// layer.
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
            return Ok(Outcome::LeftOut("the time was up".into()));
        }
        let tile = match (&candidate.off, self.plan(candidate.ours)) {
            (Some(reason), _) => return Ok(Outcome::LeftOut(reason.clone())),
            (None, Some(Err(why))) => return Ok(Outcome::LeftOut(why.to_string())),
            (None, Some(Ok(plan))) => Some(plan.name()),
            (None, None) => None,
        };
        if let Some(reason) = memory::unfit(self.compute, self.shape, candidate.ours) {
            return Ok(Outcome::LeftOut(reason));
        }
        let device = self.compute.device.clone().autodiff();
        if self.prepared.is_none() {
            self.prepared = Some(prepare(self.shape, &device)?);
        }
        let Some(prepared) = &self.prepared else {
            return Ok(Outcome::LeftOut("its inputs could not be made".into()));
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
        Ok(Outcome::Row(Box::new(Row {
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

/// Inputs on the device, and the reference's results for as many rows, spread over the batch, as it bears.
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
