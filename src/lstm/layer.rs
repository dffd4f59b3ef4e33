//! The LSTM layer as a Burn module.

use super::options::Context;
use super::plan::Plan;
use super::side_by_side::side_by_side_with_state;
use burn::config::Config;
use burn::module::{Initializer, Module, Param};
use burn::nn::LstmState;
use burn::tensor::{Device, Distribution, Tensor, TensorData};

/// Configuration of an [`Lstm`] layer.
///
/// ```
/// use sinew::lstm::LstmConfig;
///
/// let lstm = LstmConfig::new(3, 16)
///     .with_bidirectional(true)
///     .init(&burn::tensor::Device::flex());
/// assert_eq!(lstm.directions.len(), 2);
/// ```
#[derive(Config, Debug)]
pub struct LstmConfig {
    /// I, size of the input features.
    pub d_input: usize,
    /// H, size of the hidden state of one direction.
    pub d_hidden: usize,
    /// Whether a second LSTM reads each sequence from its end; its output is appended to the first one's.
    #[config(default = false)]
    pub bidirectional: bool,
    /// Whether the gates see the cell state (Graves, "Generating sequences with recurrent neural networks", 2013, equations
    /// 7 to 11): the input and forget gates the one before the step, the output gate the one after it. Each gate has one
    /// weight per hidden unit.
    #[config(default = false)]
    pub peephole: bool,
    /// Probability that a hidden unit is dropped from the recurrence in training: the hidden state that enters each step is
    /// multiplied by a mask that is drawn once per sequence (Gal and Ghahramani, "A theoretically grounded application of
    /// dropout in recurrent neural networks", 2016).
    #[config(default = 0.0)]
    pub recurrent_dropout: f64,
    /// Whether inputs and outputs are `[batch, steps, features]` (true) or `[steps, batch, features]` (false). The engine
    /// works on the second; the first costs a transposition each way.
    #[config(default = true)]
    pub batch_first: bool,
}

/// An LSTM layer of one or two directions, with the parameters, equations and gate order of PyTorch's `torch.nn.LSTM`.
///
/// Create it with [`LstmConfig::init`].
///
/// For each direction and step, with the optional peephole terms in brackets:
///
/// ```text
/// i  = σ(W_ii x + b_ii + W_hi h + b_hi [+ w_ci ∘ c])
/// f  = σ(W_if x + b_if + W_hf h + b_hf [+ w_cf ∘ c])
/// g  = tanh(W_ig x + b_ig + W_hg h + b_hg)
/// c' = f ∘ c + i ∘ g
/// o  = σ(W_io x + b_io + W_ho h + b_ho [+ w_co ∘ c'])
/// h' = o ∘ tanh(c')
/// ```
#[derive(Module, Debug)]
pub struct Lstm {
    /// The forward direction, then the reverse one of a bidirectional layer.
    pub directions: Vec<LstmDirection>,
    /// See [`LstmConfig::recurrent_dropout`].
    pub recurrent_dropout: f64,
    /// See [`LstmConfig::batch_first`].
    pub batch_first: bool,
    /// How the layer is computed. `None`: in f32 with the default plan, within the limits of the input's device.
    #[module(skip)]
    pub context: Option<Context>,
}

/// The parameters of one direction, named and shaped as in PyTorch. The gates are stacked in the order i, f, g, o.
#[derive(Module, Debug)]
pub struct LstmDirection {
    /// `weight_ih` [4H, I].
    pub weight_ih: Param<Tensor<2>>,
    /// `weight_hh` [4H, H].
    pub weight_hh: Param<Tensor<2>>,
    /// `bias_ih`, 4H numbers.
    pub bias_ih: Param<Tensor<1>>,
    /// `bias_hh`, 4H numbers.
    pub bias_hh: Param<Tensor<1>>,
    /// The peepholes `weight_ci`, `weight_cf` and `weight_co`, H numbers each.
    pub peephole: Option<[Param<Tensor<1>>; 3]>,
}

impl LstmConfig {
    /// A layer with PyTorch's initial weights, uniform in ±1/√H, from the device's random numbers (`Device::seed`).
    ///
    /// # Panics
    /// On a `recurrent_dropout` below 0, or of 1 or more.
    pub fn init(&self, device: &Device) -> Lstm {
        let bound = 1.0 / (self.d_hidden as f64).sqrt();
        let uniform = Initializer::Uniform {
            min: -bound,
            max: bound,
        };
        let (input, hidden) = (self.d_input, self.d_hidden);
        self.layer(|| LstmDirection {
            weight_ih: uniform.init([4 * hidden, input], device),
            weight_hh: uniform.init([4 * hidden, hidden], device),
            bias_ih: uniform.init([4 * hidden], device),
            bias_hh: uniform.init([4 * hidden], device),
            peephole: self
                .peephole
                .then(|| std::array::from_fn(|_| uniform.init([hidden], device))),
        })
    }

    /// A layer with weights from `draw(count, bound)`, which returns `count` numbers, for PyTorch's initial weights uniform
    /// in ±`bound`. The parameters are drawn in the order of [`LstmDirection`]'s fields.
    ///
    /// # Panics
    /// As [`LstmConfig::init`], and if `draw` returns another number of values.
    pub fn init_with(&self, device: &Device, mut draw: impl FnMut(usize, f32) -> Vec<f32>) -> Lstm {
        let (input, hidden) = (self.d_input, self.d_hidden);
        let bound = 1.0 / (hidden as f32).sqrt();
        self.layer(|| {
            let mut matrix = |rows: usize, columns: usize| {
                let data = TensorData::new(draw(rows * columns, bound), [rows, columns]);
                Param::from_tensor(Tensor::<2>::from_data(data, device))
            };
            let weight_ih = matrix(4 * hidden, input);
            let weight_hh = matrix(4 * hidden, hidden);
            let mut vector = |count: usize| {
                let data = TensorData::new(draw(count, bound), [count]);
                Param::from_tensor(Tensor::<1>::from_data(data, device))
            };
            LstmDirection {
                weight_ih,
                weight_hh,
                bias_ih: vector(4 * hidden),
                bias_hh: vector(4 * hidden),
                peephole: self
                    .peephole
                    .then(|| std::array::from_fn(|_| vector(hidden))),
            }
        })
    }

    fn layer(&self, direction: impl FnMut() -> LstmDirection) -> Lstm {
        let p = self.recurrent_dropout;
        assert!(
            (0.0..1.0).contains(&p),
            "recurrent_dropout is {p}, not in 0..1"
        );
        let directions = if self.bidirectional { 2 } else { 1 };
        Lstm {
            directions: std::iter::repeat_with(direction).take(directions).collect(),
            recurrent_dropout: self.recurrent_dropout,
            batch_first: self.batch_first,
            context: None,
        }
    }
}

impl Lstm {
    /// H, size of the hidden state of one direction.
    pub fn d_hidden(&self) -> usize {
        self.directions[0].weight_hh.dims()[1]
    }

    /// The same layer, computed as `context` says: with a plan that was measured or named, or in f16.
    #[must_use]
    pub fn with_context(self, context: Context) -> Self {
        Lstm {
            context: Some(context),
            ..self
        }
    }

    /// Runs the layer over whole sequences.
    ///
    /// # Shapes
    /// With D directions:
    ///
    /// - `input`: `[batch, steps, d_input]`, or `[steps, batch, d_input]` without `batch_first`
    /// - `state`: the initial `hidden` and `cell`, `[D, batch, d_hidden]` each; zeros if `None`
    /// - output: `[batch, steps, D · d_hidden]`, or `[steps, batch, D · d_hidden]`; forward, then reverse features
    /// - final state: as `state`. The forward direction's is that after the last step, the reverse one's after the first.
    ///
    /// As with `burn::nn::BiLstm` and PyTorch's `(h_n, c_n)`, the final state can start the next call; it is differentiable,
    /// as the output and the initial state are. Recurrent dropout applies on devices that track gradients
    /// (`.autodiff()`), with new masks in every call; `model.valid()` turns it off.
    ///
    /// # Panics
    /// On other shapes, and on inputs without steps or rows.
    pub fn forward(
        &self,
        input: Tensor<3>,
        state: Option<LstmState<3>>,
    ) -> (Tensor<3>, LstmState<3>) {
        self.run(input, None, state)
    }

    /// The same for sequences of different lengths, padded to the same number of steps with any finite values.
    ///
    /// `lengths` has one number of valid steps per row. Outputs after a row's end are zero, the reverse direction starts at
    /// the row's own end, and the final state is that at the row's own last valid step: what PyTorch gives for a packed
    /// sequence. A row of length 0 keeps its initial state.
    ///
    /// # Panics
    /// As [`Lstm::forward`]; on another number of lengths than rows, and on a length beyond the number of steps.
    pub fn forward_with_lengths(
        &self,
        input: Tensor<3>,
        lengths: &[usize],
        state: Option<LstmState<3>>,
    ) -> (Tensor<3>, LstmState<3>) {
        let steps = input.dims()[usize::from(self.batch_first)];
        if let Some(length) = lengths.iter().find(|length| **length > steps) {
            panic!("a length of {length} in a batch of {steps} steps");
        }
        let lengths: Vec<u32> = lengths.iter().map(|length| *length as u32).collect();
        self.run(input, Some(&lengths), state)
    }

    fn run(
        &self,
        input: Tensor<3>,
        lengths: Option<&[u32]>,
        state: Option<LstmState<3>>,
    ) -> (Tensor<3>, LstmState<3>) {
        let time_first = |x: Tensor<3>| match self.batch_first {
            true => x.swap_dims(0, 1),
            false => x,
        };
        let input = time_first(input);
        let (batch, device) = (input.dims()[1], input.device());
        let context = self
            .context
            .unwrap_or_else(|| Context::on(&device, Plan::default()));
        let mask = self.mask(batch, &device);
        let (output, state) =
            side_by_side_with_state(&[(self, input)], state, lengths, mask, context);
        (time_first(output), state)
    }

    /// The recurrent dropout mask [D, B, H], or none where dropout is off.
    fn mask(&self, batch: usize, device: &Device) -> Option<Tensor<3>> {
        if self.recurrent_dropout <= 0.0 || !device.is_autodiff() {
            return None;
        }
        let keep = 1.0 - self.recurrent_dropout;
        let shape = [self.directions.len(), batch, self.d_hidden()];
        let kept = Tensor::random(shape, Distribution::Bernoulli(keep), device);
        Some(kept / keep)
    }
}
