//! Every variant of the model gives PyTorch's scores, loss and gradients: stacked and hierarchical, chain and traversal,
//! weighted and gated, one direction and both, peepholes, T that four does not divide. Relative error at most 1e-4.

#[path = "common/devices.rs"]
mod devices;
#[path = "common/numerics.rs"]
mod numerics;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use safetensors::SafeTensors;
use serde_json::Value;
use sinew::files::Numbers;
use sinew::lstm::{Context, Plan};
use sinew::model::{Shape, TwoStream, assign, named};
use sinew::recipe;
use std::collections::BTreeMap;

const LIMIT: f64 = 1e-4;
const GOLDEN: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/assets/golden/two_stream.safetensors"
);

/// The tensors of a case whose names begin with `prefix`, without it.
fn tensors(file: &SafeTensors<'_>, case: &str, prefix: &str) -> BTreeMap<String, Numbers> {
    let prefix = format!("{case}.{prefix}");
    file.iter()
        .filter_map(|(name, tensor)| {
            let name = name.strip_prefix(&prefix)?.to_string();
            let words = tensor.data().as_chunks::<4>().0;
            let values = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
            Some((name, (tensor.shape().to_vec(), values)))
        })
        .collect()
}

fn shape(about: &Value) -> Shape {
    // A string is a JSON text, as in an exported file's metadata.
    let part = |key: &str| match &about[key] {
        Value::String(text) => serde_json::from_str(text).expect("JSON in JSON"),
        other => other.clone(),
    };
    let model: recipe::Model =
        serde_json::from_value(part("recipe")["model"].clone()).expect("the model's settings");
    Shape {
        model,
        layout: serde_json::from_value(part("layout")).expect("a layout"),
        frames: part("frames").as_u64().expect("frames") as usize,
        channels: part("channels").as_u64().expect("channels") as usize,
        classes: part("classes").as_array().expect("classes").len(),
    }
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec::<f32>().expect("float32")
}

/// Gradients of all parameters by name.
fn gradients(model: &TwoStream, grads: Gradients) -> BTreeMap<String, Vec<f32>> {
    struct Collect {
        names: BTreeMap<burn::module::ParamId, String>,
        grads: Gradients,
        found: BTreeMap<String, Vec<f32>>,
    }
    impl ModuleVisitor for Collect {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(gradient) = param.val().grad(&self.grads) {
                self.found
                    .insert(self.names[&param.id].clone(), values(gradient));
            }
        }
    }
    let mut collect = Collect {
        names: named(model),
        grads,
        found: BTreeMap::new(),
    };
    model.visit(&mut collect);
    collect.found
}

fn check(file: &SafeTensors<'_>, case: &str, about: &Value, device: &Device, plan: Plan) -> f64 {
    let device = device.clone().autodiff();
    let shape = shape(about);
    let parameters = tensors(file, case, "param.");
    let model = assign(TwoStream::init(&shape, 1, &device), &parameters).expect("all fit");
    let own = tensors(file, case, "");
    let (dims, x) = own["x"].clone();
    let labels = file.tensor(&format!("{case}.label")).expect("labels");
    let labels: Vec<usize> = labels
        .data()
        .as_chunks::<4>()
        .0
        .iter()
        .map(|word| u32::from_le_bytes(*word) as usize)
        .collect();
    let x = Tensor::<4>::from_data(TensorData::new(x, dims), &device);
    let context = Context {
        plan: plan.into(),
        largest: usize::MAX,
        ..Context::default()
    };
    let outputs = model.forward(x, &shape, None, context);
    let mut worst = 0.0f64;
    let mut compare = |name: &str, ours: &[f32], theirs: &[f32]| {
        let error = numerics::relative_error(ours, theirs);
        assert!(error <= LIMIT, "{case} {name}: relative error {error:e}");
        worst = worst.max(error);
    };
    let loss = outputs.loss(&labels, 0.0, labels.len());
    compare(
        "temporal",
        &values(outputs.temporal.clone()),
        &own["temporal"].1,
    );
    compare(
        "spatial",
        &values(outputs.spatial.clone()),
        &own["spatial"].1,
    );
    compare("fused", &values(outputs.fused.clone()), &own["fused"].1);
    compare("loss", &values(loss.clone()), &own["loss"].1);
    let found = gradients(&model, loss.backward());
    let expected = tensors(file, case, "grad.");
    assert!(!expected.is_empty());
    for (name, (_, theirs)) in &expected {
        let ours = found
            .get(name)
            .unwrap_or_else(|| panic!("{case}: no gradient of {name}"));
        compare(name, ours, theirs);
    }
    worst
}

#[test]
fn scores_loss_and_gradients() {
    let bytes = std::fs::read(GOLDEN).expect("the golden file");
    let file = SafeTensors::deserialize(&bytes).expect("its tensors");
    let (_, header) = SafeTensors::read_metadata(&bytes).expect("its header");
    let cases = header.metadata().as_ref().expect("metadata")["cases"].clone();
    let cases: BTreeMap<String, Value> = serde_json::from_str(&cases).expect("its cases");
    assert!(cases.len() >= 12, "the golden file covers the variants");
    for compute in devices::devices() {
        let worst = cases
            .iter()
            .map(|(case, about)| check(&file, case, about, &compute.device, Plan::RESIDENT))
            .fold(0.0, f64::max);
        println!(
            "{}: {} variants, worst relative error {worst:.1e}",
            compute.name(),
            cases.len()
        );
    }
}
