//! The last N checkpoints and the best weights are kept; what has later steps than the one just written is not.

use crate::command::{made_data, must, text, train};
use sinew::train::{Checkpoint, Run, checkpoints};
use sinew::weights::Weights;

#[test]
fn the_last_and_the_best() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 48);
    let run = folder.path().join("run");
    let more = ["--epochs", "6", "--device", "cpu", "--set", "train.keep=3"];
    let held_out = ["--set", "train.validation=0.3"];
    train(&data, &run, &[&more[..], &held_out].concat());
    let metrics = Run::metrics(&run).expect("metrics");
    let last: Vec<usize> = metrics[3..].iter().map(|m| m.step).collect();
    let kept = checkpoints(&run.join("checkpoints")).expect("a list");
    let all: Vec<Checkpoint> = kept
        .iter()
        .map(|path| Checkpoint::load(path).expect("whole"))
        .collect();
    let steps: Vec<usize> = all.iter().map(|c| c.position.step).collect();
    assert_eq!(steps, last);
    // The best epoch by the metrics is the one that the run says, and its weights are there.
    let best = metrics.iter().rfind(|m| m.best).expect("a best epoch");
    let said = all[2].position.best.expect("a best epoch");
    assert_eq!(said.epoch, best.epoch);
    let top = metrics.iter().filter_map(|m| m.validation_top1);
    assert_eq!(said.top1, top.fold(0.0, f64::max));
    let weights = Weights::read(&run.join("best.safetensors")).expect("whole");
    for checkpoint in &all {
        let same = checkpoint.parameters == weights.parameters;
        assert_eq!(same, checkpoint.position.epoch == best.epoch);
    }
}

#[test]
fn best_weights_of_epochs_that_were_given_up_are_not_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 48);
    let run = folder.path().join("run");
    let more = ["--epochs", "4", "--device", "cpu", "--set", "train.keep=9"];
    let held_out = ["--set", "train.validation=0.3"];
    train(&data, &run, &[&more[..], &held_out].concat());
    let best = || {
        let weights = Weights::read(&run.join("best.safetensors")).expect("whole");
        weights.epoch.expect("its epoch")
    };
    let before = best();
    for path in checkpoints(&run.join("checkpoints")).expect("a list") {
        if Checkpoint::load(&path).expect("whole").position.epoch >= before {
            std::fs::remove_file(&path).expect("removed");
        }
    }
    // On another way from there, the weights stay as they are.
    let on = ["train", "--resume", text(&run), "--allow", "train.lr"];
    must(&[&on[..], &["--set", "train.lr=0"]].concat());
    let metrics = Run::metrics(&run).expect("metrics");
    let said = metrics.iter().rfind(|m| m.best).expect("a best epoch");
    assert_eq!(best(), said.epoch);
    let kept = checkpoints(&run.join("checkpoints")).expect("a list");
    let there = kept
        .iter()
        .map(|path| Checkpoint::load(path).expect("whole"));
    let weights = Weights::read(&run.join("best.safetensors")).expect("whole");
    let same = |c: Checkpoint| c.position.epoch == said.epoch && c.parameters == weights.parameters;
    assert!(there.into_iter().any(same), "they are no epoch's");
}

#[test]
fn a_damaged_later_one_counts_for_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut checkpoint = Checkpoint {
        position: Default::default(),
        about: Default::default(),
        parameters: Default::default(),
        memory: Default::default(),
    };
    let mut save = |step: usize, keep: usize| {
        checkpoint.position.step = step;
        checkpoint.save(folder.path(), keep).expect("saved")
    };
    let whole = save(10, 9);
    let damaged = save(20, 9);
    std::fs::write(&damaged, b"damaged").expect("written");
    let mut told = Vec::new();
    let newest = Checkpoint::newest(folder.path(), &mut |e| told.push(e.to_string()));
    assert_eq!(newest.expect("one is whole").position.step, 10);
    assert!(
        told.len() == 1 && told[0].contains("step-000000020"),
        "{told:?}"
    );
    // Were it kept as the newest, the only whole one would go.
    let next = save(15, 1);
    assert_eq!(checkpoints(folder.path()).expect("a list"), [next]);
    assert!(!whole.exists());
}
