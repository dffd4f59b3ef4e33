//! A loss, a gradient or weights that are no numbers any more stop the run, or are skipped, or send it back, as
//! `train.diverged` says; nothing of them is kept, and the clips are named.

use crate::command::{made_data, must, must_fail, run, text, train_args};
use crate::diverging::{WILD, args, data};
use crate::kill_at;
use crate::runs;
use sinew::train::{Checkpoint, Run, checkpoints};
use sinew::weights::Weights;
use std::path::Path;

#[test]
fn is_stopped_and_not_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 48);
    // Saved after every step, weights overflow in an update whose loss was still a number.
    for (name, validation, every) in [("held-out", "0.1", 0), ("all", "0", 0), ("often", "0", 1)] {
        let run = folder.path().join(name);
        let validation = format!("train.validation={validation}");
        let every = format!("train.save_every={every}");
        let mut args = train_args(
            &data,
            &run,
            &[
                "--epochs",
                "40",
                "--device",
                "cpu",
                "--set",
                &validation,
                "--set",
                &every,
            ],
        );
        // Each step multiplies the weights by a million, which leaves float32's range soon.
        args.extend(["--set", "train.optimiser=sgd", "--set", "train.lr=1e6"]);
        args.extend([
            "--set",
            "train.clip_norm=0",
            "--set",
            "train.weight_decay=1",
        ]);
        let error = must_fail(&args, 1);
        assert!(
            error.contains("no number") || error.contains("became"),
            "{error}"
        );
        assert!(error.contains("train.lr"), "{error}");
        let kept = sinew::train::checkpoints(&run.join("checkpoints")).expect("a list");
        assert!(!kept.is_empty());
        let best = run.join("best.safetensors");
        for file in kept.iter().chain(best.exists().then_some(&best)) {
            let weights = Weights::read(file).expect("whole");
            let finite = weights
                .parameters
                .values()
                .all(|(_, v)| v.iter().all(|x| x.is_finite()));
            assert!(finite, "{} holds what is no number", file.display());
        }
        must(&["check", text(&run)]);
    }
}

/// Runs a command that must end with this exit code; returns what it told.
fn told(args: &[&str], code: i32) -> String {
    let output = run(args);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{errors}");
    errors
}

fn finite(run: &Path) {
    let kept = checkpoints(&run.join("checkpoints")).expect("a list");
    for file in kept.iter().chain([&run.join("best.safetensors")]) {
        let weights = Weights::read(file).expect("whole");
        let all = weights.parameters.values().flat_map(|(_, v)| v);
        assert!(all.copied().all(f32::is_finite), "{}", file.display());
    }
}

#[test]
fn stops_and_names_the_clips() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = data(folder.path(), 24, true);
    let out = folder.path().join("run");
    let error = told(&args(&data, &out, &["train.epochs=2"]), 1);
    assert!(error.contains("the clips bad-clip;"), "{error}");
    assert!(error.contains("train.diverged"), "{error}");
    must(&["check", text(&out)]);
    let skip = ["--set", "train.diverged=skip", "--allow", "train.diverged"];
    must(&[&["train", "--resume", text(&out)][..], &skip].concat());
    finite(&out);
}

#[test]
fn skips_and_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = data(folder.path(), 24, true);
    let [whole, parts] = ["whole", "parts"].map(|name| folder.path().join(name));
    let sets = [
        "train.epochs=3",
        "train.diverged=skip",
        "train.save_every=1",
    ];
    let errors = told(&args(&data, &whole, &sets), 0);
    assert_eq!(
        errors
            .matches("the clips bad-clip; the step is skipped")
            .count(),
        3,
        "{errors}"
    );
    finite(&whole);
    // Every epoch counts the samples of its other steps.
    let metrics = Run::metrics(&whole).expect("metrics");
    assert!(
        metrics
            .iter()
            .all(|m| m.loss.is_finite() && m.step == 3 * m.epoch),
        "{metrics:?}"
    );
    #[cfg(target_os = "linux")]
    {
        let killer = kill_at::Killer::new(folder.path());
        killer.kill(&args(&data, &parts, &sets), "write step-000000002 5");
        for point in [
            "renamed step-000000002 1",
            "rename step-000000005 1",
            "write tfevents 2",
        ] {
            killer.kill(&["train", "--resume", text(&parts)], point);
        }
        must(&["train", "--resume", text(&parts)]);
        runs::same(&whole, &parts);
    }
}

#[test]
fn skips_ten_on_end_at_most() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = data(folder.path(), 2, true);
    let out = folder.path().join("run");
    let sets = ["train.epochs=99", "train.diverged=skip"];
    let errors = told(&args(&data, &out, &sets), 1);
    assert_eq!(errors.matches("the step is skipped").count(), 9, "{errors}");
    assert!(errors.contains("10 steps on end"), "{errors}");
    let metrics = Run::metrics(&out).expect("metrics");
    assert!(
        metrics[0].loss.is_nan(),
        "an epoch without a sound step has no loss"
    );
    finite(&out);
}

#[test]
fn goes_back_at_half_the_rate() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = data(folder.path(), 90, false);
    let [whole, parts] = ["whole", "parts"].map(|name| folder.path().join(name));
    let sets = [&WILD[..], &["schedule.warmup=0"]].concat();
    let errors = told(&args(&data, &whole, &sets), 0);
    assert!(
        errors.contains("back to step 0, at 1/2 of the rate"),
        "{errors}"
    );
    finite(&whole);
    let last = checkpoints(&whole.join("checkpoints")).expect("a list");
    let position = Checkpoint::load(last.last().expect("one"))
        .expect("whole")
        .position;
    assert!((1..4).contains(&position.returns), "{}", position.returns);
    let rate = 8.0 * 0.5f64.powi(position.returns as i32);
    let metrics = Run::metrics(&whole).expect("metrics");
    assert_eq!((metrics[0].lr, metrics[0].step), (rate, 90));
    #[cfg(target_os = "linux")]
    {
        let killer = kill_at::Killer::new(folder.path());
        // While it goes back: before that is kept, and after.
        killer.kill(&args(&data, &parts, &sets), "rename step-000000000 2");
        killer.kill(
            &["train", "--resume", text(&parts)],
            "renamed step-000000000 1",
        );
        must(&["train", "--resume", text(&parts)]);
        runs::same(&whole, &parts);
    }
}

#[test]
fn goes_back_three_times_at_most() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = data(folder.path(), 24, true);
    let out = folder.path().join("run");
    let sets = ["train.epochs=9", "train.diverged=back"];
    let errors = told(&args(&data, &out, &sets), 1);
    assert_eq!(errors.matches("back to step").count(), 3, "{errors}");
    assert!(errors.contains("the clips bad-clip;"), "{errors}");
    must(&["check", text(&out)]);
}
