//! A start that is refused leaves nothing behind, however late: the same `--out` can be used again.

use crate::clips;
use crate::command::{TINY, made_data, must, must_fail, text, train, train_args};
use sinew::rng::Rng;
use sinew::skeleton::{About, Layout};
use std::fs;

#[test]
fn by_weights_or_device_that_do_not_fit() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 24);
    let usual = ["--device", "cpu", "--epochs", "1"];
    let weights = folder.path().join("other");
    train(&data, &weights, &usual);
    let out = folder.path().join("run");
    let init = ["--init", text(&weights), "--set", "model.hidden=16"];
    for (more, why) in [
        ([&usual[..], &init].concat(), "do not fit this model"),
        (vec!["--device", "99"], "no adapter 99"),
    ] {
        let error = must_fail(&train_args(&data, &out, &more), 1);
        assert!(error.contains(why), "{error}");
        assert!(!out.exists(), "{why}");
    }
    train(&data, &out, &usual);
}

/// How many samples the clips give is known only once the loader has read them.
#[test]
fn by_clips_without_a_sample() {
    let folder = tempfile::tempdir().expect("a folder");
    let (layout, mut rng) = (Layout::ntu25(), Rng::new(1, &[]));
    let made = (0..8).map(|number| {
        let (name, class) = (format!("c{number}"), number % 2);
        let clip = clips::clip(&name, class, 1, 3, &layout, false, &mut rng);
        (clip, About::in_split("train"))
    });
    let data = folder.path().join("data");
    fs::create_dir(&data).expect("a folder");
    clips::prepared(&data, "clips", &layout, made.collect());
    let out = folder.path().join("run");
    let mut args = vec![
        "train",
        text(&data),
        "--protocol",
        "split",
        "--out",
        text(&out),
    ];
    args.extend(TINY);
    args.extend([
        "--device",
        "cpu",
        "--epochs",
        "1",
        "--set",
        "data.sampling=ends",
    ]);
    let error = must_fail(&args, 1);
    assert!(
        error.contains("no training clip here that gives a sample"),
        "{error}"
    );
    assert!(!out.exists(), "{:?}", fs::read_dir(&out));
    args.extend(["--set", "data.sampling=uniform"]);
    must(&args);
}

/// The first checkpoint is the last thing that can go wrong before there is a run.
#[cfg(target_os = "linux")]
#[test]
fn by_the_disk() {
    use crate::command::{limit, sinew};
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 24);
    for existed in [false, true] {
        let out = folder.path().join(format!("existed-{existed}"));
        if existed {
            fs::create_dir(&out).expect("a folder");
        }
        let args = train_args(&data, &out, &["--device", "cpu", "--epochs", "1"]);
        let mut command = sinew(&args);
        limit(&mut command, libc::RLIMIT_FSIZE, 4096);
        let output = command.output().expect("it starts");
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains("checkpoints"), "{error}");
        match existed {
            true => assert_eq!(fs::read_dir(&out).expect("a folder").count(), 0),
            false => assert!(!out.exists(), "{error}"),
        }
        must(&args);
    }
}
