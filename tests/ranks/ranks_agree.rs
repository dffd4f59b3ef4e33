//! Under mpirun the processes train one run: the same loss with one, two and four, one writer, one end. Needs the feature
//! mpi and an mpirun; without the feature, being several is refused.

use crate::command::{made_data, must, sinew, text, train, train_args};
use sinew::train::Run;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Settings of every run here.
const SETTINGS: [&str; 8] = [
    "--epochs",
    "3",
    "--device",
    "cpu",
    "--set",
    "model.dropout=0.4",
    "--set",
    "train.validation=0.3",
];

/// The command that starts this many ranks; none, and a line that says so, where they cannot be started.
fn mpirun(ranks: usize) -> Option<Command> {
    let there = Command::new("mpirun").arg("--version").output().is_ok();
    if !cfg!(feature = "mpi") || !there {
        println!("skipped: no mpirun, or built without the feature mpi");
        return None;
    }
    let mut command = Command::new("mpirun");
    // More ranks than cores, and as root where the tests run as root.
    command.env("OMPI_ALLOW_RUN_AS_ROOT", "1");
    command.env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
    command.args([
        "--oversubscribe",
        "--bind-to",
        "none",
        "-n",
        &ranks.to_string(),
    ]);
    command.arg(env!("CARGO_BIN_EXE_sinew"));
    Some(command)
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Starts ranks that train for longer than any test waits, and comes back when they do.
fn endless(data: &Path, out: &Path, ranks: usize) -> Option<Child> {
    let mut command = mpirun(ranks)?;
    let endless = ["--epochs", "100000", "--device", "cpu"];
    command.args(train_args(data, out, &endless));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("mpirun starts");
    let since = Instant::now();
    while Run::metrics(out).map_or(0, |epochs| epochs.len()) < 2 {
        let ended = child.try_wait().expect("its state");
        assert!(ended.is_none(), "it ended: {ended:?}");
        assert!(since.elapsed() < Duration::from_secs(60), "no epoch ends");
        std::thread::sleep(Duration::from_millis(20));
    }
    Some(child)
}

/// Sends a signal to one rank alone.
fn signal(child: &Child, rank: usize, name: &str) {
    let mpirun = child.id();
    let children = format!("/proc/{mpirun}/task/{mpirun}/children");
    let children = std::fs::read_to_string(children).expect("mpirun's children");
    let process = children.split_whitespace().nth(rank).expect("the rank");
    let sent = Command::new("kill").args([name, process]).status();
    assert!(sent.expect("kill").success());
}

/// What an mpirun says that must end by itself within seconds.
fn ended(mut child: Child) -> Output {
    let since = Instant::now();
    while child.try_wait().expect("its state").is_none() {
        if since.elapsed() > Duration::from_secs(30) {
            child.kill().expect("it is killed");
            panic!("the ranks hang");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().expect("its output")
}

#[test]
fn same_loss_with_one_two_and_four() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 64);
    let one = folder.path().join("one");
    let mut runs = Vec::new();
    for ranks in [2, 4] {
        let Some(mut command) = mpirun(ranks) else {
            return;
        };
        let run = folder.path().join(ranks.to_string());
        let output = command.args(train_args(&data, &run, &SETTINGS)).output();
        let output = output.expect("mpirun starts");
        assert!(output.status.success(), "{}", errors(&output));
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(out.matches("best:").count(), 1, "one rank tells: {out}");
        runs.push(run);
    }
    train(&data, &one, &SETTINGS);
    let expected = Run::metrics(&one).expect("metrics");
    for run in runs {
        let found = Run::metrics(&run).expect("metrics");
        assert_eq!(found.len(), expected.len());
        for (a, b) in found.iter().zip(&expected) {
            let apart = (a.loss - b.loss).abs();
            println!("{}, epoch {}: {apart:.1e}", run.display(), a.epoch);
            assert!(apart < 1e-4, "{a:?} beside {b:?}");
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn one_signal_stops_all_and_fewer_go_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 48);
    let run = folder.path().join("run");
    let Some(child) = endless(&data, &run, 3) else {
        return;
    };
    signal(&child, 2, "-TERM");
    let output = ended(child);
    assert_eq!(output.status.code(), Some(130), "{}", errors(&output));
    let said = errors(&output);
    assert_eq!(said.matches("sinew: interrupted").count(), 1, "{said}");
    let before = Run::metrics(&run).expect("metrics").len();
    let more = (before + 2).to_string();
    let mut command = mpirun(2).expect("as before");
    let go_on = ["train", "--resume", text(&run), "--epochs", &more];
    let allowed = ["--allow", "train.epochs"];
    let output = command.args(go_on).args(allowed).output().expect("mpirun");
    assert!(output.status.success(), "{}", errors(&output));
    assert_eq!(Run::metrics(&run).expect("metrics").len(), before + 2);
    must(&["check", text(&run)]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_rank_that_dies_ends_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 48);
    let run = folder.path().join("run");
    let Some(child) = endless(&data, &run, 2) else {
        return;
    };
    signal(&child, 1, "-KILL");
    let output = ended(child);
    let said = errors(&output);
    assert!(
        !output.status.success() && said.contains("rank 1"),
        "{said}"
    );
    must(&["check", text(&run)]);
}

#[test]
fn an_error_of_one_rank_ends_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 48);
    let run = folder.path().join("run");
    let Some(mut command) = mpirun(1) else {
        return;
    };
    let program = env!("CARGO_BIN_EXE_sinew");
    let child = command
        .args(train_args(&data, &run, &["--device", "cpu"]))
        .args([":", "-n", "1", program])
        .args(train_args(&data, &run, &["--device", "99"]))
        .stderr(Stdio::piped())
        .spawn();
    let output = ended(child.expect("mpirun starts"));
    let said = errors(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("sinew: rank 1 of 2: there is no adapter 99"),
        "{said}"
    );
}

#[test]
fn several_that_cannot_talk_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, run) = (folder.path().join("data"), folder.path().join("run"));
    let alone = |args: &[&str]| {
        let output = sinew(args).env("OMPI_COMM_WORLD_SIZE", "2").output();
        let output = output.expect("it starts");
        (output.status.code(), errors(&output))
    };
    let (code, said) = alone(&["crossval", text(&data), "--out", text(&run)]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("only `sinew train`"), "{said}");
    if !cfg!(feature = "mpi") {
        let (code, said) = alone(&train_args(&data, &run, &[]));
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("--features mpi"), "{said}");
    }
    assert!(!run.exists());
}
