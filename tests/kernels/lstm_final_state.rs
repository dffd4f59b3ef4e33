//! The layer's own call: the final state is the one after each row's last valid step and has right gradients, a state
//! continues a sequence, dropout acts in training only, and the device's limits are found without help.

use crate::devices;
use crate::numerics::{fresh, numbers, relative_error};
use burn::module::Module;
use burn::nn::LstmState;
use burn::tensor::{Device, Tensor, TensorData};
use sinew::lstm::{Context, Lstm, LstmConfig, Plan};
use sinew::rng::Rng;

const LIMIT: f64 = 1e-4;

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("float32")
}

fn tensor<const D: usize>(values: &[f32], shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

fn layer(config: &LstmConfig, seed: u64, device: &Device) -> Lstm {
    let mut rng = Rng::new(seed, &[]);
    config.init_with(device, |count, bound| rng.uniform(count, bound))
}

/// Every device with each plan that WebGPU's limits allow.
fn everywhere(mut test: impl FnMut(&Device, Context, &str)) {
    for compute in devices::devices() {
        let device = compute.device.clone().autodiff();
        for plan in Plan::PLAIN {
            let name = format!("{} on {}", plan.name(), compute.name());
            test(&device, Context::on(compute, plan), &name);
        }
    }
}

/// Final hidden state, final cell state, and the gradients of x, h0, c0 and a recurrent weight, of a weighted sum of both.
fn state_and_gradients(
    lstm: &Lstm,
    [x, h0, c0, weight]: [Tensor<3>; 4],
    lengths: Option<&[usize]>,
) -> [Vec<f32>; 6] {
    let [x, h0, c0] = [x, h0, c0].map(Tensor::require_grad);
    let state = Some(LstmState::new(c0.clone(), h0.clone()));
    let (_, end) = match lengths {
        Some(lengths) => lstm.forward_with_lengths(x.clone(), lengths, state),
        None => lstm.forward(x.clone(), state),
    };
    let loss = end.hidden.clone() * weight.clone() + end.cell.clone() * (weight + 0.5);
    let grads = loss.sum().backward();
    let grad = |x: Tensor<3>| values(x.grad(&grads).expect("a gradient"));
    let w_hh = lstm.directions[0].weight_hh.val();
    let d_w_hh = values(w_hh.grad(&grads).expect("w_hh"));
    [
        values(end.hidden),
        values(end.cell),
        grad(x),
        grad(h0),
        grad(c0),
        d_w_hh,
    ]
}

#[test]
fn lengths_give_the_state_at_each_rows_end() {
    let mut rng = fresh("lengths_give_the_state_at_each_rows_end");
    let (steps, input, hidden) = (6, 3, 7);
    // Every length, none and all of the steps among them.
    let lengths: Vec<usize> = (0..=steps).collect();
    let batch = lengths.len();
    let config = LstmConfig::new(input, hidden)
        .with_bidirectional(true)
        .with_peephole(true);
    let x = numbers(&mut rng, batch * steps * input, 1.5);
    let states: Vec<_> = (0..3)
        .map(|_| numbers(&mut rng, 2 * batch * hidden, 1.0))
        .collect();
    everywhere(|device, context, name| {
        let lstm = layer(&config, 3, device).with_context(context);
        let x = tensor(&x, [batch, steps, input], device);
        let [h0, c0, weight] = [0, 1, 2].map(|n| tensor(&states[n], [2, batch, hidden], device));
        let all = [x.clone(), h0.clone(), c0.clone(), weight.clone()];
        let together = state_and_gradients(&lstm, all, Some(&lengths));
        // Each row alone, cut to its length; their weight gradients are summed.
        let mut d_w_hh = vec![0.0; 4 * hidden * hidden];
        for (row, length) in lengths.iter().enumerate() {
            let of_row = |what: &str, all: &[f32], dims: [usize; 3], ours: &[f32]| {
                let picked = tensor::<3>(all, dims, &Device::flex());
                let picked = match what {
                    "x" => picked.narrow(0, row, 1).narrow(1, 0, *length),
                    _ => picked.narrow(1, row, 1),
                };
                let error = relative_error(&values(picked), ours);
                assert!(error <= LIMIT, "{what} of row {row}: {error:e}, {name}");
            };
            let state = [2, batch, hidden];
            let [h0, c0, weight] = [&h0, &c0, &weight].map(|x| x.clone().narrow(1, row, 1));
            if *length == 0 {
                of_row("hidden", &together[0], state, &values(h0));
                of_row("cell", &together[1], state, &values(c0));
                of_row("h0", &together[3], state, &values(weight.clone()));
                of_row("c0", &together[4], state, &values(weight + 0.5));
                continue;
            }
            let x = x.clone().narrow(0, row, 1).narrow(1, 0, *length);
            let alone = state_and_gradients(&lstm, [x, h0, c0, weight], None);
            of_row("hidden", &together[0], state, &alone[0]);
            of_row("cell", &together[1], state, &alone[1]);
            of_row("x", &together[2], [batch, steps, input], &alone[2]);
            of_row("h0", &together[3], state, &alone[3]);
            of_row("c0", &together[4], state, &alone[4]);
            d_w_hh.iter_mut().zip(&alone[5]).for_each(|(a, b)| *a += b);
        }
        let error = relative_error(&together[5], &d_w_hh);
        assert!(error <= LIMIT, "w_hh: relative error {error:e}, {name}");
    });
}

/// As in `twins_match_finite_differences`: five-point differences, of a sum in double precision.
#[test]
fn finite_differences_through_the_final_state() {
    let mut rng = fresh("finite_differences_through_the_final_state");
    let (steps, batch, input, hidden) = (4, 3, 2, 3);
    let lengths = [steps, 1, 3];
    let device = Device::flex();
    for (bidirectional, peephole) in [(false, false), (true, true)] {
        let directions = if bidirectional { 2 } else { 1 };
        let config = LstmConfig::new(input, hidden)
            .with_bidirectional(bidirectional)
            .with_peephole(peephole);
        let shapes = [
            [batch, steps, input],
            [directions, batch, hidden],
            [directions, batch, hidden],
        ];
        let weight = numbers(&mut rng, directions * batch * hidden, 1.0);
        let inputs = shapes.map(|shape| numbers(&mut rng, shape.iter().product(), 1.0));
        let loss = |inputs: &[Vec<f32>; 3]| -> f64 {
            let lstm = layer(&config, 5, &device);
            let [x, h0, c0] = [0, 1, 2].map(|n| tensor(&inputs[n], shapes[n], &device));
            let state = Some(LstmState::new(c0, h0));
            let (_, end) = lstm.forward_with_lengths(x, &lengths, state);
            let sum = |x: Tensor<3>, more: f32| -> f64 {
                let terms = values(x).into_iter().zip(&weight);
                terms.map(|(x, w)| f64::from(x) * f64::from(w + more)).sum()
            };
            sum(end.hidden, 0.0) + sum(end.cell, 0.5)
        };
        let autodiff = device.clone().autodiff();
        let [x, h0, c0] = [0, 1, 2].map(|n| tensor(&inputs[n], shapes[n], &autodiff));
        let weight = tensor(&weight, shapes[1], &autodiff);
        let lstm = layer(&config, 5, &autodiff);
        let ours = state_and_gradients(&lstm, [x, h0, c0, weight], Some(&lengths));
        for (which, name) in ["x", "h0", "c0"].into_iter().enumerate() {
            let mut moved = inputs.clone();
            let differences: Vec<f32> = (0..inputs[which].len())
                .map(|i| {
                    let mut at = |by: f32| {
                        moved[which][i] = inputs[which][i] + by;
                        let value = (loss(&moved), f64::from(moved[which][i]));
                        moved[which][i] = inputs[which][i];
                        value
                    };
                    let mut slope = |by: f32| {
                        let ((up, a), (down, b)) = (at(by), at(-by));
                        (up - down) / (a - b)
                    };
                    let (near, far) = (slope(1.0 / 32.0), slope(1.0 / 16.0));
                    ((4.0 * near - far) / 3.0) as f32
                })
                .collect();
            let error = relative_error(&ours[2 + which], &differences);
            assert!(
                error <= 5e-4,
                "{name}: relative error {error:e}, {config:?}"
            );
        }
    }
}

#[test]
fn a_state_continues_a_sequence() {
    let mut rng = fresh("a_state_continues_a_sequence");
    let (steps, batch, input, hidden) = (9, 5, 4, 6);
    let x = numbers(&mut rng, batch * steps * input, 1.5);
    everywhere(|device, context, name| {
        let config = LstmConfig::new(input, hidden);
        let lstm = layer(&config, 4, device).with_context(context);
        let x = tensor(&x, [batch, steps, input], device);
        let (whole, end) = lstm.forward(x.clone(), None);
        let (first, state) = lstm.forward(x.clone().narrow(1, 0, 4), None);
        let (second, last) = lstm.forward(x.clone().narrow(1, 4, steps - 4), Some(state));
        // A batch in pieces of one row has the same state.
        let one_row = lstm.clone().with_context(Context {
            largest: 1,
            ..context
        });
        let (_, in_pieces) = one_row.forward(x.clone(), None);
        // And so has one with the steps first.
        let mut steps_first = lstm.clone();
        steps_first.batch_first = false;
        let (turned, of_turned) = steps_first.forward(x.swap_dims(0, 1), None);
        let joined = Tensor::cat(vec![first, second], 1);
        for (what, ours, expected) in [
            ("output", joined, whole.clone()),
            ("hidden", last.hidden, end.hidden.clone()),
            ("cell", last.cell, end.cell.clone()),
            ("hidden in pieces", in_pieces.hidden, end.hidden.clone()),
            ("cell in pieces", in_pieces.cell, end.cell.clone()),
            ("output, steps first", turned.swap_dims(0, 1), whole),
            ("cell, steps first", of_turned.cell, end.cell),
        ] {
            let error = relative_error(&values(ours), &values(expected));
            assert!(error <= 1e-5, "{what}: relative error {error:e}, {name}");
        }
    });
}

#[test]
fn dropout_acts_in_training_only() {
    let mut rng = fresh("dropout_acts_in_training_only");
    let (steps, batch, input, hidden) = (5, 4, 3, 16);
    let x = numbers(&mut rng, batch * steps * input, 1.5);
    let config = LstmConfig::new(input, hidden).with_recurrent_dropout(0.5);
    let autodiff = Device::flex().autodiff();
    let output = |lstm: &Lstm, device: &Device| {
        let x = tensor(&x, [batch, steps, input], device);
        values(lstm.forward(x, None).0)
    };
    let training = layer(&config, 6, &autodiff);
    let first = output(&training, &autodiff);
    assert_ne!(
        first,
        output(&training, &autodiff),
        "new masks in every call"
    );
    let plain = layer(&LstmConfig::new(input, hidden), 6, &autodiff);
    let plain = output(&plain, &autodiff);
    // Whatever the masks, no state enters the first step.
    assert_eq!(first[..hidden], plain[..hidden]);
    assert_ne!(first, plain);
    assert_eq!(output(&training.valid(), &Device::flex()), plain);
}

#[test]
fn the_limits_of_a_device_are_found() {
    for compute in devices::devices() {
        for device in [compute.device.clone(), compute.device.clone().autodiff()] {
            let found = Context::on(&device, Plan::STEPWISE);
            assert_eq!(
                found,
                Context::on(compute, Plan::STEPWISE),
                "{}",
                compute.name()
            );
        }
    }
}
