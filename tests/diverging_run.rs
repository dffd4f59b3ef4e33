//! A loss or weights that are no numbers any more stop the run, and nothing of them is kept.

#[path = "common/command.rs"]
mod command;

use command::{made_data, must, must_fail, text, train_args};
use sinew::export::Weights;

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
