//! A run that was killed or interrupted and resumed ends in the same bytes as one that was left alone.

use crate::command::{made_data, must, must_fail, run, sinew, text, train, train_args};
use crate::runs::{leftovers, newest, same};
use sinew::rng::Rng;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, SystemTime};

const SETTINGS: [&str; 6] = [
    "--epochs",
    "6",
    "--set",
    "train.save_every=3",
    "--device",
    "cpu",
];

#[test]
fn killed_at_any_moment() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 96);
    let whole = folder.path().join("whole");
    // The task's name is the folder's by default, and would differ.
    let named = [&SETTINGS[..], &["--set", "run.task=one"]].concat();
    train(&data, &whole, &named);
    let seed = SystemTime::UNIX_EPOCH.elapsed().expect("a time").as_nanos() as u64;
    println!("the moments are drawn from {seed}");
    let mut rng = Rng::new(seed, &[]);
    let killed = folder.path().join("killed");
    let anew = train_args(&data, &killed, &named);
    let on = ["train", "--resume", text(&killed)];
    let mut times = 0;
    loop {
        let stands = killed.join("config.toml").exists();
        let mut child = sinew(if stands { &on } else { &anew })
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        // Later each time, so that it comes to its end.
        std::thread::sleep(Duration::from_millis(rng.below(100 + 50 * times) as u64));
        child.kill().expect("it is killed");
        times += 1;
        if child.wait().expect("it ends").success() || times == 12 {
            break;
        }
    }
    println!("killed {times} times at most");
    if killed.join("config.toml").exists() {
        must(&on);
    } else {
        must(&anew);
    }
    same(&whole, &killed);
    assert_eq!(leftovers(&killed), Vec::<String>::new());
}

#[test]
fn more_epochs_and_refused_changes() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 48);
    let [long, short] = ["long", "short"].map(|name| folder.path().join(name));
    // A constant rate: a schedule over all epochs would differ with their number.
    let constant = [
        "--set",
        "schedule.kind=constant",
        "--set",
        "run.task=one",
        "--device",
        "cpu",
    ];
    train(&data, &long, &[&constant[..], &["--epochs", "4"]].concat());
    train(&data, &short, &[&constant[..], &["--epochs", "2"]].concat());
    must(&["train", "--resume", text(&short), "--epochs", "4"]);
    // The best weights of an earlier epoch say how many epochs were planned then; all else is the same.
    assert!(
        newest(&long) == newest(&short),
        "the last checkpoints differ"
    );
    let [x, y] =
        [&long, &short].map(|run| std::fs::read(run.join("metrics.jsonl")).expect("metrics"));
    assert!(x == y, "the metrics differ");

    let refused = must_fail(
        &["train", "--resume", text(&short), "--set", "train.lr=0.5"],
        1,
    );
    assert!(
        refused.contains("train.lr is 0.002 and would be 0.5"),
        "{refused}"
    );
    must(&[
        "train",
        "--resume",
        text(&short),
        "--set",
        "train.lr=0.5",
        "--allow",
        "train.lr",
    ]);
    // Everything that differs is listed, less what is allowed by name.
    let two = ["--set", "augment.crop=0.1", "--set", "train.keep=7"];
    let two = [&["train", "--resume", text(&short)][..], &two].concat();
    let both = must_fail(&two, 1);
    assert!(
        both.contains("augment.crop is 0.3") && both.contains("train.keep is 2"),
        "{both}"
    );
    let one = must_fail(&[&two[..], &["--allow", "train.keep"]].concat(), 1);
    assert!(
        one.contains("augment.crop") && !one.contains("train.keep"),
        "{one}"
    );
    let fewer = must_fail(&["train", "--resume", text(&short), "--epochs", "3"], 1);
    assert!(
        fewer.contains("train.epochs is 4 and would be 3"),
        "{fewer}"
    );
    // What can never fit is refused whatever is allowed, and the run stays as it was.
    let model = ["--set", "model.hidden=16", "--allow", "model.hidden"];
    let on = ["train", "--resume", text(&short)];
    let shape = must_fail(&[&on[..], &model].concat(), 1);
    assert!(shape.contains("do not fit another"), "{shape}");
    let unknown = must_fail(&[&on[..], &["--allow", "train.learning"]].concat(), 2);
    assert!(unknown.contains("the nearest is train."), "{unknown}");
    // Dropout has no weights: it can be another from here on.
    let dropout = ["--set", "model.dropout=0.3"];
    must_fail(&[&on[..], &dropout].concat(), 1);
    must(&[&on[..], &dropout, &["--allow", "model.dropout"]].concat());
    must(&["train", "--resume", text(&short)]);
    // Other data under the same path are not this run's.
    let [data, aside] = ["data", "aside"].map(|name| folder.path().join(name));
    std::fs::rename(&data, &aside).expect("moved");
    must(&["train", text(&aside), "--resume", text(&short)]);
    std::fs::rename(&aside, &data).expect("moved back");
    must(&["train", text(&data), "--resume", text(&short)]);
    std::fs::rename(&data, &aside).expect("moved");
    let archive = folder.path().join("other.zip");
    must(&[
        "synth",
        "--out",
        text(&archive),
        "--clips",
        "40",
        "--classes",
        "4",
    ]);
    must(&["prepare", text(&archive), "--out", text(&data)]);
    let other = must_fail(&["train", "--resume", text(&short)], 1);
    assert!(other.contains("run.checksum"), "{other}");
    // A score of clips that were trained on would be none.
    let other = must_fail(&["eval", text(&short), "--device", "cpu"], 1);
    assert!(other.contains("not the data that the run"), "{other}");
    let named = ["eval", text(&short), "--device", "cpu", "--data"];
    let output = run(&[&named[..], &[text(&data)]].concat());
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success() && errors.contains("not the data that the run"),
        "{errors}"
    );
    let missing = folder.path().join("missing");
    let error = must_fail(&["train", "--resume", text(&missing)], 1);
    assert!(error.contains("not a run folder"), "{error}");
    assert!(!missing.exists(), "no fresh start");
    let again = run(&[
        "train",
        text(&data),
        "--protocol",
        "xsub",
        "--out",
        text(&short),
    ]);
    assert_eq!(again.status.code(), Some(1), "a run is not overwritten");
}

#[test]
fn a_damaged_checkpoint_is_passed_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 48);
    let [whole, damaged] = ["whole", "damaged"].map(|name| folder.path().join(name));
    let settings = ["--epochs", "3", "--set", "run.task=one", "--device", "cpu"];
    train(&data, &whole, &settings);
    train(&data, &damaged, &settings);
    let checkpoints = sinew::train::checkpoints(&damaged.join("checkpoints")).expect("a list");
    let last = checkpoints.last().expect("a checkpoint");
    let mut bytes = std::fs::read(last).expect("its bytes");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(last, bytes).expect("damaged");
    must_fail(&["check", text(&damaged)], 1);
    let output = run(&["train", "--resume", text(&damaged)]);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success() && errors.contains("checksum"),
        "{errors}"
    );
    same(&whole, &damaged);
    must(&["check", text(&damaged)]);
}

#[cfg(unix)]
#[test]
fn interrupted_by_a_signal() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 96);
    let [whole, stopped] = ["whole", "stopped"].map(|name| folder.path().join(name));
    let named = [&SETTINGS[..], &["--set", "run.task=one"]].concat();
    train(&data, &whole, &named);
    let args = train_args(&data, &stopped, &named);
    let child = sinew(&args)
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    while sinew::train::checkpoints(&stopped.join("checkpoints")).map_or(0, |c| c.len()) < 2 {
        std::thread::sleep(Duration::from_millis(5));
    }
    signal(&child, "-INT");
    let output = child.wait_with_output().expect("it ends");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{errors}");
    assert!(errors.contains("--resume"), "{errors}");
    must(&["train", "--resume", text(&stopped)]);
    same(&whole, &stopped);
}

#[cfg(unix)]
#[test]
fn a_second_signal_leaves_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 96);
    let run = folder.path().join("run");
    // Steps that take many seconds.
    let slow = ["model.hidden=512", "data.frames=100", "train.batch=64"];
    let mut args = train_args(&data, &run, &["--epochs", "2", "--device", "cpu"]);
    args.extend(slow.iter().flat_map(|set| ["--set", set]));
    let mut child = sinew(&args)
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    // Once this is told, signals are caught.
    let told = BufReader::new(child.stderr.take().expect("its errors"));
    let mut lines = told.lines().map(|line| line.expect("a line"));
    assert!(lines.any(|line| line.contains(" per epoch")));
    signal(&child, "-TERM");
    std::thread::sleep(Duration::from_millis(100));
    signal(&child, "-TERM");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert!(!lines.any(|line| line.contains("is saved")), "it waited");
    must(&["check", text(&run)]);
    let kept = sinew::train::checkpoints(&run.join("checkpoints")).expect("a list");
    assert_eq!(kept.len(), 1, "that before the first step");
}

#[cfg(unix)]
fn signal(child: &std::process::Child, name: &str) {
    let sent = std::process::Command::new("kill")
        .args([name, &child.id().to_string()])
        .status();
    assert!(sent.is_ok_and(|status| status.success()));
}
