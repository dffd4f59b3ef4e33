//! The same layers as ours and as Burn's: their results and their times.

use super::shapes::Shape;
use crate::bench::times::{failed, timed};
use crate::device::Compute;
use crate::error::{Error, Result};
use crate::lstm::{Context, Lstm as Layer, LstmConfig as Config, LstmDirection, side_by_side};
use crate::model::read_tensor as read;
use crate::rng::Rng;
use burn::module::Param;
use burn::nn::{GateController, Linear, Lstm, LstmConfig};
use burn::tensor::{Device, Distribution, Gradients, Int, Tensor, TensorData};
use std::time::{Duration, Instant};

/// The layers to time.
pub enum Subject {
    /// Ours, in one recurrence.
    Ours(Vec<Layer>, Context),
    /// Burn's own, one for each group, run one after the other.
    Burns(Vec<Lstm>),
}

/// Inputs of a shape on a device, and weights for its outputs: the weighted sum is differentiated.
pub struct Inputs {
    xs: Vec<Tensor<3>>,
    weighting: Tensor<3>,
}

/// Milliseconds of each timed pass.
pub struct Passes {
    /// Forward, device time.
    pub forward: Vec<f64>,
    /// Backward alone, device time.
    pub backward: Vec<f64>,
    /// Both, wall time.
    pub wall: Vec<f64>,
}

impl Inputs {
    /// Random numbers from −1 to 1, drawn on the device.
    pub fn draw(shape: &Shape, device: &Device) -> Self {
        let of = |width: usize| {
            let dims = [shape.steps, shape.batch, width];
            Tensor::<3>::random(dims, Distribution::Uniform(-1.0, 1.0), device)
        };
        Inputs {
            xs: shape.inputs.iter().map(|i| of(*i)).collect(),
            weighting: of(shape.groups() * shape.hidden),
        }
    }

    /// The numbers of some rows of the batch, on another device.
    pub fn of_rows(&self, rows: &[usize], device: &Device) -> Result<Self> {
        let to = |x: &Tensor<3>| -> Result<Tensor<3>> {
            let some = select(x.clone(), rows);
            let dims = some.dims();
            let data = TensorData::new(read(some)?, dims);
            Ok(Tensor::from_data(data, device))
        };
        Ok(Inputs {
            xs: self.xs.iter().map(to).collect::<Result<_>>()?,
            weighting: to(&self.weighting)?,
        })
    }

    fn tracked(&self) -> Vec<Tensor<3>> {
        self.xs.iter().map(|x| x.clone().require_grad()).collect()
    }
}

/// Some rows of [T, B, ..]; all of them without a copy.
fn select(x: Tensor<3>, rows: &[usize]) -> Tensor<3> {
    if rows.len() == x.dims()[1] {
        return x;
    }
    let indices: Vec<i64> = rows.iter().map(|row| *row as i64).collect();
    let data = TensorData::new(indices, [rows.len()]);
    let indices = Tensor::<1, Int>::from_data(data, &x.device());
    x.select(1, indices)
}

impl Subject {
    /// Our layers, with the same weights each time.
    pub fn ours(shape: &Shape, device: &Device, context: Context) -> Self {
        let mut rng = Rng::new(1, &[]);
        let of = |input: &usize| {
            Config::new(*input, shape.hidden)
                .with_bidirectional(shape.directions == 2)
                .init_with(device, |count, bound| rng.uniform(count, bound))
        };
        Subject::Ours(shape.inputs.iter().map(of).collect(), context)
    }

    /// Burn's layers with the weights of ours.
    ///
    /// # Errors
    /// [`Error::Device`] where the device fails.
    pub fn burns(shape: &Shape, device: &Device) -> Result<Self> {
        let Subject::Ours(ours, _) = Subject::ours(shape, device, Context::default()) else {
            return Ok(Subject::Burns(Vec::new()));
        };
        let mut all = Vec::new();
        for (layer, input) in ours.iter().zip(&shape.inputs) {
            for (number, direction) in layer.directions.iter().enumerate() {
                let config = LstmConfig::new(*input, shape.hidden, true)
                    .with_batch_first(false)
                    .with_reverse(number == 1);
                let mut lstm = config.init(device);
                copy(direction, &mut lstm)?;
                all.push(lstm);
            }
        }
        Ok(Subject::Burns(all))
    }

    /// Hidden states [T, B, G·H].
    fn forward(&self, xs: &[Tensor<3>]) -> Tensor<3> {
        match self {
            Subject::Ours(layers, context) => {
                let layers: Vec<_> = layers.iter().zip(xs.iter().cloned()).collect();
                side_by_side(&layers, None, None, None, *context)
            }
            Subject::Burns(lstms) => {
                let directions = lstms.len() / xs.len();
                let outs = lstms.iter().enumerate();
                let mut outs: Vec<_> = outs
                    .map(|(n, lstm)| lstm.forward(xs[n / directions].clone(), None).0)
                    .collect();
                if outs.len() == 1 {
                    outs.remove(0)
                } else {
                    Tensor::cat(outs, 2)
                }
            }
        }
    }

    /// Outputs and gradients of the inputs in some rows of the batch, and gradients of both weights of every group,
    /// where those rows alone are weighted: the same numbers as from a batch of nothing but these rows.
    ///
    /// # Errors
    /// [`Error::Device`] where the device fails.
    pub fn results(&self, inputs: &Inputs, rows: &[usize]) -> Result<Vec<Vec<f32>>> {
        let xs = inputs.tracked();
        let out = self.forward(&xs);
        let batch = out.dims()[1];
        let mut weighting = inputs.weighting.clone();
        if rows.len() < batch {
            let mut mask = vec![0.0f32; batch];
            rows.iter().for_each(|row| mask[*row] = 1.0);
            let mask = TensorData::new(mask, [1, batch, 1]);
            weighting = weighting.clone() * Tensor::from_data(mask, &weighting.device());
        }
        let grads = (out.clone() * weighting).sum().backward();
        let mut found = vec![read(select(out.detach(), rows))?];
        for x in &xs {
            found.push(read(select(x.grad(&grads).ok_or_else(missing)?, rows))?);
        }
        match self {
            Subject::Ours(layers, _) => {
                for direction in layers.iter().flat_map(|layer| &layer.directions) {
                    for weight in [&direction.weight_ih, &direction.weight_hh] {
                        found.push(read(gradient(weight, &grads)?)?);
                    }
                }
            }
            Subject::Burns(lstms) => {
                for lstm in lstms {
                    for part in [
                        |g: &GateController| g.input_transform.weight.clone(),
                        |g: &GateController| g.hidden_transform.weight.clone(),
                    ] {
                        let each = gates(lstm).map(|gate| gradient(&part(gate), &grads));
                        let each = each.into_iter().collect::<Result<Vec<_>>>()?;
                        // PyTorch's order and shape, as ours.
                        let each = each.into_iter().map(Tensor::transpose).collect();
                        found.push(read(Tensor::cat(each, 0))?);
                    }
                }
            }
        }
        Ok(found)
    }

    /// Times `runs` passes, or fewer if the time runs out; at least one.
    ///
    /// # Errors
    /// [`Error::Device`] where the device fails.
    pub fn time(
        &self,
        inputs: &Inputs,
        runs: usize,
        left: Option<Duration>,
        compute: &Compute,
    ) -> Result<Passes> {
        let xs = inputs.tracked();
        let device = &compute.device;
        let mut passes = Passes {
            forward: Vec::new(),
            backward: Vec::new(),
            wall: Vec::new(),
        };
        let begun = Instant::now();
        // The first pass compiles kernels and does not count.
        for run in 0..=runs {
            let started = Instant::now();
            let (out, forward) = timed(device, || self.forward(&xs))?;
            let loss = (out * inputs.weighting.clone()).sum();
            device.sync().map_err(failed)?;
            let (grads, backward) = timed(device, || loss.backward())?;
            let wall = started.elapsed().as_secs_f64() * 1e3;
            drop(grads);
            if run > 0 {
                passes.forward.push(forward);
                passes.backward.push(backward);
                passes.wall.push(wall);
            }
            let late = left.is_some_and(|left| begun.elapsed() + started.elapsed() > left);
            if run > 0 && late {
                break;
            }
        }
        Ok(passes)
    }
}

fn missing() -> Error {
    Error::failed("the layer gave no gradient", "report this defect")
}

fn gradient(weight: &Param<Tensor<2>>, grads: &Gradients) -> Result<Tensor<2>> {
    weight.val().grad(grads).ok_or_else(missing)
}

/// The gates of Burn's layer in the order i, f, g, o.
fn gates(lstm: &Lstm) -> [&GateController; 4] {
    let forget = lstm.forget_gate.as_ref().unwrap_or(&lstm.input_gate);
    [&lstm.input_gate, forget, &lstm.cell_gate, &lstm.output_gate]
}

/// The weights of a direction of ours into a layer of Burn's.
fn copy(from: &LstmDirection, to: &mut Lstm) -> Result<()> {
    let hidden = to.d_hidden;
    let rows = |weight: &Tensor<2>, gate: usize| weight.clone().narrow(0, gate * hidden, hidden);
    let part = |bias: &Tensor<1>, gate: usize| bias.clone().narrow(0, gate * hidden, hidden);
    let (w_ih, w_hh) = (from.weight_ih.val(), from.weight_hh.val());
    let (b_ih, b_hh) = (from.bias_ih.val(), from.bias_hh.val());
    let gates = [
        Some(&mut to.input_gate),
        to.forget_gate.as_mut(),
        Some(&mut to.cell_gate),
        Some(&mut to.output_gate),
    ];
    for (n, gate) in gates.into_iter().enumerate() {
        let Some(gate) = gate else { continue };
        let set = |to: &mut Linear, weight: Tensor<2>, bias: Tensor<1>| -> Result<()> {
            let device = weight.device();
            // [I, H] in order, as Burn's own initialisation lays it: a turned view would cost it time.
            let weight = weight.transpose();
            let dims = weight.dims();
            let (weight, bias) = (read(weight)?, read(bias)?);
            let weight = TensorData::new(weight, dims);
            let count = bias.len();
            to.weight = Param::from_tensor(Tensor::<2>::from_data(weight, &device));
            let bias = Tensor::from_data(TensorData::new(bias, [count]), &device);
            to.bias = Some(Param::from_tensor(bias));
            Ok(())
        };
        set(&mut gate.input_transform, rows(&w_ih, n), part(&b_ih, n))?;
        set(&mut gate.hidden_transform, rows(&w_hh, n), part(&b_hh, n))?;
    }
    Ok(())
}
