//! The model's parameters by PyTorch's names.

use super::needed::{Shapes, differences};
use super::readout::Readout;
use super::two_stream::TwoStream;
use crate::error::{Error, Result};
use crate::files::Numbers;
use crate::lstm::Layer;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Tensor, TensorData};
use std::collections::BTreeMap;

/// The name of every parameter, as PyTorch's `state_dict` has it.
pub fn named(model: &TwoStream) -> BTreeMap<ParamId, String> {
    let mut names = BTreeMap::new();
    for (n, part) in model.temporal.parts.iter().enumerate() {
        name_layer(&mut names, part, &format!("temporal.parts.{n}"), 0);
    }
    let trunk = if model.temporal.parts.is_empty() {
        "temporal.lstm"
    } else {
        "temporal.body"
    };
    for (l, layer) in model.temporal.layers.iter().enumerate() {
        name_layer(&mut names, layer, trunk, l);
    }
    name_readout(&mut names, &model.temporal.fc, "temporal.fc");
    for (l, layer) in model.spatial.layers.iter().enumerate() {
        name_layer(&mut names, layer, "spatial.lstm", l);
    }
    name_readout(&mut names, &model.spatial.fc, "spatial.fc");
    if let Some(gates) = &model.fusion {
        name_readout(&mut names, &gates.temporal_gate, "fusion.temporal_gate");
        name_readout(&mut names, &gates.spatial_gate, "fusion.spatial_gate");
    }
    names
}

fn name_readout(names: &mut BTreeMap<ParamId, String>, readout: &Readout, prefix: &str) {
    names.insert(readout.weight.id, format!("{prefix}.weight"));
    names.insert(readout.bias.id, format!("{prefix}.bias"));
}

fn name_layer(names: &mut BTreeMap<ParamId, String>, layer: &Layer, prefix: &str, l: usize) {
    for (direction, suffix) in layer.directions.iter().zip(["", "_reverse"]) {
        let mut put = |id: ParamId, name: &str| {
            names.insert(id, format!("{prefix}.{name}_l{l}{suffix}"));
        };
        put(direction.weight_ih.id, "weight_ih");
        put(direction.weight_hh.id, "weight_hh");
        put(direction.bias_ih.id, "bias_ih");
        put(direction.bias_hh.id, "bias_hh");
        if let Some(peephole) = &direction.peephole {
            for (weight, name) in peephole.iter().zip(["weight_ci", "weight_cf", "weight_co"]) {
                put(weight.id, name);
            }
        }
    }
}

/// Every parameter by name, copied off the device at once.
///
/// # Errors
/// [`Error::Device`] where the device cannot be read.
pub fn numbers(model: &TwoStream) -> Result<BTreeMap<String, Numbers>> {
    struct Collect {
        names: BTreeMap<ParamId, String>,
        found: Result<BTreeMap<String, Numbers>>,
    }
    impl ModuleVisitor for Collect {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let (Some(name), Ok(found)) = (self.names.get(&param.id), &mut self.found) else {
                return;
            };
            match read(param.val()) {
                Ok(values) => {
                    found.insert(name.clone(), (param.dims().to_vec(), values));
                }
                Err(error) => self.found = Err(error),
            }
        }
    }
    let mut collect = Collect {
        names: named(model),
        found: Ok(BTreeMap::new()),
    };
    model.visit(&mut collect);
    collect.found
}

/// A tensor's numbers, read now: a later read could see what a later step wrote.
///
/// # Errors
/// [`Error::Device`] where the device cannot be read.
pub fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    let failed = |e: String| {
        Error::device(
            format!("the device failed: {}", one_line(&e)),
            "the last checkpoint is whole: resume the run, with a smaller train.batch if memory was short",
        )
    };
    let data = tensor.try_into_data().map_err(|e| failed(e.to_string()))?;
    data.try_to_vec::<f32>()
        .map_err(|e| failed(format!("{e:?}")))
}

/// The first causes of an error of Burn's, which goes on over many lines.
fn one_line(error: &str) -> String {
    let lines = error.lines().map(str::trim);
    let told = lines.take_while(|line| !line.starts_with("Backtrace"));
    let told = told.filter(|line| !line.is_empty() && *line != "Caused by:");
    told.take(6).collect::<Vec<_>>().join(": ")
}

/// The model with every parameter taken from `source` by name.
///
/// # Errors
/// [`Error::Setting`] that names what is missing, superfluous or of another shape.
pub fn assign(model: TwoStream, source: &BTreeMap<String, Numbers>) -> Result<TwoStream> {
    let names = named(&model);
    let mut needed = Collect::new(&names);
    model.visit(&mut needed);
    let found = source
        .iter()
        .map(|(name, (dims, _))| (&name[..], &dims[..]));
    if let Some(differences) = differences(&needed.shapes, found) {
        return Err(Error::setting(
            format!("the weights do not fit this model: {differences}"),
            "use the settings that the weights were trained with",
        ));
    }
    Ok(model.map(&mut Assign { names, source }))
}

/// Gathers the shapes of named parameters.
struct Collect<'a> {
    names: &'a BTreeMap<ParamId, String>,
    shapes: Shapes,
}

impl<'a> Collect<'a> {
    fn new(names: &'a BTreeMap<ParamId, String>) -> Self {
        Collect {
            names,
            shapes: Shapes::new(),
        }
    }
}

impl ModuleVisitor for Collect<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(name) = self.names.get(&param.id) {
            self.shapes.insert(name.clone(), param.dims().to_vec());
        }
    }
}

/// Puts the numbers of a source in the place of parameters of the same names and shapes.
struct Assign<'a> {
    names: BTreeMap<ParamId, String>,
    source: &'a BTreeMap<String, Numbers>,
}

impl ModuleMapper for Assign<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.names.get(&param.id);
        let Some((dims, values)) = name.and_then(|name| self.source.get(name)) else {
            return param;
        };
        let device = param.val().device();
        let data = TensorData::new(values.clone(), dims.clone());
        param.map(|old| {
            let new = Tensor::from_data(data, &device);
            if old.is_require_grad() {
                new.require_grad()
            } else {
                new
            }
        })
    }
}
