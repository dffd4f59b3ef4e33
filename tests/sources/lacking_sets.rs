//! What a set lacks is said when it is checked, prepared and trained on, in one line a kind; what nothing can be learnt
//! from does not train.

use crate::command;
use crate::command::{must, must_fail, run, text};
use crate::skeleton_text;
use crate::waves;
use crate::waves::{LAYOUT, rows, set, train_args};
use std::path::{Path, PathBuf};

const CLASSES: [&str; 2] = ["left wave", "right wave"];

/// The warnings of a command that must succeed.
fn warnings(args: &[&str]) -> Vec<String> {
    let output = run(args);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{args:?}: {errors}");
    let lines = errors.lines().filter(|line| line.starts_with("warning: "));
    lines.map(String::from).collect()
}

/// The one warning of `check`, `prepare` and `check` of what was prepared; returns the prepared data.
fn warned(source: &Path, says: &str) -> PathBuf {
    let data = source.with_extension("data");
    let prepare = ["prepare", text(source), "--out", text(&data)];
    for args in [
        &["check", text(source)][..],
        &prepare,
        &["check", text(&data)],
    ] {
        let lines = warnings(args);
        assert!(
            lines.len() == 1 && lines[0].contains(says),
            "{args:?}: {lines:?}"
        );
    }
    data
}

#[test]
fn own_clips() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let all = rows(&CLASSES);
    let whole = set(&path("whole"), &all, LAYOUT, None);
    assert_eq!(warnings(&["check", text(&whole)]), Vec::<String>::new());

    let one = set(&path("one"), &rows(&["left wave"]), LAYOUT, None);
    let data = warned(&one, "all clips are of class 0 (\"left wave\")");
    let error = must_fail(&train_args(&data, &path("run"), &[]), 1);
    assert!(
        error.contains("all training clips") && error.contains("left wave"),
        "{error}"
    );

    let mut rows = all.clone();
    rows.iter_mut()
        .filter(|row| row.0 == "right wave")
        .for_each(|row| row.1 = "test");
    let untaught = set(
        &path("untaught"),
        &[&rows[..], &[("rest", "train")]].concat(),
        LAYOUT,
        None,
    );
    let data = warned(&untaught, "no training clips of class 2 (\"right wave\")");
    let error = must_fail(&train_args(&data, &path("run"), &[]), 1);
    assert!(
        error.contains("no training clips of class 2 (\"right wave\")"),
        "{error}"
    );

    let classes = "nothing\nleft wave\nright wave\n";
    let shifted = set(&path("shifted"), &all, LAYOUT, Some(classes));
    let data = warned(&shifted, "no clip is of class 0 (\"nothing\")");
    let lines = warnings(&train_args(&data, &path("run"), &[]));
    assert!(
        lines.len() == 1 && lines[0].contains("class 0 (\"nothing\")"),
        "{lines:?}"
    );

    let mut rows = all.clone();
    rows.retain(|row| row.1 == "train");
    let untested = set(&path("untested"), &rows, LAYOUT, None);
    let data = warned(&untested, "no test clips");
    let lines = warnings(&train_args(&data, &path("run2"), &[]));
    assert!(
        lines.len() == 1 && lines[0].contains("no test clips"),
        "{lines:?}"
    );

    let mut rows = all;
    rows.iter_mut().for_each(|row| row.1 = "test");
    let unfit = set(&path("unfit"), &rows, LAYOUT, None);
    let data = warned(&unfit, "no training clips");
    let error = must_fail(&train_args(&data, &path("run3"), &[]), 1);
    assert!(
        error.contains("no training clips") && !path("run3").exists(),
        "{error}"
    );
}

#[test]
fn a_part_of_ntu() {
    let Some(cases) = skeleton_text::data("cases") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let source = cases.join("07_part_of_ntu.zip");
    let data = folder.path().join("data");
    for args in [
        &["check", text(&source)][..],
        &["prepare", text(&source), "--out", text(&data)],
    ] {
        let lines = warnings(args);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(
            lines[0].contains("24 of the 56,578 clips of NTU RGB+D 60 (56,880 files"),
            "{lines:?}"
        );
    }
    for protocol in ["xsub", "xsub120", "xset120"] {
        let out = folder.path().join(protocol);
        let mut args = train_args(&data, &out, &[]);
        let at = args
            .iter()
            .position(|arg| *arg == "split")
            .expect("a protocol");
        args[at] = protocol;
        let output = run(&args);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let size = if protocol == "xsub" {
            "NTU RGB+D 60"
        } else {
            "NTU RGB+D 120"
        };
        assert!(protocol != "xsub" || output.status.success(), "{errors}");
        let says = errors
            .lines()
            .any(|line| line.contains(protocol) && line.contains(size));
        let refused = output.status.code() == Some(1) && errors.contains("no training clips");
        assert!(says || refused, "{protocol}: {errors}");
    }
}

#[test]
fn data_that_were_moved_are_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let set = set(&path("set"), &rows(&CLASSES), LAYOUT, None);
    let data = waves::prepare(&set, &path("data"));
    let run = path("run");
    must(&train_args(&data, &run, &[]));
    std::fs::rename(&data, path("moved")).expect("moved");
    for args in [
        &["eval", text(&run), "--device", "cpu"][..],
        &["report", text(&run), "--device", "cpu"],
        &["train", "--resume", text(&run), "--epochs", "2"],
    ] {
        let error = must_fail(args, 1);
        assert!(
            error.contains("--data DATA") && error.contains("DATA --resume"),
            "{error}"
        );
    }
    must(&[
        "eval",
        text(&run),
        "--data",
        text(&path("moved")),
        "--device",
        "cpu",
    ]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_path_that_no_setting_can_hold() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().expect("a folder");
    let set = set(&folder.path().join("set"), &rows(&CLASSES), LAYOUT, None);
    let data = waves::prepare(&set, &folder.path().join("data"));
    let odd = folder.path().join(std::ffi::OsStr::from_bytes(b"da\xffta"));
    std::fs::rename(&data, &odd).expect("moved");
    let run = folder.path().join("run");
    let mut command = command::sinew(&["train"]);
    command
        .arg(&odd)
        .args(["--out", text(&run)])
        .args(waves::TINY);
    let output = command.output().expect("it starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("not UTF-8") && !run.exists(), "{errors}");
}
