//! The names and shapes of a model's parameters, which follow from its architecture alone: what a weights file must
//! hold is known before a model is built.

use super::architecture::{Architecture, LayerDescription, LinearDescription, LstmDescription};
use crate::text::first_few;
use std::collections::BTreeMap;

/// Shapes of parameters by their names, as in PyTorch's `state_dict`.
pub type ParameterShapes = BTreeMap<String, Vec<usize>>;

/// Differences that a message lists.
const LISTED: usize = 5;

impl Architecture {
    /// Every parameter of the model by name, with its shape.
    pub fn parameter_shapes(&self) -> ParameterShapes {
        let lstms = self
            .layers()
            .flat_map(|layer| layer.lstms.iter().flat_map(|lstm| lstm.parameters(layer)));
        let linear = self.linear_layers().flat_map(LinearDescription::parameters);
        lstms.chain(linear).collect()
    }

    /// Numbers that are trained.
    pub fn parameter_count(&self) -> usize {
        let shapes = self.parameter_shapes();
        shapes.values().map(|s| s.iter().product::<usize>()).sum()
    }
}

impl LstmDescription {
    /// Names and shapes of this LSTM of `layer`, the forward direction's first: `weight_ih`, `weight_hh`, `bias_ih`,
    /// `bias_hh`, then the peepholes `weight_ci`, `weight_cf`, `weight_co`.
    pub fn parameters(&self, layer: &LayerDescription) -> Vec<(String, Vec<usize>)> {
        let LstmDescription {
            prefix,
            number,
            inputs,
        } = self;
        let hidden = layer.hidden;
        let mut parameters = Vec::new();
        for suffix in ["", "_reverse"].iter().take(layer.directions()) {
            let mut add = |name: &str, shape: Vec<usize>| {
                parameters.push((format!("{prefix}.{name}_l{number}{suffix}"), shape));
            };
            add("weight_ih", vec![4 * hidden, *inputs]);
            add("weight_hh", vec![4 * hidden, hidden]);
            add("bias_ih", vec![4 * hidden]);
            add("bias_hh", vec![4 * hidden]);
            if layer.peephole {
                for name in ["weight_ci", "weight_cf", "weight_co"] {
                    add(name, vec![hidden]);
                }
            }
        }
        parameters
    }
}

impl LinearDescription {
    /// Names and shapes of the weight and the bias.
    pub fn parameters(&self) -> [(String, Vec<usize>); 2] {
        let name = |name: &str| format!("{}.{name}", self.prefix);
        [
            (name("weight"), vec![self.outputs, self.inputs]),
            (name("bias"), vec![self.outputs]),
        ]
    }
}

/// How the shapes found differ from those needed: what is missing, has another shape or is superfluous, the first few by
/// name. None if they agree.
#[must_use]
pub fn shape_differences<'a>(
    needed: &ParameterShapes,
    found: impl IntoIterator<Item = (&'a str, &'a [usize])>,
) -> Option<String> {
    let found: BTreeMap<&str, &[usize]> = found.into_iter().collect();
    let of_needed = needed
        .iter()
        .filter_map(|(name, shape)| match found.get(&name[..]) {
            Some(there) if *there == &shape[..] => None,
            Some(there) => {
                let turned = there.iter().rev().eq(shape);
                let note = if turned { " (it is transposed)" } else { "" };
                Some(format!("{name} is {there:?} and should be {shape:?}{note}"))
            }
            None => Some(format!("{name} is missing")),
        });
    let superfluous = found.keys().filter(|name| !needed.contains_key(**name));
    let of_found = superfluous.map(|name| format!("{name} is not in this model"));
    let differences = first_few(of_needed.chain(of_found), LISTED, "; ", "; ");
    (!differences.is_empty()).then_some(differences)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_named() {
        let needed = ParameterShapes::from([("a".into(), vec![2, 3]), ("b".into(), vec![2])]);
        let differ = |found: &[(&'static str, &'static [usize])]| {
            shape_differences(&needed, found.iter().copied()).unwrap_or_default()
        };
        assert_eq!(differ(&[("a", &[2, 3]), ("b", &[2])]), "");
        assert_eq!(
            differ(&[("a", &[3, 2]), ("c", &[1])]),
            "a is [3, 2] and should be [2, 3] (it is transposed); b is missing; c is not in this model"
        );
        let many: Vec<String> = (0..9).map(|n| format!("x{n}")).collect();
        let found = many.iter().map(|name| (&name[..], &[][..]));
        let text = shape_differences(&ParameterShapes::new(), found).unwrap();
        assert!(
            text.ends_with("x4 is not in this model; and 4 more"),
            "{text}"
        );
    }
}
