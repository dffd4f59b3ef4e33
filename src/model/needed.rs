//! The names and shapes of a model's parameters, from its sizes alone: what a file of weights must hold, known before a
//! model is built.

use super::streams::WINDOWS;
use super::two_stream::Shape;
use crate::settings::{Fusion, Temporal};
use std::collections::BTreeMap;

/// Shapes of parameters by their names, as PyTorch's `state_dict` has them.
pub type Shapes = BTreeMap<String, Vec<usize>>;

/// Faults that a message lists.
const LISTED: usize = 5;

/// Sizes of one LSTM layer.
struct Sizes {
    input: usize,
    hidden: usize,
}

impl Shape {
    /// Every parameter of the model by name, with its shape.
    pub fn parameter_shapes(&self) -> Shapes {
        let (model, parts) = (&self.model, &self.layout.parts);
        let (hidden, both) = (model.hidden, self.directions());
        let wide = both * hidden;
        let joints: usize = parts.iter().map(|part| part.joints.len()).sum();
        let mut shapes = Shapes::new();
        match model.temporal {
            Temporal::Stacked => {
                let input = joints * self.channels;
                self.add_layer(&mut shapes, "temporal.lstm", 0, Sizes { input, hidden });
                let input = wide;
                self.add_layer(&mut shapes, "temporal.lstm", 1, Sizes { input, hidden });
            }
            Temporal::Hierarchical => {
                for (n, part) in parts.iter().enumerate() {
                    let sizes = Sizes {
                        input: part.joints.len() * self.channels,
                        hidden: model.part_hidden,
                    };
                    self.add_layer(&mut shapes, &format!("temporal.parts.{n}"), 0, sizes);
                }
                let input = parts.len() * both * model.part_hidden;
                self.add_layer(&mut shapes, "temporal.body", 0, Sizes { input, hidden });
            }
        }
        let window = self.frames / WINDOWS * self.channels;
        for (l, input) in [window, wide].into_iter().enumerate() {
            self.add_layer(&mut shapes, "spatial.lstm", l, Sizes { input, hidden });
        }
        add_readout(&mut shapes, "temporal.fc", wide, self.classes);
        add_readout(&mut shapes, "spatial.fc", wide, self.classes);
        if model.fusion == Fusion::Gated {
            add_readout(&mut shapes, "fusion.temporal_gate", 2 * self.classes, 1);
            add_readout(&mut shapes, "fusion.spatial_gate", 2 * self.classes, 1);
        }
        shapes
    }

    /// Numbers that are learnt.
    pub fn parameters(&self) -> usize {
        let shapes = self.parameter_shapes();
        shapes.values().map(|s| s.iter().product::<usize>()).sum()
    }

    /// Directions of each LSTM layer.
    fn directions(&self) -> usize {
        if self.model.bidirectional { 2 } else { 1 }
    }

    /// Adds the parameters of layer number `l` of a stack.
    fn add_layer(&self, shapes: &mut Shapes, prefix: &str, l: usize, sizes: Sizes) {
        let Sizes { input, hidden } = sizes;
        for suffix in ["", "_reverse"].iter().take(self.directions()) {
            let mut add = |name: &str, shape: Vec<usize>| {
                shapes.insert(format!("{prefix}.{name}_l{l}{suffix}"), shape);
            };
            add("weight_ih", vec![4 * hidden, input]);
            add("weight_hh", vec![4 * hidden, hidden]);
            add("bias_ih", vec![4 * hidden]);
            add("bias_hh", vec![4 * hidden]);
            if self.model.peephole {
                for name in ["weight_ci", "weight_cf", "weight_co"] {
                    add(name, vec![hidden]);
                }
            }
        }
    }
}

fn add_readout(shapes: &mut Shapes, prefix: &str, inputs: usize, outputs: usize) {
    shapes.insert(format!("{prefix}.weight"), vec![outputs, inputs]);
    shapes.insert(format!("{prefix}.bias"), vec![outputs]);
}

/// How the shapes that are found differ from those that are needed: what is missing, of another shape or superfluous, the
/// first few by name. None where they agree.
#[must_use]
pub fn differences<'a>(
    needed: &Shapes,
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
    let mut faults: Vec<String> = of_needed.chain(of_found).collect();
    if faults.is_empty() {
        return None;
    }
    let more = faults.len().saturating_sub(LISTED);
    faults.truncate(LISTED);
    let list = faults.join("; ");
    Some(match more {
        0 => list,
        more => format!("{list}; and {more} more"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{TwoStream, assign, numbers};
    use crate::settings::{Preset, Settings, Spatial};
    use crate::skeleton::Layout;
    use burn::tensor::Device;

    fn variants() -> impl Iterator<Item = Shape> {
        let base = Settings::preset(Preset::Reference).unwrap();
        let base = base.model.complete().unwrap();
        (0..32).map(move |n| {
            let bit = |b: usize| n >> b & 1 == 1;
            let mut model = base.clone();
            (model.hidden, model.part_hidden) = (6, 5);
            model.temporal = [Temporal::Stacked, Temporal::Hierarchical][usize::from(bit(0))];
            model.spatial = [Spatial::Chain, Spatial::Traversal][usize::from(bit(1))];
            model.fusion = [Fusion::Weighted, Fusion::Gated][usize::from(bit(2))];
            (model.bidirectional, model.peephole) = (bit(3), bit(4));
            Shape {
                model,
                layout: Layout::sbu15(),
                frames: 13,
                channels: 6,
                classes: 3,
            }
        })
    }

    #[test]
    fn they_are_those_of_the_model() {
        for shape in variants() {
            let model = TwoStream::init(&shape, 0, &Device::flex());
            let found = numbers(&model).unwrap();
            let shapes: Shapes = found
                .iter()
                .map(|(n, (s, _))| (n.clone(), s.clone()))
                .collect();
            assert_eq!(shapes, shape.parameter_shapes(), "{:?}", shape.model);
            assert!(assign(model, &found).is_ok());
        }
    }

    #[test]
    fn differences_are_named() {
        let needed = Shapes::from([("a".into(), vec![2, 3]), ("b".into(), vec![2])]);
        let says = |found: &[(&'static str, &'static [usize])]| {
            differences(&needed, found.iter().copied()).unwrap_or_default()
        };
        assert_eq!(says(&[("a", &[2, 3]), ("b", &[2])]), "");
        assert_eq!(
            says(&[("a", &[3, 2]), ("c", &[1])]),
            "a is [3, 2] and should be [2, 3] (it is transposed); b is missing; c is not in this model"
        );
        let many: Vec<String> = (0..9).map(|n| format!("x{n}")).collect();
        let found = many.iter().map(|name| (&name[..], &[][..]));
        let said = differences(&Shapes::new(), found).unwrap();
        assert!(
            said.ends_with("x4 is not in this model; and 4 more"),
            "{said}"
        );
    }
}
