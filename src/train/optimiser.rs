//! The optimisers, by parameter name, with PyTorch's meaning: Burn's rules, PyTorch's defaults where they differ.

use crate::error::{Error, Result};
use crate::model::read;
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

/// An optimiser's memory as it stands in a checkpoint.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Memory {
    /// Moments by `parameter.moment`.
    pub tensors: BTreeMap<String, Vec<f32>>,
    /// Step counters by the same kind of name.
    pub counters: BTreeMap<String, u64>,
}

/// An optimiser with its memory of every parameter.
pub enum Optimiser {
    /// Adam: β 0.9 and 0.999, ε 1e-8, L2 weight decay.
    Adam(Kept<Adam>),
    /// AdamW: as Adam, decoupled weight decay.
    AdamW(Kept<AdamW>),
    /// SGD: momentum without dampening, L2 weight decay.
    Sgd(Kept<Sgd>),
}

/// A rule and what it remembers of each parameter.
pub struct Kept<O: Optimizer> {
    rule: O,
    states: BTreeMap<String, O::State<1>>,
}

impl<O: Optimizer> Kept<O> {
    fn new(rule: O) -> Self {
        Kept {
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

    fn memory(&self) -> Result<Memory> {
        let mut sink = StateSink::default();
        for (name, state) in &self.states {
            state.state_flatten(name, &mut sink);
        }
        let mut memory = Memory::default();
        for (name, data) in sink.tensors {
            let tensor = Tensor::<1>::from_data(data, &Device::flex());
            memory.tensors.insert(name, read(tensor)?);
        }
        for (name, scalar) in sink.scalars {
            let counter = u64::try_from(scalar).map_err(|_| {
                Error::setting(
                    format!("the optimiser keeps {name} as no counter"),
                    "report this defect",
                )
            })?;
            memory.counters.insert(name, counter);
        }
        Ok(memory)
    }

    fn restore(&mut self, names: &[String], memory: &Memory, device: &Device) {
        let counters = memory
            .counters
            .iter()
            .map(|(name, n)| (name.clone(), (*n).into()));
        let mut source = StateSource::new(counters.collect());
        for (name, values) in &memory.tensors {
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
    /// The optimiser of the settings, without memory.
    pub fn new(train: &settings::Train) -> Self {
        let decay = train.weight_decay as f32;
        let l2 = (decay > 0.0).then(|| WeightDecayConfig::new(decay));
        match train.optimiser {
            settings::OptimiserKind::Adam => {
                let rule = AdamConfig::new().with_epsilon(1e-8).with_weight_decay(l2);
                Optimiser::Adam(Kept::new(rule.build()))
            }
            settings::OptimiserKind::Adamw => {
                let rule = AdamWConfig::new()
                    .with_epsilon(1e-8)
                    .with_weight_decay(decay);
                Optimiser::AdamW(Kept::new(rule.build()))
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
                Optimiser::Sgd(Kept::new(rule.build()))
            }
        }
    }

    /// The parameter after one update at rate `lr`.
    pub fn step(
        &mut self,
        name: &str,
        lr: f64,
        tensor: Tensor<1>,
        gradient: Tensor<1>,
    ) -> Tensor<1> {
        match self {
            Optimiser::Adam(kept) => kept.step(name, lr, tensor, gradient),
            Optimiser::AdamW(kept) => kept.step(name, lr, tensor, gradient),
            Optimiser::Sgd(kept) => kept.step(name, lr, tensor, gradient),
        }
    }

    /// What it remembers, copied off the device.
    ///
    /// # Errors
    /// [`Error::Device`] where the device cannot be read.
    pub fn memory(&self) -> Result<Memory> {
        match self {
            Optimiser::Adam(kept) => kept.memory(),
            Optimiser::AdamW(kept) => kept.memory(),
            Optimiser::Sgd(kept) => kept.memory(),
        }
    }

    /// Takes back what a checkpoint kept for the parameters of these names.
    pub fn restore(&mut self, names: &[String], memory: &Memory, device: &Device) {
        match self {
            Optimiser::Adam(kept) => kept.restore(names, memory, device),
            Optimiser::AdamW(kept) => kept.restore(names, memory, device),
            Optimiser::Sgd(kept) => kept.restore(names, memory, device),
        }
    }
}

/// Scales all gradients so that their global norm is at most `limit`, as PyTorch's `clip_grad_norm_` does; 0 leaves
/// them as they are. Returns the norm before, where there is a gradient; it stays on the device, as the scale does.
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
