//! Every variant of the model gives PyTorch's scores, loss and gradients: stacked and hierarchical, chain and traversal,
//! weighted (posteriors and logits) and gated, one direction and both, peepholes, T that four does not divide.
//! Relative error at most 1e-4.

use crate::devices;
use crate::golden;
use crate::golden::{Case, values};
use crate::numerics;
use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::tensor::{Device, Gradients, Tensor};
use sinew::lstm::{Context, Plan};
use sinew::model::{TwoStream, parameter_names};
use sinew::scores::inputs;
use std::collections::BTreeMap;

const LIMIT: f64 = 1e-4;

/// Gradients of all parameters by name.
fn gradients(model: &TwoStream, grads: Gradients) -> BTreeMap<String, Vec<f32>> {
    struct Collect {
        names: BTreeMap<ParamId, String>,
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
        names: parameter_names(model),
        grads,
        found: BTreeMap::new(),
    };
    model.visit(&mut collect);
    collect.found
}

fn check(case: &Case, device: &Device, plan: Plan) -> f64 {
    let device = device.clone().autodiff();
    let model = case.model(&device);
    let batch = &case.batches[0];
    let x = inputs(batch, 0, batch.len(), &device);
    let context = Context {
        plan: plan.into(),
        largest: usize::MAX,
        ..Context::default()
    };
    let outputs = model.forward(x, None, context);
    let loss = outputs.loss(&batch.labels, 0.0, batch.len());
    let mut worst = 0.0f64;
    let mut compare = |name: &str, ours: &[f32], theirs: &[f32]| {
        let error = numerics::relative_error(ours, theirs);
        let case = &case.name;
        assert!(error <= LIMIT, "{case} {name}: relative error {error:e}");
        worst = worst.max(error);
    };
    for (name, ours) in [
        ("temporal", values(outputs.temporal)),
        ("spatial", values(outputs.spatial)),
        ("fused", values(outputs.fused)),
        ("loss", values(loss.clone())),
    ] {
        compare(name, &ours, case.numbers(name));
    }
    let found = gradients(&model, loss.backward());
    let expected = case.tensors("grad.");
    assert_eq!(
        found.keys().collect::<Vec<_>>(),
        expected.keys().collect::<Vec<_>>(),
        "{}: the parameters that have gradients",
        case.name
    );
    for (name, (_, theirs)) in &expected {
        compare(name, &found[name], theirs);
    }
    worst
}

#[test]
fn scores_loss_and_gradients() {
    let cases = golden::cases();
    assert!(cases.len() >= 48, "the golden file covers the variants");
    for compute in devices::devices() {
        let worst = cases
            .iter()
            .map(|case| check(case, &compute.device, Plan::RESIDENT))
            .fold(0.0, f64::max);
        println!(
            "{}: {} variants, worst relative error {worst:.1e}",
            compute.name(),
            cases.len()
        );
    }
}
