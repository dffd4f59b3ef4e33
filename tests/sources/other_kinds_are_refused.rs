//! Clips of another skeleton get no scores, and a run does not start from weights of another skeleton, of other classes or
//! of another model: each is refused with what differs.

use crate::command;
use crate::command::{must, must_fail, text};
use crate::skeleton_text;
use crate::waves::{LAYOUT, prepare, rows, set, train_args};
use std::path::{Path, PathBuf};

const CLASSES: [&str; 2] = ["left wave", "right wave"];

fn trained(folder: &Path) -> PathBuf {
    let set = set(&folder.join("set"), &rows(&CLASSES), LAYOUT, None);
    let data = prepare(&set, &folder.join("data"));
    let run = folder.join("run");
    must(&train_args(&data, &run, &[]));
    run
}

#[test]
fn clips_of_another_skeleton_are_not_scored() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = trained(folder.path());
    let predict = |clips: &Path| {
        let args = ["predict", text(&run), text(clips), "--device", "cpu"];
        args.map(String::from)
    };
    let must = |clips: &Path| must(&predict(clips).each_ref().map(String::as_str));
    let must_fail = |clips: &Path| must_fail(&predict(clips).each_ref().map(String::as_str), 1);
    let good = folder.path().join("set");
    must(&good);
    // Spelling makes no difference.
    let spelt = LAYOUT
        .replace("left hand", "Left_Hand")
        .replace("'metre'", "'m'");
    must(&set(
        &folder.path().join("spelt"),
        &rows(&CLASSES),
        &spelt,
        None,
    ));
    let changes = [
        (
            "'left hand', 'right hand'",
            "'right hand', 'left hand'",
            "joint 2 is \"right hand\" in the clips and \"left hand\" in the weights",
        ),
        (
            "'metre'",
            "'pixel'",
            "the unit is pixel in the clips and metre in the weights",
        ),
        (
            "'+y'",
            "'-y'",
            "up is -y in the clips and +y in the weights",
        ),
        (
            "[3, 1]",
            "[3, 0]",
            "joint 3 (\"right hand\") hangs from \"hip\" in the clips",
        ),
        ("bones", "centre = 1\nbones", "centre"),
    ];
    for (number, (from, to, says)) in changes.into_iter().enumerate() {
        let other = folder.path().join(format!("other{number}"));
        let layout = LAYOUT.replace(from, to);
        assert_ne!(layout, LAYOUT);
        set(&other, &rows(&CLASSES), &layout, None);
        let error = must_fail(&other);
        assert!(error.contains(says), "{says}: {error}");
        // A clip by itself is of the layout that lies beside it.
        let error = must_fail(&other.join("0.npy"));
        assert!(error.contains(says), "{says}: {error}");
        std::fs::remove_file(other.join("layout.toml")).expect("removed");
        must(&other.join("0.npy"));
    }
    // Each array is of the layout in its own folder.
    let other = folder.path().join("last");
    let layout = LAYOUT.replace("'metre'", "'pixel'");
    set(&other, &rows(&CLASSES), &layout, None);
    let both = [good.join("0.npy"), other.join("0.npy")];
    let args = [
        "predict",
        text(&run),
        text(&both[0]),
        text(&both[1]),
        "--device",
        "cpu",
    ];
    let error = command::must_fail(&args, 1);
    assert!(
        error.contains("layout.toml") && error.contains("differs from"),
        "{error}"
    );
    let real = must_fail(&skeleton(folder.path()));
    assert!(
        real.contains("25 joints (ntu25)") && real.contains("4 (waver)"),
        "{real}"
    );
}

/// A clip in NTU's format.
fn skeleton(folder: &Path) -> PathBuf {
    let archive = folder.join("made.zip");
    must(&[
        "synth",
        "--out",
        text(&archive),
        "--clips",
        "2",
        "--classes",
        "2",
    ]);
    archive
}

#[test]
fn weights_of_another_kind_start_no_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = trained(folder.path());
    let weights = first.join("best.safetensors");
    let other = |name: &str, classes: &[&str], layout: &str, order: Option<&str>| {
        let set = set(&folder.path().join(name), &rows(classes), layout, order);
        prepare(&set, &folder.path().join(format!("{name}-data")))
    };
    let run = folder.path().join("second");
    let refused = |data: &Path, more: &[&str], says: &[&str]| {
        let init = [&["--init", text(&weights)], more].concat();
        let error = must_fail(&train_args(data, &run, &init), 1);
        for says in says {
            assert!(error.contains(says), "{says}: {error}");
        }
        assert!(!run.exists(), "a folder was made");
    };
    let same = folder.path().join("data");
    let swapped = other("swapped", &CLASSES, LAYOUT, Some("right wave\nleft wave\n"));
    refused(
        &swapped,
        &[],
        &[
            "class 0 is \"right wave\" in the data and \"left wave\" in the weights",
            "--init-head new",
        ],
    );
    let three = ["left wave", "right wave", "rest"];
    let three = other("three", &three, LAYOUT, None);
    refused(
        &three,
        &[],
        &[
            "the data have 3 classes and the weights 2",
            "--init-head new",
        ],
    );
    let hands = LAYOUT.replace("'left hand', 'right hand'", "'right hand', 'left hand'");
    let hands = other("hands", &CLASSES, &hands, None);
    refused(&hands, &["--init-head", "new"], &["joint 2 is"]);
    let parts = format!(
        "{LAYOUT}parts = [{{ name = 'all', joints = [3, 2, 1, 0] }}]\nchain = [0, 1, 2, 3]\n"
    );
    let parts = other("parts", &CLASSES, &parts, None);
    refused(&parts, &[], &["parts"]);
    // As many channels with another meaning: joints and motion for joints, bones and motion of …
    let of_inputs = [
        "--set",
        "data.bones=false",
        "--set",
        "data.people=concatenate",
    ];
    refused(
        &same,
        &of_inputs,
        &[
            "data.bones is true in the weights and false in these settings",
            "--set data.people=average",
        ],
    );
    refused(
        &same,
        &["--set", "model.hidden=9"],
        &[
            "model.hidden is 8 in the weights and 9 in these settings",
            "--set model.hidden=8",
        ],
    );
    // The same kind is taken, and with a new head other classes are.
    must(&train_args(&same, &run, &["--init", text(&weights)]));
    for (name, data) in [("a", &three), ("b", &swapped)] {
        let run = folder.path().join(name);
        let head = ["--init", text(&weights), "--init-head", "new"];
        must(&train_args(data, &run, &head));
        let classes = if name == "a" { 3 } else { 2 };
        let first = sinew::train::checkpoints(&run.join("checkpoints")).expect("a list");
        let started = sinew::weights::Weights::read(&first[0]).expect("weights");
        let from = sinew::weights::Weights::read(&weights).expect("weights");
        assert_eq!(started.classes.len(), classes);
        for (tensor, numbers) in &started.parameters {
            let head = tensor.contains(".fc.");
            assert_eq!(
                Some(numbers) != from.parameters.get(tensor),
                head,
                "{tensor}"
            );
        }
    }
}

#[test]
fn the_cases_that_were_reported() {
    let Some(cases) = skeleton_text::data("cases") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let data = prepare(&cases.join("waves"), &path("data"));
    let run = path("run");
    must(&train_args(&data, &run, &[]));
    let weights = run.join("best.safetensors");
    let turned = cases.join("01_right_hand_first");
    let error = must_fail(
        &["predict", text(&run), text(&turned), "--device", "cpu"],
        1,
    );
    assert!(error.contains("joint 2 is"), "{error}");
    for (case, says) in [
        ("03_classes_other_order", "class 0 is"),
        ("u_three_classes", "3 classes"),
    ] {
        let data = prepare(&cases.join(case), &path(case));
        let other = path("other");
        let error = must_fail(&train_args(&data, &other, &["--init", text(&weights)]), 1);
        assert!(
            error.contains(says) && error.contains("--init-head new"),
            "{error}"
        );
    }
}
