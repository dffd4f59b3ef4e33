//! `train.precision=f16` learns what f32 learns: a layer's outputs and gradients within 1 % of f32's, a training's losses
//! within 2 % of the first loss at every step, the same classes recognised. It is a setting like the others: kept with
//! the run, resumed exactly, refused to change unasked.

use crate::command::{made_data, must, must_fail, text, train};
use crate::devices;
use crate::emulation::emulated;
use crate::layers::{LayerConfig, outputs};
use crate::numerics::{fresh, numbers, relative_error};
use crate::settings;
use burn::tensor::{Tensor, TensorData};
use sinew::device::Compute;
use sinew::loader::Batch;
use sinew::lstm::{Context, MatrixUnits, Plan, Products};
use sinew::model::{Architecture, TwoStream};
use sinew::rng::Rng;
use sinew::settings::{Precision, Preset};
use sinew::skeleton::Layout;
use sinew::train::{Optimiser, PendingStep, Trainee};

/// What some work gives in f32, and in f16 with the products on matrix units, emulated where a device has none.
fn in_both<T>(compute: &Compute, work: impl FnMut(Context) -> T) -> [T; 2] {
    let plain = Context::on(compute, Plan::default());
    let (half, _) = plain.in_precision(Precision::F16, compute);
    if half.products != Products::F32 {
        return [plain, half].map(work);
    }
    let products = Products::MatrixUnits(MatrixUnits::Of16);
    emulated(64, || [plain, Context { products, ..half }].map(work))
}

#[test]
fn a_layer_is_near_f32() {
    let mut rng = fresh("a_layer_is_near_f32");
    for compute in devices::devices() {
        let device = compute.device.clone().autodiff();
        let config = LayerConfig {
            input: 4 + rng.below(40),
            hidden: 8 + rng.below(40),
            bidirectional: true,
            peephole: false,
        };
        let layer = config.init(&mut rng, &device);
        let shape = [2 + rng.below(9), 4 + rng.below(30), config.input];
        let x = numbers(&mut rng, shape.iter().product(), 2.0);
        let results = in_both(compute, |context| {
            let x = Tensor::<3>::from_data(TensorData::new(x.clone(), shape), &device);
            let x = x.require_grad();
            let out = outputs(&layer, x.clone(), context);
            // As small as the gradients of a mean over a large batch.
            let grads = (out.clone().powf_scalar(2.0).sum() * 1e-8).backward();
            let direction = &layer.directions[1];
            [
                out.into_data(),
                x.grad(&grads).expect("of the input").into_data(),
                direction
                    .weight_ih
                    .val()
                    .grad(&grads)
                    .expect("of W_ih")
                    .into_data(),
                direction
                    .weight_hh
                    .val()
                    .grad(&grads)
                    .expect("of W_hh")
                    .into_data(),
            ]
            .map(|data| data.try_to_vec::<f32>().expect("float32"))
        });
        let [plain, half] = &results;
        for (plain, half) in plain.iter().zip(half) {
            let error = relative_error(half, plain);
            println!("{}: {error:.1e}", compute.name());
            let case = format!("{config:?}, {shape:?} on {}", compute.name());
            assert!(error > 0.0 && error < 1e-2, "{error:e}, {case}");
        }
    }
}

const CLASSES: usize = 3;
const FRAMES: usize = 8;

/// Rows that swing in their class's own way, under noise.
fn batch(rows: usize, layout: &Layout, rng: &mut Rng) -> Batch {
    let labels: Vec<usize> = (0..rows).map(|_| rng.below(CLASSES)).collect();
    let mut x = Vec::new();
    for label in &labels {
        for place in 0..FRAMES * layout.len() * 3 {
            let phase = (place * (label + 2)) as f32 * 0.37;
            x.push(0.5 * phase.sin() + rng.range(-0.5, 0.5));
        }
    }
    Batch {
        x,
        labels,
        clips: (0..rows).collect(),
        frames: FRAMES,
        joints: layout.len(),
        channels: 3,
        ..Batch::default()
    }
}

#[test]
fn a_training_ends_the_same() {
    let mut rng = fresh("a_training_ends_the_same");
    let layout = Layout::sbu15();
    let sets = [
        "model.hidden=8",
        "model.part_hidden=8",
        "model.temporal=hierarchical",
        "data.frames=8",
    ];
    let settings = settings::resolved(Preset::Sinew, &sets);
    let batches: Vec<Batch> = (0..24).map(|_| batch(24, &layout, &mut rng)).collect();
    for compute in devices::devices() {
        let curves = in_both(compute, |context| {
            let sizes = [FRAMES, 3];
            let architecture = Architecture::new(&settings.model, &layout, sizes, CLASSES);
            let device = compute.device.clone().autodiff();
            let model = TwoStream::init(&architecture, 5, &device);
            let optimiser = Optimiser::new(&settings.train);
            let mut trainee = Trainee::new(model, optimiser, device, context);
            let mut one = |(step, batch)| {
                let found = trainee.step(std::slice::from_ref(batch), &settings, 0.01, step);
                found.and_then(PendingStep::wait).expect("numbers")
            };
            batches.iter().enumerate().map(&mut one).collect::<Vec<_>>()
        });
        let [plain, half] = &curves;
        let first = plain[0].loss;
        let apart = plain
            .iter()
            .zip(half)
            .map(|(a, b)| (a.loss - b.loss).abs() / first);
        let apart = apart.fold(0.0, f64::max);
        let right = |curve: &[sinew::train::StepNumbers]| -> usize {
            curve[18..].iter().map(|n| n.right).sum()
        };
        let last = [plain, half].map(|c| c[23].loss);
        let right = [plain, half].map(|c| right(c));
        println!(
            "{}: {apart:.1e} apart, last {last:?}, right {right:?}",
            compute.name()
        );
        assert!(
            apart > 0.0 && apart < 0.02,
            "{apart:e} on {}",
            compute.name()
        );
        assert!(last[1] < 0.8 * first, "it learns: {last:?} after {first}");
        assert!(right[0].abs_diff(right[1]) <= 4, "{right:?} of {}", 6 * 24);
    }
}

#[test]
fn it_is_a_setting_like_the_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 48);
    let [long, short, plain] = ["long", "short", "plain"].map(|name| folder.path().join(name));
    let common = [
        "--set",
        "schedule.kind=constant",
        "--set",
        "run.task=one",
        "--device",
        "cpu",
    ];
    let half = ["--set", "train.precision=f16"];
    train(
        &data,
        &long,
        &[&common[..], &half, &["--epochs", "3"]].concat(),
    );
    train(
        &data,
        &short,
        &[&common[..], &half, &["--epochs", "1"]].concat(),
    );
    train(&data, &plain, &[&common[..], &["--epochs", "3"]].concat());
    must(&["train", "--resume", text(&short), "--epochs", "3"]);
    let metrics =
        |run: &std::path::Path| std::fs::read(run.join("metrics.jsonl")).expect("metrics");
    assert!(
        metrics(&long) == metrics(&short),
        "a resumed run is the same"
    );
    assert!(metrics(&long) != metrics(&plain), "f16 is in use");
    must(&["eval", text(&long), "--device", "cpu"]);

    let config = short.join("config.toml");
    let kept = std::fs::read_to_string(&config).expect("settings");
    assert!(kept.contains("precision = \"f16\""), "{kept}");
    let change = [
        "train",
        "--resume",
        text(&short),
        "--set",
        "train.precision=f32",
    ];
    let refused = must_fail(&change, 1);
    assert!(refused.contains("train.precision is \"f16\""), "{refused}");
    must(&[&change[..], &["--allow", "train.precision"]].concat());
    // A run from before there was a choice is one in f32.
    std::fs::write(&config, kept.replace("precision = \"f16\"\n", "")).expect("written");
    must(&["train", "--resume", text(&short)]);
    let other = folder.path().join("other");
    let unknown = [
        "train",
        text(&data),
        "--protocol",
        "xsub",
        "--out",
        text(&other),
    ];
    let unknown = [&unknown[..], &["--set", "train.precision=f8"]].concat();
    let refused = must_fail(&unknown, 2);
    assert!(refused.contains("f16"), "{refused}");
}
