//! A layer gives the outputs, final states and gradients of Burn's own `nn::Lstm` with the same weights, in one direction
//! and both.
//! Relative error at most 1e-4 on every device, with every plan.

use crate::devices;
use crate::layers::{LayerConfig, outputs};
use crate::numerics::{fresh, numbers, relative_error};
use burn::module::Param;
use burn::nn::{GateController, Linear, Lstm, LstmConfig, LstmState};
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use sinew::lstm::{Context, LstmDirection, Plan};

const LIMIT: f64 = 1e-4;

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("float32")
}

/// Our order of gates, i, f, g, o, in Burn's module.
fn gates(lstm: &Lstm) -> [&GateController; 4] {
    let forget = lstm.forget_gate.as_ref().expect("a forget gate");
    [&lstm.input_gate, forget, &lstm.cell_gate, &lstm.output_gate]
}

/// The rows of one gate of a stack of four.
fn rows<const D: usize>(stack: &Tensor<D>, gate: usize) -> Tensor<D> {
    let hidden = stack.dims()[0] / 4;
    stack.clone().narrow(0, gate * hidden, hidden)
}

/// Burn's layer with the weights of one of our directions; its matrices are the transposed ones.
fn burn_layer(ours: &LstmDirection, reverse: bool, device: &Device) -> Lstm {
    let [wide, input] = ours.weight_ih.dims();
    let config = LstmConfig::new(input, wide / 4, true).with_batch_first(false);
    let mut lstm = config.with_reverse(reverse).init(device);
    let linear = |into: &mut Linear, weight: &Tensor<2>, bias: &Tensor<1>, gate: usize| {
        let (weight, bias) = (rows(weight, gate).transpose(), rows(bias, gate));
        let shape = weight.dims();
        let weight = TensorData::new(values(weight), shape);
        let bias = TensorData::new(values(bias), [shape[1]]);
        into.weight = Param::from_tensor(Tensor::from_data(weight, device));
        into.bias = Some(Param::from_tensor(Tensor::from_data(bias, device)));
    };
    let forget = lstm.forget_gate.as_mut().expect("a forget gate");
    let gates = [
        &mut lstm.input_gate,
        forget,
        &mut lstm.cell_gate,
        &mut lstm.output_gate,
    ];
    for (gate, controller) in gates.into_iter().enumerate() {
        let (ih, hh) = (
            &mut controller.input_transform,
            &mut controller.hidden_transform,
        );
        linear(ih, &ours.weight_ih.val(), &ours.bias_ih.val(), gate);
        linear(hh, &ours.weight_hh.val(), &ours.bias_hh.val(), gate);
    }
    lstm
}

/// Gradients of one direction and of Burn's layer, in the same order: per gate, two matrices and two biases.
fn gradients(
    (ours, our_grads): (&LstmDirection, &Gradients),
    (theirs, their_grads): (&Lstm, &Gradients),
) -> Vec<(String, Vec<f32>, Vec<f32>)> {
    let matrix = |p: &Param<Tensor<2>>, g: &Gradients| p.val().grad(g).expect("a gradient");
    let vector = |p: &Param<Tensor<1>>, g: &Gradients| p.val().grad(g).expect("a gradient");
    let mut all = Vec::new();
    for (gate, controller) in gates(theirs).into_iter().enumerate() {
        let pairs = [
            (
                "ih",
                &ours.weight_ih,
                &ours.bias_ih,
                &controller.input_transform,
            ),
            (
                "hh",
                &ours.weight_hh,
                &ours.bias_hh,
                &controller.hidden_transform,
            ),
        ];
        for (name, weight, bias, linear) in pairs {
            let our = rows(&matrix(weight, our_grads), gate).transpose();
            let their = matrix(&linear.weight, their_grads);
            all.push((
                format!("weight_{name} of gate {gate}"),
                values(our),
                values(their),
            ));
            let our = rows(&vector(bias, our_grads), gate);
            let their = vector(linear.bias.as_ref().expect("a bias"), their_grads);
            all.push((
                format!("bias_{name} of gate {gate}"),
                values(our),
                values(their),
            ));
        }
    }
    all
}

/// Output, then the gradient of the input, by Burn's layers on one device.
struct Burn {
    layers: Vec<Lstm>,
    out: Vec<f32>,
    d_x: Vec<f32>,
    grads: Gradients,
}

fn burn(layer: &sinew::lstm::Lstm, x: Tensor<3>, weight: Tensor<3>, device: &Device) -> Burn {
    let directions = layer.directions.iter().zip([false, true]);
    let layers: Vec<Lstm> = directions.map(|(d, r)| burn_layer(d, r, device)).collect();
    let x = x.require_grad();
    let outs = layers.iter().map(|l| l.forward(x.clone(), None).0);
    let out = Tensor::cat(outs.collect(), 2);
    let grads = (out.clone() * weight).sum().backward();
    let d_x = values(x.grad(&grads).expect("x"));
    let out = values(out);
    Burn {
        layers,
        out,
        d_x,
        grads,
    }
}

#[test]
fn outputs_and_every_gradient() {
    let mut rng = fresh("lstm_matches_burn");
    for compute in devices::devices() {
        let device = compute.device.clone().autodiff();
        let mut worst = [[0.0f64; 2]; 2];
        for bidirectional in [false, true, true] {
            let (steps, batch) = (2 + rng.below(5), 1 + rng.below(20));
            let (input, hidden) = (1 + rng.below(20), 2 + rng.below(40));
            let config = LayerConfig {
                input,
                hidden,
                bidirectional,
                peephole: false,
            };
            let layer = config.init(&mut rng, &device);
            let mut tensor = |width: usize| {
                let numbers = numbers(&mut rng, steps * batch * width, 1.5);
                Tensor::<3>::from_data(TensorData::new(numbers, [steps, batch, width]), &device)
            };
            let (x, weight) = (tensor(input), tensor(hidden * layer.directions.len()));
            let theirs = burn(&layer, x.clone(), weight.clone(), &device);
            for (plan, worst) in Plan::PLAIN.into_iter().zip(&mut worst) {
                let case = format!(
                    "T={steps} B={batch} I={input} H={hidden} bidirectional={bidirectional} {} on {}",
                    plan.name(),
                    compute.name()
                );
                let x = x.clone().require_grad();
                let out = outputs(
                    &layer,
                    x.clone(),
                    Context {
                        plan: plan.into(),
                        ..Context::default()
                    },
                );
                let grads = (out.clone() * weight.clone()).sum().backward();
                let mut compare = |name: &str, which: usize, ours: &[f32], theirs: &[f32]| {
                    let error = relative_error(ours, theirs);
                    assert!(error <= LIMIT, "{name}: relative error {error:e} in {case}");
                    worst[which] = worst[which].max(error);
                };
                compare("output", 0, &values(out), &theirs.out);
                compare("x", 1, &values(x.grad(&grads).expect("x")), &theirs.d_x);
                for (direction, burn) in layer.directions.iter().zip(&theirs.layers) {
                    let all = gradients((direction, &grads), (burn, &theirs.grads));
                    for (name, ours, theirs) in all {
                        compare(&name, 1, &ours, &theirs);
                    }
                }
            }
        }
        for (plan, [out, gradients]) in Plan::PLAIN.into_iter().zip(worst) {
            let engine = format!("{} {}", compute.name(), plan.name());
            println!("{engine}: output {out:.1e}, gradients {gradients:.1e}");
        }
    }
}

/// Initial states, and a loss of the output and both final states.
#[test]
fn final_states_and_their_gradients() {
    let mut rng = fresh("lstm_matches_burn_states");
    for compute in devices::devices() {
        let device = compute.device.clone().autodiff();
        for bidirectional in [false, true] {
            let (steps, batch) = (1 + rng.below(6), 1 + rng.below(20));
            let (input, hidden) = (1 + rng.below(20), 2 + rng.below(40));
            let config = LayerConfig {
                input,
                hidden,
                bidirectional,
                peephole: false,
            };
            let layer = config.init(&mut rng, &device);
            let directions = layer.directions.len();
            let mut tensor = |shape: [usize; 3]| {
                let numbers = numbers(&mut rng, shape.iter().product(), 1.5);
                Tensor::<3>::from_data(TensorData::new(numbers, shape), &device)
            };
            let (x, weight) = (
                tensor([steps, batch, input]),
                tensor([steps, batch, hidden * directions]),
            );
            let [h0, c0, weight_h, weight_c] =
                [(); 4].map(|()| tensor([directions, batch, hidden]));
            let loss = |output: Tensor<3>, state: &LstmState<3>| {
                (output * weight.clone()).sum()
                    + (state.hidden.clone() * weight_h.clone()).sum()
                    + (state.cell.clone() * weight_c.clone()).sum()
            };
            let inputs = || [&x, &h0, &c0].map(|x| x.clone().require_grad());
            let results = |output: Tensor<3>, state: LstmState<3>, inputs: [Tensor<3>; 3]| {
                let grads = loss(output.clone(), &state).backward();
                let [d_x, d_h0, d_c0] = inputs.map(|x| values(x.grad(&grads).expect("a gradient")));
                let all = [values(output), values(state.hidden), values(state.cell)];
                (all, [d_x, d_h0, d_c0], grads)
            };
            let burns: Vec<Lstm> = (layer.directions.iter().zip([false, true]))
                .map(|(direction, reverse)| burn_layer(direction, reverse, &device))
                .collect();
            let [x_in, h_in, c_in] = inputs();
            let each = burns.iter().enumerate().map(|(d, lstm)| {
                let of = |state: &Tensor<3>| state.clone().narrow(0, d, 1).squeeze_dim::<2>(0);
                lstm.forward(x_in.clone(), Some(LstmState::new(of(&c_in), of(&h_in))))
            });
            let (outputs, states): (Vec<_>, Vec<_>) = each.unzip();
            let theirs = results(
                Tensor::cat(outputs, 2),
                LstmState::stack(states, 0),
                [x_in, h_in, c_in],
            );
            for plan in Plan::PLAIN {
                let case = format!(
                    "T={steps} B={batch} I={input} H={hidden} bidirectional={bidirectional} {} on {}",
                    plan.name(),
                    compute.name()
                );
                let [x, h0, c0] = inputs();
                let layer = layer.clone().with_context(Context::on(compute, plan));
                let state = LstmState::new(c0.clone(), h0.clone());
                let (output, state) = layer.forward(x.clone(), Some(state));
                let ours = results(output, state, [x, h0, c0]);
                let names = ["output", "hidden", "cell", "x", "h0", "c0"];
                let pairs = (ours.0.iter().zip(&theirs.0)).chain(ours.1.iter().zip(&theirs.1));
                for (name, (ours, theirs)) in names.into_iter().zip(pairs) {
                    let error = relative_error(ours, theirs);
                    assert!(error <= LIMIT, "{name}: relative error {error:e} in {case}");
                }
                for (direction, burn) in layer.directions.iter().zip(&burns) {
                    for (name, ours, theirs) in gradients((direction, &ours.2), (burn, &theirs.2)) {
                        let error = relative_error(&ours, &theirs);
                        assert!(error <= LIMIT, "{name}: relative error {error:e} in {case}");
                    }
                }
            }
        }
    }
}
