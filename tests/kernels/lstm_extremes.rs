//! The engine at its edges: saturated gates, NaN, the smallest and the largest sizes, batches that no buffer holds.

use crate::devices;
use crate::layers::{LayerConfig, outputs};
use crate::numerics::{fresh, numbers, relative_error};
use burn::nn::LstmState;
use burn::tensor::{Device, Tensor, TensorData};
use sinew::device::Compute;
use sinew::lstm::testing::{Spec, recurrence};
use sinew::lstm::{Context, Dims, GpuLimits, Plan, Precision, side_by_side};
use sinew::rng::Rng;

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("float32")
}

fn tensor<const D: usize>(values: &[f32], shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

/// Runs a check on every device with every plan, its tiles by rule.
fn everywhere(check: impl FnMut(&Device, Context, &str)) {
    with_plans(|_| Plan::PLAIN.to_vec(), check);
}

/// Runs a check on every device with every tile of every plan that the device runs for up to 21 hidden units.
fn on_every_tile(check: impl FnMut(&Device, Context, &str)) {
    let dims = Dims {
        steps: 1,
        batch: 1,
        groups: 1,
        hidden: 21,
    };
    let plans = |compute: &Compute| match &compute.adapter {
        Some(adapter) => Plan::candidates(&GpuLimits::from(adapter), dims, Precision::F32),
        None => vec![Plan::default()],
    };
    with_plans(plans, check);
}

fn with_plans(
    plans: impl Fn(&Compute) -> Vec<Plan>,
    mut check: impl FnMut(&Device, Context, &str),
) {
    for compute in devices::devices() {
        for plan in plans(compute) {
            let context = Context {
                plan: plan.into(),
                ..Context::default()
            };
            let name = format!("{} {}", compute.name(), plan.name());
            check(&compute.device.clone().autodiff(), context, &name);
        }
    }
}

/// Signs of the gates, the cell state that follows one, and how far the output gate is open.
type Saturated = ([f32; 4], fn(f32) -> f32, f32);

/// Gates driven to their ends give the cell its limit values, and gradients stay finite.
#[test]
fn large_inputs_saturate() {
    let (steps, batch, hidden) = (5, 3, 21);
    let shape = [1, batch, hidden];
    on_every_tile(|device, context, name| {
        for size in [1e4, f32::MAX] {
            // The signs of the gates i, f, g, o, and the cell state that a step makes of the one before.
            let cases: [Saturated; 4] = [
                ([1.0, 1.0, 1.0, 1.0], |c| c + 1.0, 1.0),
                ([1.0, -1.0, -1.0, 1.0], |_| -1.0, 1.0),
                ([-1.0, 1.0, 1.0, 1.0], |c| c, 1.0),
                ([1.0, 1.0, 1.0, -1.0], |c| c + 1.0, 0.0),
            ];
            for (signs, next, open) in cases {
                let row: Vec<f32> = signs.iter().flat_map(|s| vec![s * size; hidden]).collect();
                let projected = row.repeat(steps * batch);
                let x = tensor(&projected, [steps, batch, 1, 4 * hidden], device).require_grad();
                let w_hh = tensor(
                    &vec![0.3; 4 * hidden * hidden],
                    [1, 4 * hidden, hidden],
                    device,
                )
                .require_grad();
                let c0 = tensor(&vec![0.5; batch * hidden], shape, device).require_grad();
                let h0 = Tensor::zeros(shape, device);
                let spec = Spec {
                    reverse: vec![false],
                    context,
                    ..Spec::default()
                };
                let out = recurrence(x.clone(), w_hh.clone(), h0, c0.clone(), None, None, spec);
                let mut cell = 0.5f32;
                let mut expected = Vec::new();
                for _ in 0..steps {
                    cell = next(cell);
                    expected.extend(vec![open * cell.tanh(); batch * hidden]);
                }
                let grads = out.clone().sum().backward();
                for (ours, wanted) in values(out).iter().zip(&expected) {
                    assert!(
                        (ours - wanted).abs() < 1e-5,
                        "{name} {signs:?} {size:e}: {ours}, not {wanted}"
                    );
                }
                let gradients = [
                    values(x.grad(&grads).expect("projected")),
                    values(w_hh.grad(&grads).expect("w_hh")),
                    values(c0.grad(&grads).expect("c0")),
                ];
                assert!(
                    gradients.iter().flatten().all(|x| x.is_finite()),
                    "{name} {signs:?} {size:e}: a gradient is not finite"
                );
            }
        }
    });
}

/// A whole layer, peepholes and both directions, on inputs of 1e4: bounded outputs, finite gradients.
#[test]
fn large_inputs_of_a_layer() {
    let mut rng = fresh("large_inputs_of_a_layer");
    let (steps, batch, input) = (6, 9, 5);
    for peephole in [false, true] {
        let config = LayerConfig {
            input,
            hidden: 19,
            bidirectional: true,
            peephole,
        };
        let x = numbers(&mut rng, steps * batch * input, 1e4);
        on_every_tile(|device, context, name| {
            let layer = config.init(&mut Rng::new(1, &[]), device);
            let x = tensor(&x, [steps, batch, input], device).require_grad();
            let out = outputs(&layer, x.clone(), context);
            let grads = out.clone().sum().backward();
            assert!(
                values(out).iter().all(|h| h.abs() <= 1.0),
                "{name}: outputs in ±1"
            );
            let d_x = values(x.grad(&grads).expect("x"));
            assert!(d_x.iter().all(|d| d.is_finite()), "{name}: gradients");
        });
    }
}

/// NaN enters at one step of one row: in it every number from there on, and no other.
#[test]
fn nan_stays_in_its_row() {
    let mut rng = fresh("nan_stays_in_its_row");
    let (steps, batch, input, hidden) = (5, 37, 3, 18);
    let config = LayerConfig {
        input,
        hidden,
        bidirectional: true,
        peephole: true,
    };
    on_every_tile(|device, context, name| {
        let (row, time) = (rng.below(batch), rng.below(steps));
        let layer = config.init(&mut rng, device);
        let mut x = numbers(&mut rng, steps * batch * input, 1.0);
        x[(time * batch + row) * input + rng.below(input)] = f32::NAN;
        let out = values(outputs(
            &layer,
            tensor(&x, [steps, batch, input], device),
            context,
        ));
        for (at, h) in out.iter().enumerate() {
            let (t, b) = (at / (batch * 2 * hidden), at / (2 * hidden) % batch);
            let forward = at % (2 * hidden) < hidden;
            let reached = if forward { t >= time } else { t <= time };
            let wanted = b == row && reached;
            assert_eq!(
                h.is_nan(),
                wanted,
                "{name}: row {b}, step {t}; NaN at row {row}, step {time}"
            );
        }
    });
}

/// What stands after a row's end is never read into it, not even NaN.
#[test]
fn nan_after_a_rows_end_is_not_seen() {
    let mut rng = fresh("nan_after_a_rows_end_is_not_seen");
    let (steps, batch, input, hidden) = (6, 21, 4, 17);
    let config = LayerConfig {
        input,
        hidden,
        bidirectional: true,
        peephole: true,
    };
    on_every_tile(|device, context, name| {
        let lengths: Vec<u32> = (0..batch).map(|_| rng.below(steps + 1) as u32).collect();
        let layer = config.init(&mut rng, device);
        let clean = numbers(&mut rng, steps * batch * input, 1.0);
        let after = |at: usize| at / (batch * input) >= lengths[at / input % batch] as usize;
        let with = |filler: f32| -> Vec<f32> {
            let numbers = clean.iter().enumerate();
            let x: Vec<f32> = numbers
                .map(|(at, x)| if after(at) { filler } else { *x })
                .collect();
            let x = tensor(&x, [steps, batch, input], device);
            values(side_by_side(
                &[(&layer, x)],
                None,
                Some(&lengths),
                None,
                context,
            ))
        };
        assert_eq!(with(f32::NAN), with(0.0), "{name} {lengths:?}");
    });
}

/// Outputs and the gradients of the input and of both matrices of a layer.
fn pass(
    config: LayerConfig,
    x: &[f32],
    shape: [usize; 3],
    device: &Device,
    context: Context,
) -> [Vec<f32>; 4] {
    let layer = config.init(&mut Rng::new(7, &[]), device);
    let x = tensor(x, shape, device).require_grad();
    let out = outputs(&layer, x.clone(), context);
    let grads = (out.clone() * out.clone()).sum().backward();
    let of = |x: Tensor<2>| values(x.grad(&grads).expect("a gradient"));
    let first = &layer.directions[0];
    let d_x = values(x.grad(&grads).expect("x"));
    [
        values(out),
        d_x,
        of(first.weight_ih.val()),
        of(first.weight_hh.val()),
    ]
}

fn assert_same(ours: &[Vec<f32>], theirs: &[Vec<f32>], limit: f64, case: &str) -> f64 {
    let names = ["output", "x", "weight_ih", "weight_hh"];
    let each = ours.iter().zip(theirs).zip(names).map(|((a, b), name)| {
        let error = relative_error(a, b);
        assert!(error <= limit, "{case} {name}: relative error {error:e}");
        error
    });
    each.fold(0.0, f64::max)
}

#[test]
fn large_hidden_sizes() {
    let mut rng = fresh("large_hidden_sizes");
    let (steps, batch, input) = (3, 5, 6);
    for hidden in [128, 256, 512] {
        let config = LayerConfig {
            input,
            hidden,
            bidirectional: true,
            peephole: false,
        };
        let (x, shape) = (
            numbers(&mut rng, steps * batch * input, 1.0),
            [steps, batch, input],
        );
        let cpu = pass(
            config,
            &x,
            shape,
            &Device::flex().autodiff(),
            Context::default(),
        );
        everywhere(|device, context, name| {
            let case = format!("{name} H={hidden}");
            let ours = pass(config, &x, shape, device, context);
            let error = assert_same(&ours, &cpu, 1e-4, &case);
            println!("{case}: {error:.1e} from the CPU engine");
        });
    }
}

/// Sizes that every tile divides, with full tiles: what training runs, and the other shapes here never are.
#[test]
fn full_tiles() {
    let mut rng = fresh("full_tiles");
    let dims = Dims {
        steps: 3,
        batch: 128,
        groups: 2,
        hidden: 64,
    };
    let config = LayerConfig {
        input: 8,
        hidden: dims.hidden,
        bidirectional: true,
        peephole: true,
    };
    let shape = [dims.steps, dims.batch, config.input];
    let x = numbers(&mut rng, shape.iter().product(), 1.0);
    let cpu = Device::flex().autodiff();
    let cpu = pass(config, &x, shape, &cpu, Context::default());
    let plans = |compute: &Compute| match &compute.adapter {
        Some(adapter) => Plan::candidates(&GpuLimits::from(adapter), dims, Precision::F32),
        None => vec![Plan::default()],
    };
    with_plans(plans, |device, context, name| {
        let ours = pass(config, &x, shape, device, context);
        assert_same(&ours, &cpu, 1e-4, name);
    });
}

/// More steps than a grid has workgroups along an axis, and more turns of a dispatch's loops than llvmpipe takes.
#[test]
fn a_long_recording() {
    let mut rng = fresh("a_long_recording");
    for (steps, hidden) in [(6_000, 64), (66_000, 2)] {
        let config = LayerConfig {
            input: 1,
            hidden,
            bidirectional: true,
            peephole: false,
        };
        let shape = [steps, 1, 1];
        let x = numbers(&mut rng, steps, 1.0);
        let cpu = Device::flex().autodiff();
        let cpu = pass(config, &x, shape, &cpu, Context::default());
        with_plans(
            |_| vec![Plan::RESIDENT],
            |device, context, name| {
                let ours = pass(config, &x, shape, device, context);
                assert_same(&ours, &cpu, 1e-4, &format!("{name} T={steps} H={hidden}"));
            },
        );
    }
}

/// In f32 no device multiplies on matrix units, and few keep so many units of several rows in a workgroup's memory.
#[test]
fn a_plan_that_the_device_lacks_gives_way() {
    let mut rng = fresh("a_plan_that_the_device_lacks_gives_way");
    let (shape, config) = (
        [2, 3, 4],
        LayerConfig {
            input: 4,
            hidden: 600,
            bidirectional: false,
            peephole: false,
        },
    );
    let x = numbers(&mut rng, 24, 1.0);
    let cpu = Device::flex().autodiff();
    let cpu = pass(config, &x, shape, &cpu, Context::default());
    with_plans(
        |_| Plan::ALL.to_vec(),
        |device, context, name| {
            let ours = pass(config, &x, shape, device, context);
            assert_same(&ours, &cpu, 1e-4, name);
        },
    );
}

#[test]
fn one_number() {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let config = LayerConfig {
        input: 1,
        hidden: 1,
        bidirectional: false,
        peephole: false,
    };
    everywhere(|device, context, name| {
        let layer = config.init(&mut fresh("one_number"), device);
        let d = &layer.directions[0];
        let [w, b, c] = [
            values(d.weight_ih.val()),
            values(d.bias_ih.val()),
            values(d.bias_hh.val()),
        ];
        let a = |gate: usize| 0.7 * f64::from(w[gate]) + f64::from(b[gate]) + f64::from(c[gate]);
        let cell = sigmoid(a(0)) * a(2).tanh();
        let wanted = sigmoid(a(3)) * cell.tanh();
        let out = values(outputs(
            &layer,
            tensor(&[0.7f32], [1, 1, 1], device),
            context,
        ));
        assert_eq!(out.len(), 1, "{name}");
        assert!(
            (f64::from(out[0]) - wanted).abs() < 1e-6,
            "{name}: {} not {wanted}",
            out[0]
        );
    });
}

/// Rows in pieces give what they give at once: initial states and lengths go with their rows.
#[test]
fn a_batch_in_pieces() {
    let mut rng = fresh("a_batch_in_pieces");
    let (steps, batch, input, hidden) = (4, 11, 5, 14);
    let config = LayerConfig {
        input,
        hidden,
        bidirectional: true,
        peephole: true,
    };
    let x = numbers(&mut rng, steps * batch * input, 1.0);
    let states = numbers(&mut rng, 2 * batch * hidden, 1.0);
    let lengths: Vec<u32> = (0..batch).map(|_| rng.below(steps + 1) as u32).collect();
    let a_row = steps * 2 * 4 * hidden * size_of::<f32>();
    everywhere(|device, context, name| {
        let layer = config.init(&mut Rng::new(3, &[]), device);
        let all = |largest: usize| {
            let x = tensor(&x, [steps, batch, input], device).require_grad();
            let h = tensor(&states, [2, batch, hidden], device).require_grad();
            let c = h.clone() * 0.5;
            let context = Context { largest, ..context };
            let out = side_by_side(
                &[(&layer, x.clone())],
                Some(LstmState::new(c, h.clone())),
                Some(&lengths),
                None,
                context,
            );
            let grads = (out.clone() * out.clone()).sum().backward();
            let w_hh = layer.directions[1].weight_hh.val();
            let grad = |x: Tensor<3>| values(x.grad(&grads).expect("a gradient"));
            let d_w_hh = values(w_hh.grad(&grads).expect("w_hh"));
            [values(out), grad(x), grad(h), d_w_hh]
        };
        let whole = all(usize::MAX);
        for largest in [0, 3 * a_row, batch * a_row - 1] {
            assert_same(
                &all(largest),
                &whole,
                1e-5,
                &format!("{name} largest={largest}"),
            );
        }
    });
}

/// A batch beyond the adapter's own limits, forward and backward: its gates outgrow one binding, or its states one
/// dispatch.
#[test]
fn a_batch_beyond_the_adapters_limits() {
    const SMALL: usize = 1 << 28;
    let mut rng = fresh("a_batch_beyond_the_adapters_limits");
    let config = LayerConfig {
        input: 1,
        hidden: 16,
        bidirectional: false,
        peephole: false,
    };
    let gates = 4 * 16 * size_of::<f32>();
    for compute in devices::devices().iter().filter(|c| c.adapter.is_some()) {
        let device = compute.device.clone().autodiff();
        let mut cases = vec![(1, 65_535 * 64 / 16 + 5_000)];
        if compute.largest() <= SMALL {
            cases.push((8, compute.largest() / gates / 8 + 5_000));
        } else {
            println!(
                "{}: a binding holds {} bytes, too many to exceed here",
                compute.name(),
                compute.largest()
            );
        }
        for (steps, batch) in cases {
            let shape = [steps, batch, 1];
            let x = numbers(&mut rng, steps * batch, 1.0);
            let cpu = pass(
                config,
                &x,
                shape,
                &Device::flex().autodiff(),
                Context::default(),
            );
            let context = Context {
                largest: compute.largest(),
                ..Context::default()
            };
            let case = format!("{} T={steps} B={batch}", compute.name());
            let ours = pass(config, &x, shape, &device, context);
            // Output and the gradient of the input. Those of the weights are sums over so many rows and steps that
            // software Vulkan, which ends a loop after 65 535 turns, gives them wrong.
            let error = assert_same(&ours[..2], &cpu[..2], 1e-4, &case);
            println!("{case}: {error:.1e} from the CPU engine");
        }
    }
}
