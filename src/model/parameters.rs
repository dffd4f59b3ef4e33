//! The model's parameters by PyTorch's names.

use super::parameter_shapes::shape_differences;
use super::readout::Readout;
use super::two_stream::TwoStream;
use crate::error::{Error, Result};
use crate::files::Numbers;
use crate::lstm::Lstm;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Tensor, TensorData};
use std::collections::BTreeMap;

/// The name of every parameter, as in PyTorch's `state_dict`.
pub fn parameter_names(model: &TwoStream) -> BTreeMap<ParamId, String> {
    let architecture = model.architecture();
    let mut names = BTreeMap::new();
    let mut add = |ids: Vec<ParamId>, parameters: Vec<(String, Vec<usize>)>| {
        names.extend(
            ids.into_iter()
                .zip(parameters.into_iter().map(|(name, _)| name)),
        );
    };
    let layers = model.temporal.layers.iter().chain(&model.spatial.layers);
    for (lstms, layer) in layers.zip(architecture.layers()) {
        for (lstm, description) in lstms.iter().zip(&layer.lstms) {
            add(lstm_ids(lstm), description.parameters(layer));
        }
    }
    let gates = model.fusion.iter();
    let gates = gates.flat_map(|gates| [&gates.temporal_gate, &gates.spatial_gate]);
    let linear = [&model.temporal.fc, &model.spatial.fc]
        .into_iter()
        .chain(gates);
    for (linear, description) in linear.zip(architecture.linear_layers()) {
        add(linear_ids(linear), description.parameters().into());
    }
    names
}

/// In the order of [`LstmDescription::parameters`](super::LstmDescription::parameters).
fn lstm_ids(lstm: &Lstm) -> Vec<ParamId> {
    let mut ids = Vec::new();
    for direction in &lstm.directions {
        ids.extend([direction.weight_ih.id, direction.weight_hh.id]);
        ids.extend([direction.bias_ih.id, direction.bias_hh.id]);
        ids.extend(direction.peephole.iter().flatten().map(|weight| weight.id));
    }
    ids
}

/// In the order of [`LinearDescription::parameters`](super::LinearDescription::parameters).
fn linear_ids(linear: &Readout) -> Vec<ParamId> {
    vec![linear.weight.id, linear.bias.id]
}

/// Every parameter by name, copied off the device at once.
///
/// # Errors
/// [`Error::Device`] where the device cannot be read.
pub fn parameter_values(model: &TwoStream) -> Result<BTreeMap<String, Numbers>> {
    struct Collect {
        names: BTreeMap<ParamId, String>,
        found: Result<BTreeMap<String, Numbers>>,
    }
    impl ModuleVisitor for Collect {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let (Some(name), Ok(found)) = (self.names.get(&param.id), &mut self.found) else {
                return;
            };
            match read_tensor(param.val()) {
                Ok(values) => {
                    found.insert(name.clone(), (param.dims().to_vec(), values));
                }
                Err(error) => self.found = Err(error),
            }
        }
    }
    let mut collect = Collect {
        names: parameter_names(model),
        found: Ok(BTreeMap::new()),
    };
    model.visit(&mut collect);
    collect.found
}

/// A tensor's numbers, copied off the device now: a later read could see what a later step wrote.
///
/// # Errors
/// [`Error::Device`] where the device cannot be read.
pub fn read_tensor<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
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

/// The first causes of one of Burn's errors, which take many lines.
fn one_line(error: &str) -> String {
    let lines = error.lines().map(str::trim);
    let causes = lines.take_while(|line| !line.starts_with("Backtrace"));
    let causes = causes.filter(|line| !line.is_empty() && *line != "Caused by:");
    causes.take(6).collect::<Vec<_>>().join(": ")
}

/// The model with every parameter taken from `source` by name.
///
/// # Errors
/// [`Error::Setting`] that names what is missing, superfluous or of another shape.
pub fn load_parameters(model: TwoStream, source: &BTreeMap<String, Numbers>) -> Result<TwoStream> {
    let names = parameter_names(&model);
    let needed = model.architecture().parameter_shapes();
    let found = source
        .iter()
        .map(|(name, (dims, _))| (&name[..], &dims[..]));
    if let Some(differences) = shape_differences(&needed, found) {
        return Err(Error::setting(
            format!("the weights do not fit this model: {differences}"),
            "use the settings that the weights were trained with",
        ));
    }
    Ok(model.map(&mut Assign { names, source }))
}

/// Replaces parameters by the numbers of the same names.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Architecture, ParameterShapes};
    use crate::settings::{Fusion, Preset, Settings, Spatial, Temporal};
    use crate::skeleton::Layout;
    use burn::tensor::Device;

    fn variants() -> impl Iterator<Item = Architecture> {
        let sets = ["model.hidden=8", "model.part_hidden=4"];
        let settings = Settings::preset(Preset::Sinew).and_then(|settings| settings.with(&sets));
        let base = settings.unwrap().model.complete().unwrap();
        (0..32).map(move |n| {
            let bit = |b: usize| n >> b & 1 == 1;
            let mut model = base.clone();
            (model.hidden, model.part_hidden) = (6, 5);
            model.temporal = [Temporal::Stacked, Temporal::Hierarchical][usize::from(bit(0))];
            model.spatial = [Spatial::Chain, Spatial::Traversal][usize::from(bit(1))];
            model.fusion = [Fusion::Weighted, Fusion::Gated][usize::from(bit(2))];
            (model.bidirectional, model.peephole) = (bit(3), bit(4));
            Architecture::new(&model, &Layout::sbu15(), [13, 6], 3)
        })
    }

    #[test]
    fn names_and_shapes_are_those_of_the_architecture() {
        for architecture in variants() {
            let model = TwoStream::init(&architecture, 0, &Device::flex());
            let found = parameter_values(&model).unwrap();
            let shapes = found.iter().map(|(n, (s, _))| (n.clone(), s.clone()));
            let shapes: ParameterShapes = shapes.collect();
            assert_eq!(
                shapes,
                architecture.parameter_shapes(),
                "{:?}",
                architecture.model
            );
            assert_eq!(architecture.parameter_count(), model.num_params());
            assert!(load_parameters(model, &found).is_ok());
        }
    }
}
