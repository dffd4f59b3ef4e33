//! What a user can get wrong on the command line ends in one clear line and the right exit code: 2 for bad usage, 1 for
//! what is wrong with the input or the machine.

use crate::command::{TINY, made_data, must, must_fail, run, sinew, text, train, train_args};
use serde_json::Value;

#[test]
fn bad_usage_is_exit_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 24);
    let out = folder.path().join("run");
    let base = [
        "train",
        text(&data),
        "--protocol",
        "xsub",
        "--out",
        text(&out),
    ];
    let with = |more: &[&str]| must_fail(&[&base[..], more].concat(), 2);
    let nearest = with(&["--set", "train.learning_rate=1"]);
    assert!(
        nearest.contains("no setting") && nearest.contains("train.l"),
        "{nearest}"
    );
    assert!(with(&["--set", "modell.hidden=1"]).contains("model.hidden"));
    assert!(with(&["--set", "train.lr=fast"]).contains("wrong value"));
    assert!(with(&["--set", "train.keep=0"]).contains("train.keep must be at least 1"));
    assert!(with(&["--preset", "best"]).contains("sinew, paper, reference"));
    assert!(with(&["--plan", "quick"]).contains("resident, stepwise or stepwise-units"));
    with(&["--device", "quantum"]);
    with(&["--epochs", "many"]);
    must_fail(&["trane"], 2);
    assert!(!out.exists(), "nothing is left behind");
    let file = folder.path().join("mine.toml");
    std::fs::write(&file, "[train]\nlr = 0.1\nlr = 0.2\n").expect("a file");
    let error = must_fail(&[&base[..], &["--config", text(&file)]].concat(), 1);
    assert!(error.contains("line 3"), "{error}");
    std::fs::write(&file, "[model]\nhidden = \"8\"\n").expect("a file");
    let error = must_fail(&[&base[..], &["--config", text(&file)]].concat(), 1);
    assert!(
        error.contains("mine.toml") && error.contains("expected a whole number"),
        "{error}"
    );
}

#[test]
fn an_unknown_protocol_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 24);
    let out = folder.path().join("run");
    let base = |protocol| {
        [
            "train",
            text(&data),
            "--protocol",
            protocol,
            "--out",
            text(&out),
        ]
    };
    let error = must_fail(&base("xsubject"), 1);
    assert!(
        error.contains("xsubject") && error.contains("xview"),
        "{error}"
    );
    let error = must_fail(&base("fold1"), 1);
    assert!(error.contains("sbu"), "{error}");
    assert!(!out.exists(), "nothing is left behind");
}

#[test]
fn without_any_adapter() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 24);
    let hidden = |args: &[&str]| {
        // The loader then finds no driver at all.
        let output = sinew(args)
            .env("VK_DRIVER_FILES", "/nonexistent")
            .env("VK_ICD_FILENAMES", "/nonexistent")
            .output()
            .expect("the command starts");
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
            errors,
        )
    };
    if !cfg!(target_os = "linux") {
        println!("skipped: only on Linux can the drivers be hidden");
        return;
    }
    let (code, _, errors) = hidden(&["devices"]);
    assert_eq!(code, Some(0), "{errors}");
    let (code, json, _) = hidden(&["devices", "--json"]);
    assert_eq!((code, json.trim()), (Some(0), "[]"));
    let out = folder.path().join("run");
    let mut args = vec![
        "train",
        text(&data),
        "--protocol",
        "xsub",
        "--out",
        text(&out),
    ];
    args.extend(TINY);
    let (code, _, errors) = hidden(&[&args[..], &["--epochs", "1", "--device", "gpu"]].concat());
    assert_eq!(code, Some(1));
    assert!(
        errors.contains("no GPU") && errors.contains("install"),
        "{errors}"
    );
    let (code, _, errors) = hidden(&[&args[..], &["--epochs", "1", "--device", "7"]].concat());
    assert!(
        code == Some(1) && errors.contains("no adapter 7"),
        "{errors}"
    );
    let (code, _, errors) = hidden(&[&args[..], &["--epochs", "1"]].concat());
    assert_eq!(code, Some(0), "{errors}");
    assert!(errors.contains("CPU engine"), "{errors}");
}

#[test]
fn json_is_alone_on_standard_output() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 24);
    let out = folder.path().join("run");
    train(&data, &out, &["--epochs", "1", "--device", "cpu"]);
    let archive = folder.path().join("made.zip");
    let (run_folder, data, archive) = (text(&out), text(&data), text(&archive));
    for args in [
        &["devices", "--json"][..],
        &["check", data, "--json"],
        &["check", archive, "--json"],
        &["check", run_folder, "--json"],
        &["inspect", data, "--json"],
        &["eval", run_folder, "--json", "--device", "cpu"],
        &[
            "predict", run_folder, archive, "--json", "--device", "cpu", "--top", "1",
        ],
        &[
            "bench", "kernels", "--json", "--device", "cpu", "--batch", "2", "--steps", "3",
            "--input", "4", "--hidden", "5", "--runs", "1",
        ],
    ] {
        let said = must(args);
        serde_json::from_str::<Value>(&said).unwrap_or_else(|e| panic!("{args:?}: {e}: {said}"));
    }
}

#[test]
fn a_runs_settings_make_the_same_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 24);
    let [first, again] = ["first", "again"].map(|name| folder.path().join(name));
    let paper = ["--preset", "paper", "--epochs", "1", "--device", "cpu"];
    train(&data, &first, &paper);
    let config = first.join("config.toml");
    let mut args = vec!["train", text(&data), "--protocol", "xsub"];
    args.extend(["--device", "cpu", "--config", text(&config)]);
    args.extend(["--set", "run.task=first", "--out", text(&again)]);
    must(&args);
    for file in ["config.toml", "metrics.jsonl", "best.safetensors"] {
        let [a, b] = [&first, &again].map(|run| std::fs::read(run.join(file)).expect("a file"));
        assert!(a == b, "{file} differs");
    }
    args.extend(["--preset", "reference"]);
    let error = must_fail(&args, 2);
    assert!(error.contains("is based on the preset paper"), "{error}");
}

/// A pipe can be read once.
#[cfg(unix)]
#[test]
fn settings_come_from_a_pipe() {
    use std::io::Write;
    use std::process::Stdio;
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 24);
    let out = folder.path().join("run");
    let args = train_args(&data, &out, &["--config", "/dev/stdin"]);
    let mut command = sinew(&args);
    command.stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("sinew");
    let mut pipe = child.stdin.take().expect("a pipe");
    let settings = "[run]\npreset = \"reference\"\n[train]\nlr = 0.0123\nepochs = 1\n";
    pipe.write_all(settings.as_bytes()).expect("written");
    drop(pipe);
    let output = child.wait_with_output().expect("an end");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    let config = std::fs::read_to_string(out.join("config.toml")).expect("settings");
    for line in ["preset = \"reference\"", "lr = 0.0123"] {
        assert!(config.contains(line), "no {line} in {config}");
    }
}

#[test]
fn every_command_helps() {
    for command in [
        "demo", "devices", "synth", "prepare", "check", "inspect", "train", "crossval", "eval",
        "predict", "export",
    ] {
        let help = must(&[command, "--help"]);
        assert!(
            help.contains("Example"),
            "{command} shows no example: {help}"
        );
    }
    for measurement in ["check", "kernels", "loader", "prepare", "table", "train"] {
        let help = must(&["bench", measurement, "--help"]);
        assert!(help.contains("Example"), "bench {measurement}: {help}");
    }
    assert!(must(&["--version"]).contains(env!("CARGO_PKG_VERSION")));
    assert_eq!(run(&[]).status.code(), Some(2));
}

#[test]
fn wrong_input_is_exit_1_and_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    made_data(folder.path(), 24);
    let whole = std::fs::read(folder.path().join("made.zip")).expect("an archive");
    let mut flipped = whole.clone();
    let middle = whole.len() / 2;
    flipped[middle] ^= 0xff;
    let cases: [(&str, &[u8]); 4] = [
        ("page.zip", b"<!DOCTYPE html><title>log in</title>"),
        ("cut.zip", &whole[..middle]),
        ("flipped.zip", &flipped),
        (
            "S001C001P001R001A001.skeleton",
            b"1\n1\n7 0 0 0 0 0 0 0 0 2\n24\n",
        ),
    ];
    for (name, bytes) in cases {
        let source = folder.path().join(name);
        std::fs::write(&source, bytes).expect("a file");
        let out = folder.path().join(format!("from-{name}"));
        let error = must_fail(&["prepare", text(&source), "--out", text(&out)], 1);
        assert!(error.contains(name), "{error}");
        assert!(
            !error.contains("panicked") && !error.contains("internal error"),
            "{error}"
        );
        let told = error.lines().filter(|line| line.contains(name)).count();
        assert_eq!(told, 1, "one line a fault: {error}");
        // Nothing that a later command would take for prepared data.
        let train = ["train", text(&out), "--protocol", "xsub", "--out"];
        let run = folder.path().join("run");
        must_fail(&[&train[..], &[text(&run)]].concat(), 1);
        must_fail(&["check", text(&source)], 1);
    }
}

#[test]
fn built_in_layouts_are_listed_and_printed() {
    let list = must(&["layouts"]);
    let names: Vec<&str> = list
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(names, ["ntu25", "sbu15", "kinect20", "coco17"]);
    assert!(list.contains("17 joints  unit: pixel") && list.contains("up: -y  COCO: 17 keypoints"));
    // What is printed is a layout.toml.
    let printed = must(&["layouts", "kinect20"]);
    let place = sinew::error::Place::file("layout.toml");
    let layout = sinew::skeleton::Layout::from_toml(&printed, &place).expect("sound");
    assert_eq!(layout, sinew::skeleton::Layout::kinect20());
    let error = must_fail(&["layouts", "kinekt20"], 2);
    assert!(
        error.contains("unknown built-in layout \"kinekt20\"; did you mean kinect20?"),
        "{error}"
    );
}
