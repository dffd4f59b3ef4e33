//! One LSTM layer, and several of the same shape run side by side as one recurrence.

use super::options::{Context, Products};
use super::product::product;
use super::recurrence::{Dims, Spec, recurrence};
use crate::rng::Rng;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use std::sync::Arc;

/// Sizes and options of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerConfig {
    /// I, numbers of an input step.
    pub input: usize,
    /// H, hidden units a direction.
    pub hidden: usize,
    /// Forward and reverse, or forward alone.
    pub bidirectional: bool,
    /// Peephole cell.
    pub peephole: bool,
}

/// The parameters of one direction, named and shaped as PyTorch's.
#[derive(Module, Debug)]
pub struct Direction {
    /// `weight_ih` [4H, I].
    pub weight_ih: Param<Tensor<2>>,
    /// `weight_hh` [4H, H].
    pub weight_hh: Param<Tensor<2>>,
    /// `bias_ih`, 4H numbers.
    pub bias_ih: Param<Tensor<1>>,
    /// `bias_hh`, 4H numbers.
    pub bias_hh: Param<Tensor<1>>,
    /// `weight_ci`, `weight_cf`, `weight_co`, H numbers each, of a peephole cell.
    pub peephole: Option<[Param<Tensor<1>>; 3]>,
}

/// An LSTM layer of one or two directions.
#[derive(Module, Debug)]
pub struct Layer {
    /// Forward, then reverse.
    pub directions: Vec<Direction>,
}

impl LayerConfig {
    /// A layer with PyTorch's initial weights: uniform in ±1/√H, drawn from `rng`.
    pub fn init(&self, rng: &mut Rng, device: &Device) -> Layer {
        let count = if self.bidirectional { 2 } else { 1 };
        let directions = (0..count).map(|_| self.direction(rng, device)).collect();
        Layer { directions }
    }

    fn direction(&self, rng: &mut Rng, device: &Device) -> Direction {
        let (input, hidden) = (self.input, self.hidden);
        let bound = 1.0 / (hidden as f32).sqrt();
        let mut draw =
            |count: usize| -> Vec<f32> { (0..count).map(|_| rng.range(-bound, bound)).collect() };
        let mut matrix = |rows: usize, columns: usize| {
            let data = TensorData::new(draw(rows * columns), [rows, columns]);
            Param::from_tensor(Tensor::<2>::from_data(data, device))
        };
        let (weight_ih, weight_hh) = (matrix(4 * hidden, input), matrix(4 * hidden, hidden));
        let mut vector = |count: usize| {
            let data = TensorData::new(draw(count), [count]);
            Param::from_tensor(Tensor::<1>::from_data(data, device))
        };
        let (bias_ih, bias_hh) = (vector(4 * hidden), vector(4 * hidden));
        let peephole = self
            .peephole
            .then(|| std::array::from_fn(|_| vector(hidden)));
        Direction {
            weight_ih,
            weight_hh,
            bias_ih,
            bias_hh,
            peephole,
        }
    }
}

impl Layer {
    /// H, hidden units a direction.
    pub fn hidden(&self) -> usize {
        self.directions[0].weight_hh.dims()[1]
    }

    /// Hidden states of every step, [T, B, D·H], of inputs [T, B, I], from zero states.
    pub fn forward(&self, x: Tensor<3>, context: Context) -> Tensor<3> {
        run(&[(self, x)], None, None, None, context)
    }

    /// The input projection of all steps and directions, biases in: [T·B, D·4H].
    fn project(&self, x: Tensor<3>, context: Context) -> Tensor<2> {
        let [steps, batch, input] = x.dims();
        let of = |f: fn(&Direction) -> Tensor<2>| {
            Tensor::cat(self.directions.iter().map(f).collect(), 0)
        };
        let weight = of(|d| d.weight_ih.val());
        let bias = of(|d| (d.bias_ih.val() + d.bias_hh.val()).unsqueeze_dim(1));
        let (x, weight) = (x.reshape([steps * batch, input]), weight.transpose());
        let product = match context.products {
            Products::F32 => x.matmul(weight),
            _ => product(x.unsqueeze_dim(0), weight.unsqueeze_dim(0), context).squeeze_dim(0),
        };
        product + bias.transpose()
    }
}

/// Initial hidden and cell states [G, B, H], groups in the order of the layers and their directions.
pub type States = (Tensor<3>, Tensor<3>);

/// Runs layers of the same hidden size side by side, each on its own input [T, B, I].
///
/// Returns [T, B, G·H]: layer by layer, forward before reverse. `lengths` are the valid steps of each row: outputs
/// after them are zero, and the reverse direction starts at a row's own end. `mask` [G, B, H] multiplies the hidden
/// state that enters each step. A batch whose gates would outgrow the device's largest binding, or whose states its
/// largest dispatch, is run in pieces of rows.
pub fn run(
    layers: &[(&Layer, Tensor<3>)],
    initial: Option<States>,
    lengths: Option<&[u32]>,
    mask: Option<Tensor<3>>,
    context: Context,
) -> Tensor<3> {
    let hidden = layers[0].0.hidden();
    let groups: usize = layers.iter().map(|(layer, _)| layer.directions.len()).sum();
    let [steps, batch, _] = layers[0].1.dims();
    let rows = context.rows(Dims {
        steps,
        batch,
        groups,
        hidden,
    });
    if rows >= batch {
        return run_rows(layers, initial, lengths, mask, context);
    }
    let pieces = (0..batch).step_by(rows).map(|start| {
        let count = rows.min(batch - start);
        let layers: Vec<_> = layers
            .iter()
            .map(|(l, x)| (*l, x.clone().narrow(1, start, count)))
            .collect();
        let initial = initial
            .clone()
            .map(|(h, c)| (h.narrow(1, start, count), c.narrow(1, start, count)));
        let lengths = lengths.map(|l| &l[start..start + count]);
        let mask = mask.clone().map(|mask| mask.narrow(1, start, count));
        run_rows(&layers, initial, lengths, mask, context)
    });
    Tensor::cat(pieces.collect(), 1)
}

fn run_rows(
    layers: &[(&Layer, Tensor<3>)],
    initial: Option<States>,
    lengths: Option<&[u32]>,
    mask: Option<Tensor<3>>,
    context: Context,
) -> Tensor<3> {
    let hidden = layers[0].0.hidden();
    let [steps, batch, _] = layers[0].1.dims();
    let directions: Vec<&Direction> = layers.iter().flat_map(|(l, _)| &l.directions).collect();
    let groups = directions.len();
    let projected = layers
        .iter()
        .map(|(layer, x)| layer.project(x.clone(), context))
        .collect();
    let projected = Tensor::cat(projected, 1).reshape([steps, batch, groups, 4 * hidden]);
    let w_hh = Tensor::stack(directions.iter().map(|d| d.weight_hh.val()).collect(), 0);
    let peephole = directions[0].peephole.is_some().then(|| {
        let of = |d: &&Direction| -> Option<Tensor<2>> {
            let weights = d.peephole.as_ref()?;
            Some(Tensor::stack(weights.iter().map(|w| w.val()).collect(), 0))
        };
        Tensor::stack(directions.iter().filter_map(of).collect(), 0)
    });
    let device = projected.device();
    let zeros = || Tensor::zeros([groups, batch, hidden], &device);
    let (h0, c0) = initial.unwrap_or_else(|| (zeros(), zeros()));
    let spec = Spec {
        reverse: layers
            .iter()
            .flat_map(|(l, _)| (0..l.directions.len()).map(|d| d == 1))
            .collect(),
        lengths: lengths.map(|l| Arc::new(l.to_vec())),
        context,
        ..Spec::default()
    };
    recurrence(projected, w_hh, h0, c0, peephole, mask, spec).reshape([
        steps,
        batch,
        groups * hidden,
    ])
}
