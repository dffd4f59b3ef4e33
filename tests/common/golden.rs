//! The cases of assets/golden/two_stream.safetensors, which scripts/make_goldens.py writes and explains.
#![allow(dead_code, reason = "each test uses its own part")]

use burn::tensor::{Device, Tensor};
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use sinew::files::Numbers;
use sinew::loader::Batch;
use sinew::model::{Architecture, TwoStream, load_parameters};
use sinew::settings::{Preset, ResolvedSettings};
use std::collections::BTreeMap;

use crate::settings::resolved;

const FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/assets/golden/two_stream.safetensors"
);

/// A model variant, what it is given, and what PyTorch makes of it.
pub struct Case {
    pub name: String,
    pub architecture: Architecture,
    pub batches: Vec<Batch>,
    /// Settings with the case's sections `model`, `train` and `schedule`.
    pub settings: ResolvedSettings,
    tensors: BTreeMap<String, Numbers>,
}

impl Case {
    /// The tensors whose names begin with `prefix`, without it.
    pub fn tensors(&self, prefix: &str) -> BTreeMap<String, Numbers> {
        let found = self.tensors.iter().filter_map(|(name, numbers)| {
            Some((name.strip_prefix(prefix)?.to_string(), numbers.clone()))
        });
        found.collect()
    }

    /// One tensor's numbers.
    pub fn numbers(&self, name: &str) -> &[f32] {
        match self.tensors.get(name) {
            Some((_, values)) => values,
            None => panic!("{}: the golden file has no {name}", self.name),
        }
    }

    /// The model with the case's parameters.
    pub fn model(&self, device: &Device) -> TwoStream {
        let model = TwoStream::init(&self.architecture, 1, device);
        load_parameters(model, &self.tensors("param.")).expect("all fit")
    }
}

/// Every case.
pub fn cases() -> Vec<Case> {
    let bytes = std::fs::read(FILE).expect("the golden file");
    let file = SafeTensors::deserialize(&bytes).expect("its tensors");
    let (_, header) = SafeTensors::read_metadata(&bytes).expect("its header");
    let about = &header.metadata().as_ref().expect("metadata")["cases"];
    let about: BTreeMap<String, Value> = serde_json::from_str(about).expect("its cases");
    about
        .iter()
        .map(|(name, about)| case(&file, name, about))
        .collect()
}

fn case(file: &SafeTensors<'_>, name: &str, about: &Value) -> Case {
    // As in an exported file's metadata, a string is a JSON text.
    let part = |key: &str| match &about[key] {
        Value::String(text) => serde_json::from_str(text).expect("JSON in JSON"),
        other => other.clone(),
    };
    let settings = part("recipe");
    let mut sets = Vec::new();
    for section in ["model", "train", "schedule"] {
        let fields = settings[section].as_object().expect("a section");
        sets.extend(
            fields
                .iter()
                .map(|(key, value)| format!("{section}.{key}={value}")),
        );
    }
    let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
    let settings = resolved(Preset::Reference, &sets);
    let layout = serde_json::from_value(part("layout")).expect("a layout");
    let sizes = ["frames", "channels"].map(|key| part(key).as_u64().expect(key) as usize);
    let classes = part("classes").as_array().expect("classes").len();
    let architecture = Architecture::new(&settings.model, &layout, sizes, classes);
    let prefix = format!("{name}.");
    let tensors = file.iter().filter_map(|(name, tensor)| {
        let name = name.strip_prefix(&prefix)?.to_string();
        Some((name, (tensor.shape().to_vec(), floats(tensor.data()))))
    });
    Case {
        name: name.into(),
        batches: batches(
            file,
            about["inputs"].as_str().expect("inputs"),
            &architecture,
        ),
        architecture,
        settings,
        tensors: tensors.collect(),
    }
}

fn batches(file: &SafeTensors<'_>, name: &str, architecture: &Architecture) -> Vec<Batch> {
    let Architecture {
        frames,
        channels,
        ref layout,
        ..
    } = *architecture;
    let [x, label] =
        ["x", "label"].map(|key| file.tensor(&format!("{name}.{key}")).expect("inputs"));
    assert_eq!((x.dtype(), label.dtype()), (Dtype::F32, Dtype::I32));
    let rows = label.shape()[1];
    let labels = label.data().as_chunks::<4>().0;
    let labels: Vec<usize> = labels
        .iter()
        .map(|n| u32::from_le_bytes(*n) as usize)
        .collect();
    let x = floats(x.data());
    let row = frames * layout.len() * channels;
    let batches = x.chunks_exact(rows * row).zip(labels.chunks_exact(rows));
    batches
        .map(|(x, labels)| Batch {
            x: x.to_vec(),
            labels: labels.to_vec(),
            clips: (0..rows).collect(),
            frames,
            joints: layout.len(),
            channels,
            ..Batch::default()
        })
        .collect()
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    let words = bytes.as_chunks::<4>().0;
    words.iter().map(|word| f32::from_le_bytes(*word)).collect()
}

/// A tensor's numbers, copied off the device.
pub fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec::<f32>().expect("float32")
}
