//! `scripts/convert_pyskl.py` takes the skeleton pickles that people have, and says what looks wrong in them.
//!
//! Needs a Python with NumPy; SINEW_TEST_PYTHON names one. Without it each test prints that it is skipped.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{must, text};
use crate::python::{outcome, python, script};
use sinew::shards::Prepared;
use tempfile::tempdir;

/// Makes a pickle a case: `clips` is twelve annotations of two classes, eight of them for training.
const MAKE: &str = r#"
import pickle, sys
import numpy as np

def scope():
    rng = np.random.default_rng(0)
    clips = [
        {
            "frame_dir": f"v{n:02}",
            "label": n % 2,
            "total_frames": 20,
            "img_shape": (1080, 1920),
            "keypoint": rng.uniform(10, 900, (1, 20, 17, 2)).astype(np.float16),
        }
        for n in range(12)
    ]

    def change(**more):
        for clip in clips:
            clip.update({key: make(clip) for key, make in more.items()})

    def split(train=8):
        names = [clip["frame_dir"] for clip in clips]
        return {"annotations": clips, "split": {"train": names[:train], "test": names[train:]}}

    return dict(np=np, clips=clips, change=change, split=split, rng=rng)

for number, code in enumerate(sys.argv[2:]):
    names = scope()
    exec(code, names)
    with open(f"{sys.argv[1]}/{number}.pkl", "wb") as file:
        pickle.dump(names["content"], file)
"#;

/// Pickles what each piece of code leaves as `content`; the files.
fn pickles(python: &str, folder: &Path, codes: &[&str]) -> Vec<PathBuf> {
    let output = Command::new(python)
        .args(["-c", MAKE, text(folder)])
        .args(codes)
        .output()
        .expect("Python starts");
    assert!(output.status.success(), "{codes:?}: {output:?}");
    let file = |number| folder.join(format!("{number}.pkl"));
    (0..codes.len()).map(file).collect()
}

/// A conversion that must succeed: its warnings.
fn converted(python: &str, args: &[&str]) -> String {
    let output = script(python, "convert_pyskl.py", args);
    let (code, errors) = outcome(&output);
    assert_eq!(code, Some(0), "{args:?}: {errors}");
    errors
}

/// A conversion that must fail and leave nothing: its errors.
fn refused(python: &str, args: &[&str], out: &Path) -> String {
    let output = script(python, "convert_pyskl.py", args);
    let (code, errors) = outcome(&output);
    assert_eq!(code, Some(1), "{args:?}: {errors}");
    assert!(!out.exists(), "{args:?} left {}", out.display());
    errors
}

/// Shape and name of every clip after `sinew prepare`, and the numbers of the first.
fn prepared(folder: &Path, data: &Path) -> (Prepared, Vec<f32>) {
    let (source, out) = (text(folder), text(data));
    must(&["prepare", source, "--dataset", "clips", "--out", out]);
    let data = Prepared::open(data).expect("prepared data");
    let first = data.clip(0).expect("a clip").data.clone();
    (data, first)
}

/// The twelve clips as they are and in shapes that say the same: each becomes the same folder, without a warning.
#[test]
fn pickles_that_say_the_same_convert_alike() {
    let Some(python) = python("numpy") else {
        return;
    };
    let dir = tempdir().expect("a folder");
    let out = |name: &str| dir.path().join(name);
    let same: [(&str, &str, &[&str]); 10] = [
        ("plain", "content = split()", &[]),
        (
            "labels of numpy",
            "change(label=lambda c: np.int64(c['label'])); content = split()",
            &[],
        ),
        (
            "whole floats",
            "change(label=lambda c: float(c['label'])); content = split()",
            &[],
        ),
        (
            "labels from 1",
            "change(label=lambda c: c['label'] + 1); content = split()",
            &["--first-label", "1"],
        ),
        (
            "no total_frames",
            "[clip.pop('total_frames') for clip in clips]; content = split()",
            &[],
        ),
        (
            "one person",
            "change(keypoint=lambda c: c['keypoint'][0]); content = split()",
            &[],
        ),
        (
            "frames first",
            "change(keypoint=lambda c: c['keypoint'].swapaxes(0, 1)); content = split()",
            &["--axes", "frames-people"],
        ),
        (
            "score third",
            "change(keypoint=lambda c: np.concatenate([c['keypoint'], rng.uniform(0.1, 1, (1, 20, 17, 1))], axis=3)); content = split()",
            &["--third", "score"],
        ),
        (
            "arrays",
            "content = split(); content['annotations'] = np.array(clips, dtype=object); content['split'] = {key: np.array(names) for key, names in content['split'].items()}",
            &[],
        ),
        (
            "by name",
            "content = split(); content['annotations'] = {clip.pop('frame_dir'): clip for clip in clips}",
            &[],
        ),
    ];
    let files = pickles(&python, dir.path(), &same.map(|(_, code, _)| code));
    let folder = out("plain");
    for ((name, _, args), file) in same.into_iter().zip(files) {
        let out = out(name);
        let errors = converted(
            &python,
            &[&[text(&file), "--out", text(&out)], args].concat(),
        );
        assert_eq!(errors, "", "{name}");
        for entry in fs::read_dir(&folder).expect("a folder") {
            let file = entry.expect("an entry").file_name();
            if name == "labels from 1" && (file == "classes.txt" || file == "clips.csv") {
                continue; // the classes are named after their labels
            }
            let bytes = |folder: &Path| fs::read(folder.join(&file)).expect("a file");
            assert!(bytes(&out) == bytes(&folder), "{name}: {file:?} differs");
        }
    }
    let (data, first) = prepared(&folder, &out("data"));
    assert_eq!(data.manifest().classes, ["class 0", "class 1"]);
    assert_eq!(data.len(), 12);
    assert_eq!(first.len(), 20 * 17 * 3);
}

/// More people than sinew takes for usual: where the axes are named, the layout says how many there are.
#[test]
fn a_crowd_is_prepared() {
    let Some(python) = python("numpy") else {
        return;
    };
    let dir = tempdir().expect("a folder");
    let code = "change(keypoint=lambda c: np.repeat(c['keypoint'], 8, axis=0) + rng.uniform(1, 2, (8, 1, 1, 1))); content = split()";
    let files = pickles(&python, dir.path(), &[code]);
    let (out, data) = (dir.path().join("out"), dir.path().join("data"));
    let args = [text(&files[0]), "--out", text(&out)];
    let errors = refused(&python, &args, &out);
    assert!(errors.contains("--axes people-frames"), "{errors}");
    let axes = ["--axes", "people-frames"];
    converted(&python, &[&args[..], &axes].concat());
    let (data, _) = prepared(&out, &data);
    assert!(data.manifest().clips.iter().all(|clip| clip.bodies == 8));
}

/// Numbers as names, lists with a role each, and names that are no file names.
#[test]
fn names_and_roles() {
    let Some(python) = python("numpy") else {
        return;
    };
    let dir = tempdir().expect("a folder");
    let out = |name: &str| dir.path().join(name);
    let odd = "['a/b', 'a_b', 'A_B', '', '../../x', '.hidden', 'x' * 300, 'l\\nine', 'é', 'e\\u0301', 'p', 'q']";
    let odd =
        format!("for clip, name in zip(clips, {odd}): clip['frame_dir'] = name\ncontent = split()");
    let numbers = "change(frame_dir=lambda c: int(c['frame_dir'][1:])); content = split()";
    let codes = [numbers, "content = clips[:8]", "content = clips[8:]", &odd];
    let files = pickles(&python, dir.path(), &codes);
    let [numbers, first, second, odd] = [0, 1, 2, 3].map(|number: usize| text(&files[number]));
    // No two of them are the same file where upper and lower case are one, and none is hidden.
    let long = "x".repeat(200);
    let odd_names = "_.._x a_b a_b-2 a_b-3 clip hidden l_ine p q é é-2".split(' ');
    let odd_names: Vec<&str> = odd_names.chain([long.as_str()]).collect();
    let numbered: Vec<String> = (0..12).map(|number| number.to_string()).collect();
    let numbered = numbered.iter().map(String::as_str).collect();
    for (name, file, expected) in [("numbers", numbers, numbered), ("odd", odd, odd_names)] {
        converted(&python, &[file, "--out", text(&out(name))]);
        let data = prepared(&out(name), &out(&format!("{name} data"))).0;
        let clips = data.manifest().clips.iter();
        let names: BTreeSet<String> = clips.map(|clip| clip.name.to_lowercase()).collect();
        let expected: BTreeSet<String> = expected.into_iter().map(String::from).collect();
        assert_eq!(names, expected);
    }

    let folder = out("roles");
    let errors = refused(&python, &[first, "--out", text(&folder)], &folder);
    assert!(
        errors.contains("--train TRAIN.pkl --test TEST.pkl"),
        "{errors}"
    );
    let args = ["--train", first, "--test", first, "--out", text(&folder)];
    let errors = refused(&python, &args, &folder);
    assert!(errors.contains("v00: the same clip is in"), "{errors}");
    let args = ["--train", first, "--test", second, "--out", text(&folder)];
    assert_eq!(converted(&python, &args), "");
    let data = prepared(&folder, &out("2")).0;
    let split = |role: &str| {
        let clips = data.manifest().clips.iter();
        clips
            .filter(|c| c.about.split.as_deref() == Some(role))
            .count()
    };
    assert_eq!((split("train"), split("val"), split("test")), (8, 0, 4));
}

/// What is not there becomes NaN; what the coordinates are centred on stays.
#[test]
fn zeros_are_missing_unless_they_are_the_origin() {
    let Some(python) = python("numpy") else {
        return;
    };
    let dir = tempdir().expect("a folder");
    let out = |name: &str| dir.path().join(name);
    let cases = [
        ("clips[0]['keypoint'][0, 3, 7] = 0; content = split()", true),
        (
            "scores = np.ones((1, 20, 17)); scores[0, 3, 7] = 0; clips[0]['keypoint_score'] = scores; content = split()",
            true,
        ),
        (
            "change(keypoint=lambda c: c['keypoint'] - c['keypoint'][:, :, 7:8]); content = split()",
            false,
        ),
    ];
    let files = pickles(&python, dir.path(), &cases.map(|(code, _)| code));
    for (number, (code, missing)) in cases.into_iter().enumerate() {
        let folder = out(&format!("clips{number}"));
        converted(&python, &[text(&files[number]), "--out", text(&folder)]);
        let (_, first) = prepared(&folder, &out(&format!("data{number}")));
        let nan: Vec<usize> = (0..first.len()).filter(|&at| first[at].is_nan()).collect();
        let joint = (3 * 17 + 7) * 3;
        let expected: Vec<usize> = if missing {
            (joint..joint + 3).collect()
        } else {
            Vec::new()
        };
        assert_eq!(nan, expected, "{code}");
    }
}

/// What looks wrong is said by name, and what would teach something else is refused with what to write instead.
#[test]
fn what_looks_wrong_is_said() {
    let Some(python) = python("numpy") else {
        return;
    };
    let dir = tempdir().expect("a folder");
    let out = dir.path().join("case");
    let names = dir.path().join("names.txt");
    fs::write(&names, "sit\nwalk\nrun\n").expect("names");
    let classes = ["--classes", text(&names)];
    let warned: [(&str, &[&str], &str); 5] = [
        (
            "change(label=lambda c: c['label'] + 1); content = split()",
            &[],
            "warning: no clips of class 0: the labels start at 1; if 1 is the first class, write --first-label 1",
        ),
        (
            "change(label=lambda c: c['label'] + 1); content = split()",
            &classes,
            "warning: no clips of sit: the labels start at 1",
        ),
        (
            "change(label=lambda c: c['label'] * 2); content = split()",
            &classes,
            "warning: no clips of walk:",
        ),
        (
            "clips[11]['label'] = 2; content = split()",
            &classes,
            "warning: test or val clips and no training clips of run",
        ),
        ("content = split(12)", &[], "warning: no test clips"),
    ];
    let files = pickles(&python, dir.path(), &warned.map(|(code, _, _)| code));
    for ((code, more, expected), file) in warned.into_iter().zip(files) {
        let errors = converted(
            &python,
            &[&[text(&file), "--out", text(&out)], more].concat(),
        );
        assert!(errors.contains(expected), "{code}: {errors}");
        fs::remove_dir_all(&out).expect("removed");
    }
    let refusals: [(&str, &[&str], &str); 12] = [
        (
            "change(label=lambda c: 0); content = split()",
            &[],
            "all training clips are of one class, class 0",
        ),
        (
            "content = split(); content['split']['train'] = []",
            &[],
            "no list train with clips in it",
        ),
        (
            "change(label=lambda c: c['label'] + 0.5); content = split()",
            &[],
            "label is 0.5, not a whole number",
        ),
        (
            "change(label=lambda c: c['label'] + 2); content = split()",
            &classes,
            "names 3 classes, counted from 0; where labels count from 1, write --first-label 1",
        ),
        (
            "change(keypoint=lambda c: c['keypoint'].swapaxes(0, 1)); content = split()",
            &[],
            "20 people in 1 frames; if its axes are frames, people, joints, write --axes frames-people",
        ),
        (
            "change(keypoint=lambda c: np.repeat(c['keypoint'], 7, axis=0)); content = split()",
            &[],
            "7 people in 20 frames",
        ),
        (
            "change(keypoint=lambda c: np.concatenate([c['keypoint'], rng.uniform(0, 1, (1, 20, 17, 1))], axis=3)); content = split()",
            &[],
            "all lie from 0 to 1, as scores do; write --third score",
        ),
        (
            "content = split(); clips[3]['frame_dir'] = 'v02'",
            &[],
            "v02: its frame_dir is there 2 times",
        ),
        (
            "content = split(); content['split'] = {'train': [0, 1], 'test': [2]}",
            &[],
            "its split lists clips like 0, and none is among the annotations, whose frame_dir are like v00",
        ),
        (
            "content = clips[0]",
            &[],
            "gather the annotations of all clips in one list",
        ),
        (
            "content = {'keypoints': np.zeros(3), 'labels': np.zeros(3)}",
            &[],
            "a dictionary with the keys keypoints, labels",
        ),
        (
            "import pathlib; content = split(); content['root'] = pathlib.PurePosixPath('/')",
            &[],
            "which is not plain data",
        ),
    ];
    let files = pickles(&python, dir.path(), &refusals.map(|(code, _, _)| code));
    for ((code, more, expected), file) in refusals.into_iter().zip(files) {
        let errors = refused(
            &python,
            &[&[text(&file), "--out", text(&out)], more].concat(),
            &out,
        );
        assert!(errors.contains(expected), "{code}: {errors}");
    }
}

/// The shared inputs that went wrong.
#[test]
fn pickles_that_went_wrong() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/cases");
    if !cases.exists() {
        println!("skipped: {} is not here", cases.display());
        return;
    }
    let Some(python) = python("numpy") else {
        return;
    };
    let dir = tempdir().expect("a folder");
    let file = |name: &str| cases.join(name);
    let out = dir.path().join("numbers");
    let numbers = file("13_int_frame_dir.pkl");
    assert_eq!(
        converted(&python, &[text(&numbers), "--out", text(&out)]),
        ""
    );
    assert_eq!(prepared(&out, &dir.path().join("data")).0.len(), 16);
    let (labels, out) = (file("08_labels_from_1.pkl"), dir.path().join("labels"));
    let errors = converted(&python, &[text(&labels), "--out", text(&out)]);
    assert!(errors.contains("no clips of class 0"), "{errors}");
    let (list, out) = (file("13_list.pkl"), dir.path().join("list"));
    let errors = refused(&python, &[text(&list), "--out", text(&out)], &out);
    assert!(errors.contains("--train TRAIN.pkl"), "{errors}");
    let errors = converted(&python, &["--train", text(&list), "--out", text(&out)]);
    assert!(errors.contains("no test clips"), "{errors}");
}
