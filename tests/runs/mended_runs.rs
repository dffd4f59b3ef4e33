//! Damaged or edited text files of a run are found, change nothing in silence, and can be mended.

use crate::command;
use crate::command::{made_data, must, must_fail, run, text, train};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A finished run of four epochs, the folder that it is in, and its data.
fn finished() -> (TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 24);
    let run = folder.path().join("run");
    train(&data, &run, &["--epochs", "4", "--device", "cpu"]);
    (folder, run, data)
}

/// Replaces the first `from` in a file; returns its bytes before.
fn edit(path: &Path, from: &[u8], to: &[u8]) -> Vec<u8> {
    let whole = std::fs::read(path).expect("bytes");
    let at = whole.windows(from.len()).position(|part| part == from);
    let at = at.unwrap_or_else(|| panic!("no {from:?}"));
    let edited = [&whole[..at], to, &whole[at + from.len()..]].concat();
    std::fs::write(path, edited).expect("written");
    whole
}

/// Runs a command that must succeed; returns what it told.
fn told(args: &[&str]) -> String {
    let output = run(args);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{args:?}: {errors}");
    errors
}

#[test]
fn edited_settings_are_refused() {
    let (_folder, run, _) = finished();
    let config = run.join("config.toml");
    let resume = ["train", "--resume", text(&run)];
    let whole = edit(&config, b"lr = 0.002", b"lr = 0.003");
    for list in [true, false] {
        if !list {
            // The newest checkpoint alone tells.
            std::fs::remove_file(run.join("checksums.json")).expect("removed");
        }
        let error = must_fail(&resume, 1);
        let what = "train.lr is 0.002 and would be 0.003";
        assert!(error.contains(what) && error.contains("--mend"), "{error}");
        for command in ["eval", "report"] {
            let error = must_fail(&[command, text(&run), "--device", "cpu"], 1);
            let what = "train.lr is 0.003 and was 0.002";
            assert!(error.contains(what), "{command}: {error}");
        }
        let error = must_fail(&["check", text(&run)], 1);
        assert!(error.contains("train.lr is 0.003 and was 0.002"), "{error}");
    }
    let mended = told(&["check", text(&run), "--mend"]);
    assert!(mended.contains("config.toml: rewritten"), "{mended}");
    assert!(
        std::fs::read(&config).expect("bytes") == whole,
        "not as it was"
    );
    // More epochs are more epochs only where they are asked for.
    edit(&config, b"epochs = 4", b"epochs = 6");
    let error = must_fail(&resume, 1);
    let what = "train.epochs is 4 and would be 6";
    assert!(error.contains(what), "{error}");
    must(&[&resume[..], &["--epochs", "5"]].concat());
    // By its name, an edit holds; so does one that changes nothing.
    edit(&config, b"lr = 0.002", b"lr = 0.001");
    must(&[&resume[..], &["--allow", "train.lr", "--epochs", "6"]].concat());
    let now = std::fs::read_to_string(&config).expect("text");
    assert!(now.contains("lr = 0.001") && now.contains("epochs = 6"));
    edit(&config, b"lr = 0.001", b"# mine\nlr   = 0.001");
    must_fail(&["check", text(&run)], 1);
    must(&resume);
    assert!(std::fs::read_to_string(&config).expect("text") == now);
    must(&["check", text(&run)]);
}

#[test]
fn settings_that_cannot_be_read_are_written_anew() {
    let (_folder, run, data) = finished();
    let config = run.join("config.toml");
    for (from, to, line) in [
        (&b"seed"[..], &b"s\xffed"[..], "line 7"),
        (b"epochs = 4", b"epochs = = 4", "line "),
        (b"[model]", b"[modal]", "modal"),
    ] {
        let whole = edit(&config, from, to);
        for command in [
            &["train", "--resume", text(&run)][..],
            &["eval", text(&run), "--device", "cpu"],
            &["check", text(&run)],
        ] {
            let error = must_fail(command, 1);
            assert!(error.contains(line) && error.contains("--mend"), "{error}");
        }
        told(&["check", text(&run), "--mend"]);
        assert!(
            std::fs::read(&config).expect("bytes") == whole,
            "not as it was"
        );
        must(&["train", "--resume", text(&run)]);
    }
    // It may be gone, too.
    let whole = std::fs::read(&config).expect("bytes");
    std::fs::remove_file(&config).expect("removed");
    let error = must_fail(&["check", text(&run)], 1);
    assert!(
        error.contains("no config.toml") && error.contains("--mend"),
        "{error}"
    );
    let mended = told(&["check", text(&run), "--mend"]);
    assert!(mended.contains("sinew train DATA --resume"), "{mended}");
    must(&["train", text(&data), "--resume", text(&run)]);
    assert!(
        std::fs::read(&config).expect("bytes") == whole,
        "not as it was"
    );
    // Where the data are stands in no checkpoint.
    edit(&config, b"data = \"", b"data = \"\xff");
    let mended = told(&["check", text(&run), "--mend"]);
    assert!(mended.contains("sinew train DATA --resume"), "{mended}");
    must(&["train", text(&data), "--resume", text(&run)]);
    must(&["check", text(&run)]);
}

#[test]
fn lines_are_lost_one_by_one_and_said() {
    let (_folder, run, _) = finished();
    for name in ["metrics.jsonl", "timing.jsonl"] {
        let path = run.join(name);
        let lines = || {
            std::fs::read_to_string(&path)
                .expect("text")
                .lines()
                .count()
        };
        // A byte that is no text, in the second of four lines.
        edit(&path, b"\"epoch\":2", b"\"epoch\":\xff");
        let error = must_fail(&["check", text(&run)], 1);
        assert!(error.contains(name) && error.contains("line 2"), "{error}");
        let told_of = told(&["train", "--resume", text(&run)]);
        let what = "no readable line for epoch 2";
        assert!(
            told_of.contains(name) && told_of.contains(what),
            "{told_of}"
        );
        assert_eq!(lines(), 3);
        // Known by then, it is no news.
        let quiet = told(&["train", "--resume", text(&run)]);
        assert!(!quiet.contains(what), "{quiet}");
        assert!(told(&["check", text(&run)]).contains(what));
        // A digit that is another one.
        edit(&path, b"\"epoch\":3,\"s", b"\"epoch\":3, \"s");
        must_fail(&["check", text(&run)], 1);
        let told_of = told(&["check", text(&run), "--mend"]);
        assert!(
            told_of.contains("changed since it was written"),
            "{told_of}"
        );
        // Emptied.
        std::fs::write(&path, "").expect("emptied");
        must_fail(&["check", text(&run)], 1);
        let told_of = told(&["train", "--resume", text(&run)]);
        assert!(told_of.contains("for epoch 1 to 4"), "{told_of}");
        must(&["check", text(&run)]);
    }
    must(&["report", text(&run), "--device", "cpu"]);
}

#[test]
fn lines_of_epochs_that_run_again_come_back() {
    let (_folder, run, _) = finished();
    let (metrics, newest) = (run.join("metrics.jsonl"), |run: &Path| {
        let list = sinew::train::checkpoints(&run.join("checkpoints"));
        list.expect("a list").pop().expect("a checkpoint")
    });
    std::fs::remove_file(newest(&run)).expect("removed");
    let whole = edit(&metrics, b"\"epoch\":4", b"\"epoch\":\xff");
    // Half a line, as a kill leaves it.
    let mut bytes = std::fs::read(&metrics).expect("bytes");
    bytes.extend(b"{\"epo");
    std::fs::write(&metrics, bytes).expect("written");
    // The listed bytes are others, which alone is said.
    let told_of = told(&["train", "--resume", text(&run)]);
    assert!(!told_of.contains("no readable line"), "{told_of}");
    assert!(std::fs::read(&metrics).expect("bytes") == whole);
    must(&["check", text(&run)]);
}

#[test]
fn event_files_that_are_cut_short_are_found() {
    let (_folder, run, _) = finished();
    let events = run.join("tensorboard/events.out.tfevents.0000000000.sinew");
    let whole = std::fs::read(&events).expect("bytes");
    // Behind the first record, which is whole then, and within the last.
    let record = 16 + usize::from(whole[0]);
    for end in [record, whole.len() - 3] {
        std::fs::write(&events, &whole[..end]).expect("cut");
        let error = must_fail(&["check", text(&run)], 1);
        assert!(error.contains("cut short"), "{error}");
    }
    // What is whole is kept.
    let mut bytes = whole.clone();
    bytes[record + 20] ^= 1;
    std::fs::write(&events, bytes).expect("damaged");
    must_fail(&["check", text(&run)], 1);
    let told_of = told(&["check", text(&run), "--mend"]);
    assert!(told_of.contains("bytes are dropped"), "{told_of}");
    let left = std::fs::metadata(&events).expect("there").len() as usize;
    assert!(left < whole.len() && left + 100 > whole.len(), "{left}");
    must(&["check", text(&run)]);
}

#[test]
fn a_run_of_an_earlier_version_passes() {
    let (_folder, run, _) = finished();
    let list = run.join("checksums.json");
    std::fs::remove_file(&list).expect("removed");
    let note = told(&["check", text(&run)]);
    assert!(note.contains("no checksums.json"), "{note}");
    must(&["train", "--resume", text(&run)]);
    assert!(list.exists());
    let note = told(&["check", text(&run)]);
    assert!(!note.contains("warning"), "{note}");
    // A damaged list is told of, and made anew.
    edit(&list, b"sinew", b"\xffinew");
    must_fail(&["check", text(&run)], 1);
    let note = told(&["train", "--resume", text(&run)]);
    assert!(note.contains("checksums.json"), "{note}");
    must(&["check", text(&run)]);
}

#[test]
fn a_stretched_schedule_is_said_before_it_is() {
    let (_folder, run, _) = finished();
    let said = told(&["train", "--resume", text(&run), "--epochs", "8"]);
    let what = "train.epochs 4 to 8 stretches the cosine schedule: the learning rate goes from ";
    let at = said.find(what).unwrap_or_else(|| panic!("{said}"));
    let rates: Vec<f64> = said[at + what.len()..]
        .split(' ')
        .filter_map(|word| word.parse().ok())
        .take(2)
        .collect();
    assert!(rates[0] < 2e-4 && rates[1] > 5e-4, "{rates:?}");
    assert!(at < said.find("epoch 5/8").expect("its line"), "{said}");
    let again = told(&["train", "--resume", text(&run)]);
    assert!(!again.contains("stretches"), "{again}");
    // A constant rate stays.
    let constant = run.with_file_name("constant");
    let settings = ["--epochs", "2", "--device", "cpu"];
    let settings = [&settings[..], &["--set", "schedule.kind=constant"]].concat();
    train(&run.with_file_name("data"), &constant, &settings);
    let said = told(&["train", "--resume", text(&constant), "--epochs", "3"]);
    assert!(!said.contains("stretches"), "{said}");
}

#[test]
fn what_can_be_read_stays_and_what_is_lost_is_said() {
    let (_folder, run, data) = finished();
    let metrics = run.join("metrics.jsonl");
    let whole = std::fs::read_to_string(&metrics).expect("text");
    // A line once more, which says that it is of an epoch that was there already.
    let first = whole.lines().next().expect("a line");
    std::fs::write(&metrics, format!("{whole}{first}\n")).expect("written");
    let error = must_fail(&["check", text(&run)], 1);
    assert!(error.contains("epoch 1 comes after epoch 4"), "{error}");
    // With the newest checkpoint damaged, mending drops that line alone; going back is what --resume does.
    let checkpoints = sinew::train::checkpoints(&run.join("checkpoints")).expect("a list");
    let newest = checkpoints.last().expect("a checkpoint");
    edit(newest, b"F32", b"F33");
    let output = command::run(&["check", text(&run), "--mend"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(std::fs::read_to_string(&metrics).expect("text"), whole);
    // A comment is no other setting, but not what the run wrote either.
    let config = run.join("config.toml");
    let before = edit(&config, b"[model]", b"[model] # mine");
    command::run(&["check", text(&run), "--mend"]);
    assert!(std::fs::read(&config).expect("bytes") == before);
    // An event file that is gone is said.
    std::fs::remove_dir_all(run.join("tensorboard")).expect("removed");
    let output = command::run(&["check", text(&run), "--mend"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("tensorboard") && said.contains("gone"),
        "{said}"
    );
    // Numbers that are lost are said where they are drawn.
    std::fs::write(&metrics, "").expect("written");
    let said = told(&["report", text(&run), "--device", "cpu"]);
    assert!(said.contains("no numbers of epoch 1 to"), "{said}");
    // A run whose settings are gone is not taken for an empty folder.
    std::fs::remove_file(&config).expect("removed");
    let error = must_fail(&command::train_args(&data, &run, &["--epochs", "1"]), 1);
    assert!(error.contains("--mend") && newest.exists(), "{error}");
}
