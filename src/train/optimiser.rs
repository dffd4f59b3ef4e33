//! The optimisers, with state kept by parameter name: Burn's update rules with PyTorch's defaults where the two differ.

use crate::error::{Error, Result};
use crate::model::read_tensor;
use crate::settings;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{
    Adam, AdamConfig, AdamW, AdamWConfig, Optimizer, RecordState, Sgd, SgdConfig, StateSink,
    StateSource,
};
use burn::tensor::{Device, Tensor, TensorData};
use std::collections::BTreeMap;

/// Gradients by parameter name, flat.
pub type Gradients = BTreeMap<String, Tensor<1>>;

/// An optimiser's state, as in a checkpoint.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OptimiserState {
    /// Moments, named `parameter.moment`.
    pub tensors: BTreeMap<String, Vec<f32>>,
    /// Step counters, named likewise.
    pub counters: BTreeMap<String, u64>,
}

/// An optimiser with its state of every parameter.
pub enum Optimiser {
    /// Adam: β 0.9 and 0.999, ε 1e-8, L2 weight decay.
    Adam(ByName<Adam>),
    /// AdamW: as Adam, decoupled weight decay.
    AdamW(ByName<AdamW>),
    /// SGD: momentum without dampening, L2 weight decay.
    Sgd(ByName<Sgd>),
}

/// An update rule and its state of each parameter, by name.
pub struct ByName<O: Optimizer> {
    rule: O,
    states: BTreeMap<String, O::State<1>>,
}

impl<O: Optimizer> ByName<O> {
    fn new(rule: O) -> Self {
        ByName {
            rule,
            states: BTreeMap::new(),
        }
    }

    fn step(&mut self, name: &str, lr: f64, tensor: Tensor<1>, gradient: Tensor<1>) -> Tensor<1> {
        let state = self.states.remove(name);
        let (tensor, state) = self.rule.step(lr, tensor, gradient, state);
        if let Some(state) = state {
            self.states.insert(name.to_string(), state);
        }
        tensor
    }

    fn state(&self) -> Result<OptimiserState> {
        let mut sink = StateSink::default();
        for (name, state) in &self.states {
            state.state_flatten(name, &mut sink);
        }
        let mut state = OptimiserState::default();
        for (name, data) in sink.tensors {
            let tensor = Tensor::<1>::from_data(data, &Device::flex());
            state.tensors.insert(name, read_tensor(tensor)?);
        }
        for (name, scalar) in sink.scalars {
            let counter = u64::try_from(scalar).map_err(|_| {
                Error::setting(
                    format!("the optimiser's {name} is not a counter"),
                    "report this defect",
                )
            })?;
            state.counters.insert(name, counter);
        }
        Ok(state)
    }

    fn restore(&mut self, names: &[String], state: &OptimiserState, device: &Device) {
        let counters = state
            .counters
            .iter()
            .map(|(name, n)| (name.clone(), (*n).into()));
        let mut source = StateSource::new(counters.collect());
        for (name, values) in &state.tensors {
            let data = TensorData::new(values.clone(), [values.len()]);
            source.insert_tensor(name.clone(), data);
        }
        self.states = names
            .iter()
            .filter_map(|name| {
                let state = O::State::<1>::state_unflatten(name, &mut source, device)?;
                Some((name.clone(), state))
            })
            .collect();
    }
}

impl Optimiser {
    /// The optimiser of the settings, without state.
    pub fn new(train: &settings::Train) -> Self {
        let decay = train.weight_decay as f32;
        let l2 = (decay > 0.0).then(|| WeightDecayConfig::new(decay));
        match train.optimiser {
            settings::OptimiserKind::Adam => {
                let rule = AdamConfig::new().with_epsilon(1e-8).with_weight_decay(l2);
                Optimiser::Adam(ByName::new(rule.build()))
            }
            settings::OptimiserKind::Adamw => {
                let rule = AdamWConfig::new()
                    .with_epsilon(1e-8)
                    .with_weight_decay(decay);
                Optimiser::AdamW(ByName::new(rule.build()))
            }
            settings::OptimiserKind::Sgd => {
                let momentum = (train.momentum > 0.0).then(|| {
                    MomentumConfig::new()
                        .with_momentum(train.momentum)
                        .with_dampening(0.0)
                        .with_nesterov(train.nesterov)
                });
                let rule = SgdConfig::new()
                    .with_weight_decay(l2)
                    .with_momentum(momentum);
                Optimiser::Sgd(ByName::new(rule.build()))
            }
        }
    }

    /// Numbers of state per parameter: 2 for Adam and AdamW, 1 for SGD with momentum, else 0.
    pub fn moments(train: &settings::Train) -> usize {
        match train.optimiser {
            settings::OptimiserKind::Adam | settings::OptimiserKind::Adamw => 2,
            settings::OptimiserKind::Sgd => usize::from(train.momentum > 0.0),
        }
    }

    /// The parameter after one update with learning rate `lr`.
    pub fn step(
        &mut self,
        name: &str,
        lr: f64,
        tensor: Tensor<1>,
        gradient: Tensor<1>,
    ) -> Tensor<1> {
        match self {
            Optimiser::Adam(rule) => rule.step(name, lr, tensor, gradient),
            Optimiser::AdamW(rule) => rule.step(name, lr, tensor, gradient),
            Optimiser::Sgd(rule) => rule.step(name, lr, tensor, gradient),
        }
    }

    /// Its state, copied off the device.
    ///
    /// # Errors
    /// [`Error::Device`] where the device cannot be read.
    pub fn state(&self) -> Result<OptimiserState> {
        match self {
            Optimiser::Adam(rule) => rule.state(),
            Optimiser::AdamW(rule) => rule.state(),
            Optimiser::Sgd(rule) => rule.state(),
        }
    }

    /// Restores the state that a checkpoint holds for the parameters of these names.
    pub fn restore(&mut self, names: &[String], state: &OptimiserState, device: &Device) {
        match self {
            Optimiser::Adam(rule) => rule.restore(names, state, device),
            Optimiser::AdamW(rule) => rule.restore(names, state, device),
            Optimiser::Sgd(rule) => rule.restore(names, state, device),
        }
    }
}

/// Scales all gradients so that their global norm is at most `limit`, as PyTorch's `clip_grad_norm_` does; 0 turns clipping
/// off. Returns the norm before clipping, on the device; none if there are no gradients.
pub fn clip(gradients: &mut Gradients, limit: f64) -> Option<Tensor<1>> {
    if gradients.is_empty() {
        return None;
    }
    let squares = gradients.values().map(|g| g.clone().powf_scalar(2.0).sum());
    let norm = Tensor::cat(squares.collect(), 0).sum().sqrt();
    if limit > 0.0 {
        let scale = (norm.clone() + 1e-6)
            .recip()
            .mul_scalar(limit)
            .clamp_max(1.0);
        for gradient in gradients.values_mut() {
            *gradient = gradient.clone() * scale.clone();
        }
    }
    Some(norm)
}
