//! One LSTM layer, ours beside Burn's own, on the same device with the same weights.

use crate::device::Compute;
use crate::error::{Error, Result};
use crate::lstm::{Context, Layer, LayerConfig, Plan};
use crate::model::read;
use crate::rng::Rng;
use burn::module::Param;
use burn::nn::{GateController, Linear, Lstm, LstmConfig};
use burn::tensor::{Device, Tensor, TensorData};
use serde::Serialize;
use std::time::Instant;

/// The layer that is measured: one direction, zero initial state.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Shape {
    /// B, rows.
    pub batch: usize,
    /// T, time steps.
    pub steps: usize,
    /// I, numbers of an input step.
    pub input: usize,
    /// H, hidden units.
    pub hidden: usize,
}

/// One measured layer.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// `sinew` or `burn`.
    pub name: &'static str,
    /// The kernels' plan.
    pub plan: String,
    /// The layer.
    #[serde(flatten)]
    pub shape: Shape,
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
    /// Operations of all products of both passes over their device time.
    pub gflops: f64,
    /// Largest relative error of outputs and gradients against Burn's layer on the CPU.
    pub max_error: f64,
}

/// Everything measured on a device.
#[derive(Debug, Clone, Serialize)]
pub struct Table {
    /// The device.
    pub device: String,
    /// Its driver.
    pub driver: String,
    /// Its interface.
    pub backend: String,
    /// The layers.
    pub rows: Vec<Row>,
}

/// Either layer.
enum Subject {
    Ours(Layer, Context),
    Burns(Box<Lstm>),
}

/// Device or wall milliseconds of some passes.
struct Times {
    forward: Vec<f64>,
    backward: Vec<f64>,
    wall: Vec<f64>,
}

impl Subject {
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        match self {
            Subject::Ours(layer, context) => layer.forward(x, *context),
            Subject::Burns(lstm) => lstm.forward(x.swap_dims(0, 1), None).0.swap_dims(0, 1),
        }
    }
}

/// The same layer twice, the weights of ours copied into Burn's.
fn subjects(shape: Shape, device: &Device, context: Context) -> Result<[Subject; 2]> {
    let config = LayerConfig {
        input: shape.input,
        hidden: shape.hidden,
        bidirectional: false,
        peephole: false,
    };
    let ours = config.init(&mut Rng::new(1, &[]), device);
    let mut burns = LstmConfig::new(shape.input, shape.hidden, true).init(device);
    let direction = &ours.directions[0];
    let hidden = shape.hidden;
    let rows = |weight: &Tensor<2>, gate: usize| weight.clone().narrow(0, gate * hidden, hidden);
    let part = |bias: &Tensor<1>, gate: usize| bias.clone().narrow(0, gate * hidden, hidden);
    let (w_ih, w_hh) = (direction.weight_ih.val(), direction.weight_hh.val());
    let (b_ih, b_hh) = (direction.bias_ih.val(), direction.bias_hh.val());
    let gates = [
        Some(&mut burns.input_gate),
        burns.forget_gate.as_mut(),
        Some(&mut burns.cell_gate),
        Some(&mut burns.output_gate),
    ];
    for (n, gate) in gates.into_iter().enumerate() {
        let Some(gate) = gate else { continue };
        let set = |to: &mut Linear, weight: Tensor<2>, bias: Tensor<1>| -> Result<()> {
            let device = weight.device();
            let dims = weight.dims();
            let (weight, bias) = (read(weight)?, read(bias)?);
            let weight = TensorData::new(weight, dims);
            let count = bias.len();
            to.weight = Param::from_tensor(Tensor::<2>::from_data(weight, &device).transpose());
            let bias = Tensor::from_data(TensorData::new(bias, [count]), &device);
            to.bias = Some(Param::from_tensor(bias));
            Ok(())
        };
        set(&mut gate.input_transform, rows(&w_ih, n), part(&b_ih, n))?;
        set(&mut gate.hidden_transform, rows(&w_hh, n), part(&b_hh, n))?;
    }
    Ok([
        Subject::Ours(ours, context),
        Subject::Burns(Box::new(burns)),
    ])
}

fn draw<const D: usize>(dims: [usize; D], seed: u64, device: &Device) -> Tensor<D> {
    let mut rng = Rng::new(seed, &[]);
    let values: Vec<f32> = (0..dims.iter().product())
        .map(|_| rng.range(-1.0, 1.0))
        .collect();
    Tensor::from_data(TensorData::new(values, dims), device)
}

/// Outputs, and the gradients of inputs and of both weights, for a fixed weighting of the outputs.
fn results(subject: &Subject, shape: Shape, device: &Device) -> Result<[Vec<f32>; 4]> {
    let x = draw([shape.steps, shape.batch, shape.input], 2, device).require_grad();
    let weighting = draw([shape.steps, shape.batch, shape.hidden], 3, device);
    let out = subject.forward(x.clone());
    let grads = (out.clone() * weighting).sum().backward();
    let missing = || Error::failed("the layer gave no gradient", "report this defect");
    let gradient = |tensor: Tensor<2>| tensor.grad(&grads).ok_or_else(missing);
    let [w_ih, w_hh] = match subject {
        Subject::Ours(layer, _) => {
            let direction = &layer.directions[0];
            let of = |weight: &Param<Tensor<2>>| read(gradient(weight.val())?);
            [of(&direction.weight_ih)?, of(&direction.weight_hh)?]
        }
        Subject::Burns(lstm) => {
            // PyTorch's order and shape, as ours.
            let of = |part: fn(&GateController) -> &Linear| -> Result<Vec<f32>> {
                let each = gates(lstm).map(|gate| gradient(part(gate).weight.val()));
                let each = each.into_iter().collect::<Result<Vec<_>>>()?;
                let each = each.into_iter().map(Tensor::transpose).collect();
                read(Tensor::cat(each, 0))
            };
            [of(|g| &g.input_transform)?, of(|g| &g.hidden_transform)?]
        }
    };
    let of_x = x.grad(&grads).ok_or_else(missing)?;
    Ok([read(out)?, read(of_x)?, w_ih, w_hh])
}

/// The gates of Burn's layer in the order i, f, g, o.
fn gates(lstm: &Lstm) -> [&GateController; 4] {
    let forget = lstm.forget_gate.as_ref().unwrap_or(&lstm.input_gate);
    [&lstm.input_gate, forget, &lstm.cell_gate, &lstm.output_gate]
}

fn relative_error(a: &[f32], b: &[f32]) -> f64 {
    let largest = b.iter().fold(0.0f64, |m, x| m.max(f64::from(x.abs())));
    let worst = a.iter().zip(b).fold(0.0f64, |m, (x, y)| {
        let d = f64::from((x - y).abs());
        // The maximum would pass over what is no number.
        if d.is_nan() { f64::INFINITY } else { m.max(d) }
    });
    worst / largest.max(f64::MIN_POSITIVE)
}

fn failed(e: impl std::fmt::Display) -> Error {
    Error::device(format!("the device failed: {e}"), "try a smaller shape")
}

/// Milliseconds on the device's own clock; wall time where it has none, as on the CPU.
fn timed<T: Send + 'static>(device: &Device, work: impl FnOnce() -> T + Send) -> Result<(T, f64)> {
    device.sync().map_err(failed)?;
    let (value, duration) = device.profile(work).map_err(failed)?;
    device.sync().map_err(failed)?;
    let ticks = pollster::block_on(duration.resolve());
    let seconds = ticks.map_or(0.0, |ticks| ticks.duration().as_secs_f64());
    Ok((value, seconds * 1e3))
}

fn time(subject: &Subject, shape: Shape, runs: usize, device: &Device) -> Result<Times> {
    let x = draw([shape.steps, shape.batch, shape.input], 2, device).require_grad();
    let weighting = draw([shape.steps, shape.batch, shape.hidden], 3, device);
    let mut times = Times {
        forward: Vec::new(),
        backward: Vec::new(),
        wall: Vec::new(),
    };
    // The first pass compiles kernels and is thrown away.
    for run in 0..=runs {
        let started = Instant::now();
        let (out, forward) = timed(device, || subject.forward(x.clone()))?;
        let loss = (out * weighting.clone()).sum();
        device.sync().map_err(failed)?;
        let (grads, backward) = timed(device, || loss.backward())?;
        if run > 0 {
            times.forward.push(forward);
            times.backward.push(backward);
            times.wall.push(started.elapsed().as_secs_f64() * 1e3);
        }
        drop(grads);
    }
    Ok(times)
}

/// The `share` quantile of some numbers.
fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}

/// Measures both layers on a device, ours with every plan that it has there.
///
/// # Errors
/// [`Error::Device`] where the device fails, [`Error::Usage`] for a layer without extent.
pub fn measure(compute: &Compute, shape: Shape, runs: usize) -> Result<Table> {
    if [shape.batch, shape.steps, shape.input, shape.hidden].contains(&0) {
        return Err(Error::usage(
            "a layer of size 0 does nothing",
            "give at least 1 for each size",
        ));
    }
    let device = compute.device.clone().autodiff();
    let cpu = Compute::cpu("reference").device.autodiff();
    let [_, reference] = subjects(shape, &cpu, Context::default())?;
    let expected = results(&reference, shape, &cpu)?;
    let context = |plan| Context::on(compute, plan);
    let plans: Vec<(String, Context)> = if compute.adapter.is_some() {
        Plan::ALL
            .map(|plan| (plan.name().to_string(), context(plan)))
            .to_vec()
    } else {
        vec![("cpu".into(), context(Plan::default()))]
    };
    let mut named = Vec::new();
    for (plan, context) in plans {
        let [ours, _] = subjects(shape, &device, context)?;
        named.push(("sinew", plan, ours));
    }
    let [_, burns] = subjects(shape, &device, Context::default())?;
    named.push(("burn", "steps".to_string(), burns));
    let mut rows = Vec::new();
    for (name, plan, subject) in named {
        let found = results(&subject, shape, &device)?;
        let errors = found
            .iter()
            .zip(&expected)
            .map(|(a, b)| relative_error(a, b));
        let times = time(&subject, shape, runs, &device)?;
        let (forward_ms, backward_ms) = (
            quantile(&times.forward, 0.5),
            quantile(&times.backward, 0.5),
        );
        // Two operations a weight and step forward, four backward.
        let weights = (shape.input + shape.hidden) * 4 * shape.hidden;
        let operations = 6.0 * (weights * shape.batch * shape.steps) as f64;
        rows.push(Row {
            name,
            plan,
            shape,
            groups: 1,
            dtype: "f32",
            forward_ms,
            forward_spread: [quantile(&times.forward, 0.1), quantile(&times.forward, 0.9)],
            backward_ms,
            backward_spread: [
                quantile(&times.backward, 0.1),
                quantile(&times.backward, 0.9),
            ],
            wall_ms: quantile(&times.wall, 0.5),
            gflops: operations / ((forward_ms + backward_ms) * 1e6),
            max_error: errors.fold(0.0, f64::max),
        });
    }
    Ok(Table {
        device: compute.name().to_string(),
        driver: compute.driver(),
        backend: compute.backend().to_string(),
        rows,
    })
}
