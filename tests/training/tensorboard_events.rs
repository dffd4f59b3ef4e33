//! RUN/tensorboard holds every step and every epoch once, as TensorBoard reads them, also where the run was killed.

use crate::command::{made_data, must, sinew, text, train, train_args};
use crate::events::{Scalar, files, repeatable, scalars};
use sinew::train::Run;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const SETTINGS: [&str; 8] = [
    "--epochs",
    "5",
    "--set",
    "train.save_every=2",
    "--device",
    "cpu",
    "--set",
    "train.eval_every=2",
];

#[test]
fn every_step_and_epoch_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 64);
    let run = folder.path().join("run");
    train(&data, &run, &SETTINGS);
    let all = scalars(&run);
    let of = |tag: &str| -> Vec<(u64, f32)> {
        let here = all.iter().filter(|scalar| scalar.tag == tag);
        here.map(|scalar| (scalar.step, scalar.value)).collect()
    };
    let metrics = Run::metrics(&run).expect("metrics");
    let last = metrics.last().expect("an epoch").step as u64;
    for tag in ["train/loss", "train/accuracy", "train/rate"] {
        let steps: Vec<u64> = of(tag).iter().map(|(step, _)| *step).collect();
        assert_eq!(steps, (1..=last).collect::<Vec<_>>(), "{tag}");
    }
    let near = |a: f32, b: f64| (f64::from(a) - b).abs() <= 1e-6 * b.abs().max(1e-9);
    let at = |tag: &str, step: usize| {
        let found = of(tag).into_iter().find(|(s, _)| *s == step as u64);
        found.map(|(_, value)| value)
    };
    for epoch in &metrics {
        assert!(near(
            at("train/rate", epoch.step).expect("a rate"),
            epoch.lr
        ));
        for (tag, value) in [
            ("validation/loss", epoch.validation_loss),
            ("validation/accuracy", epoch.validation_top1),
        ] {
            match (at(tag, epoch.step), value) {
                (Some(told), Some(value)) => assert!(near(told, value), "{tag}"),
                (None, None) => {}
                other => panic!("{tag} at {}: {other:?}", epoch.step),
            }
        }
        assert!(at("speed/clips_per_s", epoch.step).expect("a speed") > 0.0);
        assert!(at("speed/data_wait", epoch.step).is_some());
    }
    // Finished and resumed: nothing is added, nothing is lost.
    must(&["train", "--resume", text(&run)]);
    assert_eq!(all, scalars(&run));
    read_by_tensorboard(&run, &all);
}

#[test]
fn nothing_twice_and_nothing_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 96);
    let [whole, resumed] = ["whole", "resumed"].map(|name| folder.path().join(name));
    let settings = [&SETTINGS[..], &["--set", "train.keep=9"]].concat();
    train(&data, &whole, &settings);
    train(&data, &resumed, &settings);
    let wanted = repeatable(&whole);
    assert_eq!(wanted, repeatable(&resumed));
    // Goes on after ever earlier steps, within epochs and between them, with events of later ones in the files.
    for lost in 1..6 {
        let checkpoints = sinew::train::checkpoints(&resumed.join("checkpoints"));
        for newest in checkpoints.expect("checkpoints").iter().rev().take(lost) {
            fs::remove_file(newest).expect("removed");
        }
        // Half a record, as a kill within a write leaves it.
        let newest = files(&resumed).pop().expect("a file");
        let mut bytes = fs::read(&newest).expect("its bytes");
        bytes.extend([9, 0, 0, 0, 0, 0]);
        fs::write(&newest, bytes).expect("written");
        must(&["train", "--resume", text(&resumed)]);
        assert_eq!(wanted, repeatable(&resumed), "{lost} checkpoints lost");
    }
    read_by_tensorboard(&resumed, &scalars(&resumed));
}

#[test]
fn a_killed_run_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 96);
    let [whole, killed] = ["whole", "killed"].map(|name| folder.path().join(name));
    train(&data, &whole, &SETTINGS);
    let mut child = sinew(&train_args(&data, &killed, &SETTINGS))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    while !killed.join("tensorboard").exists() && child.try_wait().expect("its state").is_none() {
        std::thread::sleep(Duration::from_millis(2));
    }
    std::thread::sleep(Duration::from_millis(20));
    child.kill().expect("it is killed");
    child.wait().expect("it ends");
    must(&["train", "--resume", text(&killed)]);
    assert_eq!(repeatable(&whole), repeatable(&killed));
}

/// TensorBoard's own reader, where Python has it.
fn read_by_tensorboard(run: &Path, all: &[Scalar]) {
    const SCRIPT: &str = "
import sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1], size_guidance={'scalars': 0})
events.Reload()
for tag in sorted(events.Tags()['scalars']):
    for scalar in events.Scalars(tag):
        print(tag, scalar.step, scalar.value)
";
    let python = std::env::var("SINEW_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
    let with = Command::new(&python)
        .args(["-c", "import tensorboard"])
        .output();
    if !with.is_ok_and(|output| output.status.success()) {
        println!(
            "skipped TensorBoard's own reader: {python} has no tensorboard (SINEW_TEST_PYTHON names another)"
        );
        return;
    }
    let folder = run.join("tensorboard");
    let output = Command::new(&python)
        .args(["-c", SCRIPT, text(&folder)])
        .output();
    let output = output.expect("Python runs");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    let told = String::from_utf8(output.stdout).expect("text");
    let told: Vec<Scalar> = told
        .lines()
        .map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            Scalar {
                tag: words[0].into(),
                step: words[1].parse().expect("a step"),
                value: words[2].parse::<f64>().expect("a number") as f32,
            }
        })
        .collect();
    assert_eq!(told, all);
}
