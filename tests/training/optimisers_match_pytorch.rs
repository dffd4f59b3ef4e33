//! Adam, AdamW and SGD take the steps that PyTorch's documentation defines, with its defaults; the norm is clipped
//! over all gradients together.

use crate::numerics::{fresh, numbers, relative_error};
use crate::settings;
use burn::tensor::{Device, Tensor, TensorData};
use sinew::settings::{OptimiserKind, Preset, Train};
use sinew::train::{Gradients, Optimiser, clip};

const STEPS: usize = 12;
const SIZE: usize = 37;

fn tensor(values: &[f32]) -> Tensor<1> {
    Tensor::from_data(
        TensorData::new(values.to_vec(), [values.len()]),
        &Device::flex(),
    )
}

fn values(tensor: Tensor<1>) -> Vec<f32> {
    tensor.into_data().try_to_vec::<f32>().expect("float32")
}

/// PyTorch's documented algorithms, in float64: `torch.optim.Adam`, `AdamW`, `SGD`.
fn pytorch(train: &Train, start: &[f32], gradients: &[Vec<f32>]) -> Vec<f32> {
    let (lr, decay) = (train.lr, train.weight_decay);
    let mut x: Vec<f64> = start.iter().map(|v| f64::from(*v)).collect();
    let (mut m, mut v) = (vec![0.0; x.len()], vec![0.0; x.len()]);
    let mut velocity: Option<Vec<f64>> = None;
    for (step, gradient) in gradients.iter().enumerate() {
        let t = (step + 1) as i32;
        let mut g: Vec<f64> = gradient.iter().map(|v| f64::from(*v)).collect();
        if train.optimiser == OptimiserKind::Adamw {
            x.iter_mut().for_each(|x| *x *= 1.0 - lr * decay);
        } else {
            g.iter_mut().zip(&x).for_each(|(g, x)| *g += decay * x);
        }
        if train.optimiser == OptimiserKind::Sgd {
            let b = match velocity.take() {
                None => g.clone(),
                Some(b) => b
                    .iter()
                    .zip(&g)
                    .map(|(b, g)| train.momentum * b + g)
                    .collect(),
            };
            for (i, x) in x.iter_mut().enumerate() {
                let d = if train.nesterov {
                    g[i] + train.momentum * b[i]
                } else {
                    b[i]
                };
                *x -= lr * d;
            }
            velocity = Some(b);
            continue;
        }
        for (i, x) in x.iter_mut().enumerate() {
            m[i] = 0.9 * m[i] + 0.1 * g[i];
            v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i];
            let (m, v) = (
                m[i] / (1.0 - 0.9f64.powi(t)),
                v[i] / (1.0 - 0.999f64.powi(t)),
            );
            *x -= lr * m / (v.sqrt() + 1e-8);
        }
    }
    x.into_iter().map(|x| x as f32).collect()
}

#[test]
fn every_rule() {
    let mut rng = fresh("optimisers_match_pytorch");
    let cases = [
        "train.optimiser=adam",
        "train.optimiser=adam train.weight_decay=0.1",
        "train.optimiser=adamw train.weight_decay=0.1",
        "train.optimiser=adamw train.weight_decay=0",
        "train.optimiser=sgd train.momentum=0.9 train.weight_decay=0.05",
        "train.optimiser=sgd train.momentum=0.9 train.nesterov=true",
        "train.optimiser=sgd train.momentum=0",
    ];
    for case in cases {
        let mut sets: Vec<&str> = case.split(' ').collect();
        sets.push("train.lr=0.05");
        let train = settings::resolved(Preset::Reference, &sets).train;
        let start = numbers(&mut rng, SIZE, 1.0);
        // Some gradients are tiny: there the epsilon decides.
        let gradients: Vec<Vec<f32>> = (0..STEPS)
            .map(|_| {
                let mut g = numbers(&mut rng, SIZE, 1.0);
                g.iter_mut().take(SIZE / 3).for_each(|g| *g *= 1e-7);
                g
            })
            .collect();
        let mut optimiser = Optimiser::new(&train);
        let mut x = tensor(&start);
        for (step, gradient) in gradients.iter().enumerate() {
            // Half-way through, the optimiser is rebuilt from what a checkpoint would keep.
            if step == STEPS / 2 {
                let state = optimiser.state().expect("its state");
                optimiser = Optimiser::new(&train);
                optimiser.restore(&["x".into()], &state, &Device::flex());
            }
            x = optimiser.step("x", train.lr, x, tensor(gradient));
        }
        let expected = pytorch(&train, &start, &gradients);
        let error = relative_error(&values(x), &expected);
        println!("{case}: {error:.1e}");
        assert!(error <= 1e-5, "{case}: relative error {error:e}");
    }
}

#[test]
fn the_norm_is_global() {
    let gradients = || {
        Gradients::from([
            ("a".into(), tensor(&[3.0, 0.0])),
            ("b".into(), tensor(&[4.0])),
        ])
    };
    let clipped = |limit: f64| {
        let mut gradients = gradients();
        clip(&mut gradients, limit);
        gradients
            .into_values()
            .flat_map(values)
            .collect::<Vec<f32>>()
    };
    // torch.nn.utils.clip_grad_norm_ divides by the norm and 1e-6.
    let scale = 1.0 / (5.0 + 1e-6);
    assert!(relative_error(&clipped(1.0), &[3.0 * scale, 0.0, 4.0 * scale]) < 1e-6);
    assert_eq!(clipped(10.0), [3.0, 0.0, 4.0], "a small gradient stays");
    assert_eq!(clipped(0.0), [3.0, 0.0, 4.0], "0 leaves it as it is");
}
