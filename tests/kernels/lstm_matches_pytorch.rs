//! The engine gives PyTorch's outputs and gradients: one direction and both, T = 1, odd sizes, initial states, large
//! inputs, peepholes, lengths by row. Relative error at most 1e-4 on every device, with every plan.

use crate::devices;
use crate::numerics;
use burn::module::Param;
use burn::nn::LstmState;
use burn::tensor::{Device, Tensor, TensorData};
use safetensors::SafeTensors;
use serde_json::Value;
use sinew::lstm::{Context, Lstm, LstmDirection, Plan, side_by_side};

const LIMIT: f64 = 1e-4;
const GOLDEN: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/assets/golden/lstm.safetensors"
);

struct Golden<'a> {
    tensors: SafeTensors<'a>,
    case: String,
}

impl Golden<'_> {
    fn find(&self, name: &str) -> Option<(Vec<usize>, Vec<f32>)> {
        let tensor = self.tensors.tensor(&format!("{}.{name}", self.case)).ok()?;
        let values = tensor
            .data()
            .as_chunks::<4>()
            .0
            .iter()
            .map(|b| f32::from_le_bytes(*b));
        Some((tensor.shape().to_vec(), values.collect()))
    }

    fn values(&self, name: &str) -> Vec<f32> {
        self.find(name)
            .unwrap_or_else(|| panic!("{} has no {name}", self.case))
            .1
    }

    fn tensor<const D: usize>(&self, name: &str, device: &Device) -> Tensor<D> {
        let (shape, values) = self.find(name).unwrap_or_else(|| panic!("no {name}"));
        Tensor::from_data(TensorData::new(values, shape), device)
    }

    fn lengths(&self) -> Option<Vec<u32>> {
        let tensor = self
            .tensors
            .tensor(&format!("{}.lengths", self.case))
            .ok()?;
        Some(
            tensor
                .data()
                .as_chunks::<4>()
                .0
                .iter()
                .map(|b| u32::from_le_bytes(*b))
                .collect(),
        )
    }

    fn layer(&self, directions: usize, device: &Device) -> Lstm {
        let suffixes = &["", "_reverse"][..directions];
        let directions = suffixes.iter().map(|suffix| {
            let matrix =
                |n: &str| Param::from_tensor(self.tensor::<2>(&format!("{n}_l0{suffix}"), device));
            let vector =
                |n: &str| Param::from_tensor(self.tensor::<1>(&format!("{n}_l0{suffix}"), device));
            let peephole = self
                .find(&format!("weight_ci_l0{suffix}"))
                .map(|_| ["weight_ci", "weight_cf", "weight_co"].map(vector));
            LstmDirection {
                weight_ih: matrix("weight_ih"),
                weight_hh: matrix("weight_hh"),
                bias_ih: vector("bias_ih"),
                bias_hh: vector("bias_hh"),
                peephole,
            }
        });
        Lstm {
            directions: directions.collect(),
            recurrent_dropout: 0.0,
            batch_first: false,
            context: None,
        }
    }
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec::<f32>().expect("float32")
}

fn check(golden: &Golden<'_>, case: &Value, device: &Device, context: Context) -> f64 {
    let device = device.clone().autodiff();
    let directions = case["directions"].as_u64().expect("directions") as usize;
    let layer = golden.layer(directions, &device);
    let x = golden.tensor::<3>("x", &device).require_grad();
    let h0 = golden
        .find("h0")
        .map(|_| golden.tensor::<3>("h0", &device).require_grad());
    let c0 = golden
        .find("c0")
        .map(|_| golden.tensor::<3>("c0", &device).require_grad());
    let initial = h0.clone().zip(c0.clone());
    let initial = initial.map(|(h0, c0)| LstmState::new(c0, h0));
    let lengths = golden.lengths();
    let out = side_by_side(
        &[(&layer, x.clone())],
        initial,
        lengths.as_deref(),
        None,
        context,
    );
    let loss = (out.clone() * golden.tensor::<3>("loss_weight", &device)).sum();
    let grads = loss.backward();

    let mut worst = 0.0f64;
    let mut compare = |name: &str, ours: Vec<f32>, theirs: Vec<f32>| {
        let error = numerics::relative_error(&ours, &theirs);
        assert!(
            error <= LIMIT,
            "{} {name} {context:?}: relative error {error:e}",
            golden.case
        );
        worst = worst.max(error);
    };
    compare("output", values(out), golden.values("output"));
    let grad = |name: &str| golden.values(&format!("grad.{name}"));
    compare("grad.x", values(x.grad(&grads).expect("x")), grad("x"));
    for (state, name) in [(h0, "h0"), (c0, "c0")] {
        if let Some(state) = state {
            compare(name, values(state.grad(&grads).expect(name)), grad(name));
        }
    }
    for (direction, suffix) in layer.directions.iter().zip(["", "_reverse"]) {
        let mut vector = |name: &str, tensor: Tensor<1>| {
            let ours = values(tensor.grad(&grads).expect(name));
            compare(name, ours, grad(&format!("{name}_l0{suffix}")));
        };
        vector("bias_ih", direction.bias_ih.val());
        vector("bias_hh", direction.bias_hh.val());
        for (weight, name) in
            direction
                .peephole
                .iter()
                .flatten()
                .zip(["weight_ci", "weight_cf", "weight_co"])
        {
            vector(name, weight.val());
        }
        let matrices = [
            ("weight_ih", &direction.weight_ih),
            ("weight_hh", &direction.weight_hh),
        ];
        for (name, weight) in matrices {
            let ours = values(weight.val().grad(&grads).expect(name));
            compare(name, ours, grad(&format!("{name}_l0{suffix}")));
        }
    }
    worst
}

#[test]
fn outputs_and_every_gradient() {
    let bytes = std::fs::read(GOLDEN).expect("the golden file");
    let (_, metadata) = SafeTensors::read_metadata(&bytes).expect("its header");
    let cases = metadata.metadata().as_ref().expect("metadata")["cases"].clone();
    let cases: Vec<Value> = serde_json::from_str(&cases).expect("its cases");
    assert!(cases.len() >= 10, "the golden file covers the options");
    for compute in devices::devices() {
        for plan in Plan::PLAIN {
            // The second context splits every batch into single rows.
            for largest in [usize::MAX, 1] {
                let mut worst = 0.0f64;
                for case in &cases {
                    let golden = Golden {
                        tensors: SafeTensors::deserialize(&bytes).expect("its tensors"),
                        case: case["name"].as_str().expect("a name").to_string(),
                    };
                    worst = worst.max(check(
                        &golden,
                        case,
                        &compute.device,
                        Context {
                            plan: plan.into(),
                            largest,
                            ..Context::default()
                        },
                    ));
                }
                println!("{} {}: {worst:.1e}", compute.name(), plan.name());
            }
        }
    }
}
