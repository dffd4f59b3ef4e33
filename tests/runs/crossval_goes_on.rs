//! A cross-validation that was killed or interrupted and started again ends in the same bytes and figures as one that
//! was left alone, whatever the number of folds side by side; with other settings it is refused.

use crate::clips;
use crate::command::{TINY, made_data, must, must_fail, sinew, text};
use serde_json::Value;
use sinew::crossval::{CrossvalOptions, crossval};
use sinew::rng::Rng;
use sinew::skeleton::{About, Layout};
use sinew::{DeviceChoice, Preset, Settings};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A pair of people of each of the five folds.
const PAIRS: [[u32; 2]; 5] = [[1, 2], [2, 3], [1, 3], [2, 1], [4, 2]];

/// Prepared data of eight clips a pair.
fn folded(folder: &Path) -> PathBuf {
    let (data, layout) = (folder.join("folded"), Layout::sbu15());
    let mut rng = Rng::new(1, &[]);
    let mut all = Vec::new();
    for pair in PAIRS {
        for take in 0..8 {
            let name = format!("s{:02}s{:02}-{take}", pair[0], pair[1]);
            let clip = clips::clip(&name, take % 4, 2, 20 + take, &layout, false, &mut rng);
            let about = About {
                pair: Some(pair),
                ..About::default()
            };
            all.push((clip, about));
        }
    }
    std::fs::create_dir(&data).expect("a folder");
    clips::prepared(&data, "sbu", &layout, all);
    data
}

fn args<'a>(data: &'a Path, out: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["crossval", text(data), "--out", text(out), "--json"];
    args.extend(TINY);
    args.extend(["--device", "cpu", "--set", "train.save_every=2"]);
    args.extend(more);
    args
}

/// Waits for a file, or for the end of who should make it.
fn wait_for(file: &Path, maker: &mut Child) {
    while !file.exists() && maker.try_wait().is_ok_and(|ended| ended.is_none()) {
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn same(a: &Path, b: &Path) {
    for fold in 1..=5 {
        for file in ["best.safetensors", "metrics.jsonl"] {
            let of = |run: &Path| run.join(format!("fold{fold}")).join(file);
            let [x, y] = [a, b].map(|run| std::fs::read(of(run)).expect(file));
            assert!(x == y, "fold {fold}: {file} differs");
        }
    }
}

#[test]
fn killed_at_any_moment() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folded(folder.path());
    let [whole, killed] = ["whole", "killed"].map(|name| folder.path().join(name));
    let figures = must(&args(&data, &whole, &["--epochs", "8", "--jobs", "1"]));
    let again = args(&data, &killed, &["--epochs", "8", "--jobs", "2"]);
    // At once, in the first folds, and when some are finished.
    for file in ["", "fold2/config.toml", "fold4/config.toml"] {
        let mut child = sinew(&again)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        wait_for(&killed.join(file), &mut child);
        child.kill().expect("it is killed");
        child.wait().expect("it ends");
    }
    assert_eq!(must(&again), figures);
    same(&whole, &killed);
    // Finished, it is read back.
    assert_eq!(must(&again), figures);
}

#[cfg(unix)]
#[test]
fn interrupted_by_a_signal() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folded(folder.path());
    let out = folder.path().join("out");
    // So many epochs that none is finished by then.
    let mut child = sinew(&args(&data, &out, &["--epochs", "100000"]))
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    wait_for(&out.join("fold1/config.toml"), &mut child);
    let pid = child.id().to_string();
    std::process::Command::new("kill")
        .args(["-INT", &pid])
        .status()
        .expect("a signal");
    let output = child.wait_with_output().expect("it ends");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{errors}");
    assert!(
        errors.contains("run the same command to continue"),
        "{errors}"
    );
    must(&["check", text(&out.join("fold1"))]);
}

#[test]
fn figures_are_those_of_ordinary_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folded(folder.path());
    let out = folder.path().join("out");
    let said = must(&args(&data, &out, &["--epochs", "3"]));
    let all: Value = serde_json::from_str(&said).expect("JSON");
    let folds: Vec<f64> = serde_json::from_value(all["folds"].clone()).expect("top-1 a fold");
    let (mut right, mut clips) = (0.0, 0.0);
    for (fold, top1) in (1..).zip(&folds) {
        let run = out.join(format!("fold{fold}"));
        let said = must(&["eval", text(&run), "--json", "--device", "cpu"]);
        let one: Value = serde_json::from_str(&said).expect("JSON");
        assert_eq!(one["top1"].as_f64(), Some(*top1));
        assert_eq!(one["protocol"], format!("fold{fold}"));
        for stream in ["temporal", "spatial"] {
            assert_eq!(one[stream]["top1"], all[stream]["folds"][fold - 1]);
        }
        let count = one["clips"].as_f64().expect("a count");
        right += top1 * count;
        clips += count;
    }
    assert_eq!(folds.len(), 5);
    let mean = folds.iter().sum::<f64>() / 5.0;
    let squares: f64 = folds.iter().map(|x| (x - mean).powi(2)).sum();
    let close = |key: &str, x: f64| (all[key].as_f64().expect(key) - x).abs() < 1e-12;
    assert!(close("mean", mean) && close("std", (squares / 4.0).sqrt()));
    assert_eq!(all["pooled"]["clips"].as_f64(), Some(clips));
    let pooled = all["pooled"]["top1"].as_f64().expect("top-1");
    assert!((pooled * clips - right).abs() < 1e-9);
}

/// A fold that fails stops the others with the caller's flag, which is then as it was.
#[test]
fn a_failure_clears_the_stop_flag() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folded(folder.path());
    // No fold can create its folder in a file.
    let out = folder.path().join("out");
    std::fs::write(&out, "mine").expect("a file");
    let sets = ["model.hidden=8", "data.frames=12", "train.batch=8"];
    let settings = Settings::layered(Preset::Sinew, None, &sets).expect("settings");
    let mut options = CrossvalOptions::new(&data, &out, settings);
    options.device = DeviceChoice::Cpu;
    let error = crossval(&options, &mut |_| ()).expect_err("no folder");
    assert!(!error.is_interrupted(), "{error}");
    assert!(!options.stop.load(Ordering::Relaxed));
}

#[test]
fn what_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folded(folder.path());
    let out = folder.path().join("out");
    must(&args(&data, &out, &["--epochs", "1"]));
    let refused = |more: &[&str]| must_fail(&args(&data, &out, more), 1);
    let error = refused(&["--epochs", "1", "--seed", "7"]);
    assert!(error.contains("run.seed is 0 and would be 7"), "{error}");
    assert!(error.contains("fold1"), "{error}");
    let error = refused(&["--epochs", "2"]);
    assert!(
        error.contains("train.epochs is 1 and would be 2"),
        "{error}"
    );
    let error = refused(&["--epochs", "1", "--set", "train.validation=0.3"]);
    assert!(error.contains("train.validation"), "{error}");
    // Another number of loader threads changes nothing.
    must(&args(&data, &out, &["--epochs", "1", "--threads", "1"]));
    let inside = out.join("fold1");
    let error = must_fail(&args(&data, &inside, &[]), 1);
    assert!(error.contains("is a run itself"), "{error}");
    must_fail(&args(&data, &out, &["--jobs", "0"]), 2);
    let error = must_fail(&args(&data, &out, &["--set", "run.protocol=fold1"]), 2);
    assert!(!error.contains("--protocol"), "{error}");

    let (unfolded, out) = (made_data(folder.path(), 24), folder.path().join("none"));
    let error = must_fail(&args(&unfolded, &out, &[]), 1);
    assert!(
        error.contains("the dataset ntu has no folds") && error.contains("xsub"),
        "{error}"
    );
    assert!(!out.exists(), "nothing is left behind");
}
