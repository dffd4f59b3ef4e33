//! A flipped bit in prepared data or in weights is noticed by whoever reads them, and a run starts in no folder of others.

#[path = "common/command.rs"]
mod command;

use command::{made_data, must, must_fail, text, train, train_args};
use std::path::Path;

fn flip(path: &Path, from_end: usize) {
    let mut bytes = std::fs::read(path).expect("a file");
    let at = bytes.len() - from_end;
    bytes[at] ^= 1;
    std::fs::write(path, bytes).expect("written");
}

#[test]
fn in_shards() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 24);
    flip(&data.join("shard-00000.safetensors"), 100);
    let run = folder.path().join("run");
    let args = train_args(
        &data,
        &run,
        &[
            "--epochs",
            "1",
            "--device",
            "cpu",
            "--set",
            "train.validation=0",
        ],
    );
    let trained = command::run(&args);
    // The last clip of the shard trains or tests; whichever, its reader says so.
    let error = if trained.status.success() {
        must_fail(&["eval", text(&run), "--device", "cpu"], 1)
    } else {
        assert_eq!(trained.status.code(), Some(1));
        String::from_utf8_lossy(&trained.stderr).into_owned()
    };
    assert!(
        error.contains("checksum") && error.contains("S0"),
        "{error}"
    );
    must_fail(&["check", text(&data)], 1);
}

#[test]
fn in_weights() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 24);
    let run = folder.path().join("run");
    train(&data, &run, &["--epochs", "1", "--device", "cpu"]);
    must(&["check", text(&run)]);
    flip(&run.join("best.safetensors"), 5);
    let error = must_fail(&["eval", text(&run), "--device", "cpu"], 1);
    assert!(
        error.contains("best.safetensors") && error.contains("checksum"),
        "{error}"
    );
    must_fail(&["check", text(&run)], 1);
}

#[test]
fn in_what_a_run_has_no_more() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 24);
    let run = folder.path().join("run");
    train(&data, &run, &["--epochs", "1", "--device", "cpu"]);
    let hidden = folder.path().join("hidden");
    for name in [
        "best.safetensors",
        "checkpoints",
        "timing.jsonl",
        "metrics.jsonl",
    ] {
        std::fs::rename(run.join(name), &hidden).expect("moved");
        let error = must_fail(&["check", text(&run)], 1);
        assert!(error.contains(name), "{error}");
        std::fs::rename(&hidden, run.join(name)).expect("moved back");
    }
    must(&["check", text(&run)]);
    for path in sinew::train::checkpoints(&run.join("checkpoints")).expect("a list") {
        std::fs::remove_file(path).expect("removed");
    }
    let error = must_fail(&["check", text(&run)], 1);
    assert!(error.contains("no whole checkpoint"), "{error}");
}

#[test]
fn a_folder_of_other_things_takes_no_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 24);
    let args = train_args(&data, &data, &["--epochs", "1", "--device", "cpu"]);
    let error = must_fail(&args, 1);
    assert!(error.contains("holds other things"), "{error}");
    must(&["check", text(&data)]);
}
