//! A flipped bit in prepared data or in weights is noticed by whoever reads them, one in any file of prepared data or of a
//! run by a check, and a run starts in no folder of others. `SINEW_TEST_FLIPS=N` flips more bits.

use crate::command;
use crate::command::{made_data, must, must_fail, text, train, train_args};
use crate::runs;
use sinew::rng::Rng;
use std::path::Path;
use std::time::SystemTime;

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
    assert!(error.contains("contains other files"), "{error}");
    must(&["check", text(&data)]);
}

/// Flips random bits, one at a time, in random files of a folder, each of which a check must find.
fn flips(folder: &Path, problems: &dyn Fn(&Path) -> usize) {
    assert_eq!(problems(folder), 0);
    let seed = SystemTime::UNIX_EPOCH.elapsed().expect("a time").as_nanos() as u64;
    let asked = std::env::var("SINEW_TEST_FLIPS").ok();
    let count: usize = asked.map_or(150, |asked| asked.parse().expect("a number"));
    let (mut rng, files) = (Rng::new(seed, &[]), runs::contents(folder));
    let files: Vec<_> = files
        .iter()
        .filter(|(_, whole)| !whole.is_empty())
        .collect();
    println!(
        "{count} flips over {} files, drawn from {seed}",
        files.len()
    );
    for _ in 0..count {
        let (name, whole) = files[rng.below(files.len())];
        let mut bytes = whole.clone();
        let (at, bit) = (rng.below(bytes.len()), rng.below(8));
        bytes[at] ^= 1 << bit;
        std::fs::write(folder.join(name), bytes).expect("damaged");
        assert!(problems(folder) > 0, "{name}: bit {bit} of byte {at}");
        std::fs::write(folder.join(name), whole).expect("restored");
    }
    assert_eq!(problems(folder), 0);
}

#[test]
fn in_any_byte_of_prepared_data() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 12);
    let check = |path: &Path| sinew::prepare::check(path, None, 0, &mut |_, _| ());
    flips(&data, &|path| check(path).problems.len());
    std::fs::write(data.join("notes.txt"), "mine").expect("written");
    let checked = check(&data);
    assert!(checked.problems.is_empty());
    assert!(checked.warnings[0].to_string().contains("notes.txt"));
    std::fs::remove_file(data.join("shard-00000.safetensors")).expect("removed");
    let problem = check(&data).problems[0].to_string();
    assert!(problem.contains("shard-00000"), "{problem}");
}

#[test]
fn in_any_byte_of_a_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 24);
    let run = folder.path().join("run");
    let held_out = ["--set", "train.validation=0.3"];
    let settings = [&held_out[..], &["--epochs", "2", "--device", "cpu"]].concat();
    train(&data, &run, &settings);
    must(&["train", "--resume", text(&run), "--epochs", "4"]);
    must(&["report", text(&run), "--device", "cpu"]);
    flips(&run, &|path| sinew::train::check_run(path).problems.len());
    // What does not belong there is told and stops nothing.
    std::fs::write(run.join("notes.txt"), "mine").expect("written");
    let found = sinew::train::check_run(&run);
    assert!(found.problems.is_empty());
    assert!(found.warnings[0].to_string().contains("notes.txt"));
    must(&["check", text(&run)]);
}

#[test]
fn in_the_name_of_a_checksum() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 24);
    let run = folder.path().join("run");
    train(&data, &run, &["--epochs", "1", "--device", "cpu"]);
    // Also without the list of the folder, a run's own files must have one.
    std::fs::remove_file(run.join("checksums.json")).expect("removed");
    must(&["check", text(&run)]);
    for (name, _) in runs::contents(&run) {
        if !name.ends_with(".safetensors") {
            continue;
        }
        let (path, whole) = (
            run.join(&name),
            std::fs::read(run.join(&name)).expect("bytes"),
        );
        let key = b"\"checksum\"";
        let at = whole.windows(key.len()).position(|w| w == key);
        let mut bytes = whole.clone();
        bytes[at.expect("a checksum") + 3] ^= 1;
        std::fs::write(&path, bytes).expect("damaged");
        let error = must_fail(&["check", text(&run)], 1);
        assert!(
            error.contains(&name) && error.contains("checksum"),
            "{error}"
        );
        if name == "best.safetensors" {
            let error = must_fail(&["eval", text(&run), "--device", "cpu"], 1);
            assert!(error.contains("no checksum"), "{error}");
        }
        std::fs::write(&path, whole).expect("restored");
    }
    // Weights by themselves may come from PyTorch, which gives them none: that is said.
    let weights = folder.path().join("weights.safetensors");
    must(&["export", text(&run), "--out", text(&weights)]);
    must(&["check", text(&weights)]);
    let mut bytes = std::fs::read(&weights).expect("bytes");
    let at = bytes.windows(10).position(|w| w == b"\"checksum\"");
    bytes[at.expect("a checksum") + 3] ^= 1;
    std::fs::write(&weights, bytes).expect("damaged");
    let found = sinew::train::check_weights(&weights);
    assert!(found.problems.is_empty() && found.warnings.len() == 1);
    let bytes = std::fs::read(&weights).expect("bytes");
    std::fs::write(&weights, &bytes[..bytes.len() - 1]).expect("cut");
    must_fail(&["check", text(&weights)], 1);
}
