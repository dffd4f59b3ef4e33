//! Fifty steps of training lose step by step what PyTorch loses from the same weights and batches: every variant of the
//! model, with SGD, Adam and AdamW in turn, weight decay, a clipped norm, smoothed labels and a rate that changes.

use crate::golden::{Case, cases};
use burn::tensor::Device;
use sinew::lstm::Context;
use sinew::settings::{OptimiserKind as Rule, Preset, Settings};
use sinew::train::{Optimiser, PendingStep, Trainee, rate};

/// Of a loss, absolute.
const LIMIT: f64 = 2e-4;

/// The differences of each step's loss.
fn trained(case: &Case) -> Vec<f64> {
    let (settings, epoch) = (&case.settings, case.batches.len());
    let device = Device::flex().autodiff();
    let mut trainee = Trainee::new(
        case.model(&device),
        Optimiser::new(&settings.train),
        device,
        Context::default(),
    );
    let expected = case.numbers("losses");
    assert_eq!(expected.len(), settings.train.epochs * epoch);
    let differences = expected.iter().enumerate().map(|(step, theirs)| {
        let train = &settings.train;
        let lr = rate(&settings.schedule, train.lr, step, epoch, train.epochs);
        let batch = std::slice::from_ref(&case.batches[step % epoch]);
        let ours = trainee
            .step(batch, settings, lr, step)
            .and_then(PendingStep::wait);
        (ours.expect("numbers").loss - f64::from(*theirs)).abs()
    });
    differences.collect()
}

#[test]
fn step_by_step() {
    let cases = cases();
    let mut far = Vec::new();
    for rule in [Rule::Sgd, Rule::Adam, Rule::Adamw] {
        let own = cases.iter().filter(|c| c.settings.train.optimiser == rule);
        let (mut count, mut worst) = (0, 0.0f64);
        for case in own {
            for (step, difference) in trained(case).into_iter().enumerate() {
                // Also where it is NaN.
                if difference.is_nan() || difference > LIMIT {
                    far.push(format!("{} step {step}: {difference:.1e}", case.name));
                }
                worst = worst.max(difference);
            }
            count += 1;
        }
        println!("{rule:?}: {count} variants, largest difference {worst:.1e}");
        assert!(count >= 16, "the golden file covers {rule:?}");
    }
    assert!(far.is_empty(), "far from PyTorch: {}", far.join("\n"));
    // What the presets train with is among the cases.
    for preset in Preset::ALL {
        let wanted = Settings::preset(preset).expect("a preset");
        let (train, schedule) = (&wanted.train, &wanted.schedule);
        let covered = cases.iter().any(|c| {
            c.settings.train.optimiser == train.optimiser
                && c.settings.train.nesterov == train.nesterov
                && c.settings.schedule.kind == schedule.kind
                && (c.settings.train.clip_norm > 0.0 || train.clip_norm == 0.0)
                && (c.settings.train.label_smoothing > 0.0 || train.label_smoothing == 0.0)
                && (c.settings.schedule.warmup > 0.0 || schedule.warmup == 0.0)
        });
        assert!(covered, "no case trains as {preset} does");
    }
}
