//! A run that was killed in the middle of a write, between write, sync and rename, or before its first periodic
//! checkpoint, ends in the same bytes as one that was left alone, and leaves nothing behind.
#![cfg(target_os = "linux")]

use crate::command::{made_data, must, text, train, train_args};
use crate::kill_at::Killer;
use crate::runs;
use crate::runs::{leftovers, same};

const SETTINGS: [&str; 8] = [
    "--epochs",
    "3",
    "--set",
    "train.validation=0.2",
    "--set",
    "run.task=one",
    "--device",
    "cpu",
];

/// In the order in which a run comes to them: each start dies at one of these.
const POINTS: [&str; 22] = [
    // The run does not stand yet, and starts anew.
    "write step-000000000 2",
    "rename step-000000000 1",
    "fsync config.toml 1",
    "rename config.toml 1",
    // It stands, without a list of its files.
    "rename checksums.json 1",
    // Before the first periodic checkpoint, in the second step of the first epoch.
    "write tfevents 2",
    "rename tfevents 1",
    // A checkpoint within an epoch.
    "write step-000000003 5",
    "fsync step-000000003 1",
    "rename step-000000003 1",
    "renamed step-000000003 1",
    "rename checksums.json 1",
    // The end of an epoch.
    "write best.safetensors 3",
    "rename best.safetensors 1",
    "write metrics.jsonl 1",
    "rename metrics.jsonl 1",
    "fdatasync metrics.jsonl 1",
    "write timing.jsonl 1",
    "renamed step- 2",
    "unlink step- 2",
    "renamed checksums.json 2",
    // The event files become one.
    "unlink tfevents 1",
];

#[test]
fn at_every_point() {
    let folder = tempfile::tempdir().expect("a folder");
    let killer = Killer::new(folder.path());
    let data = made_data(folder.path(), 64);
    let named = [&SETTINGS[..], &["--set", "train.save_every=3"]].concat();
    let [whole, killed] = ["whole", "killed"].map(|name| folder.path().join(name));
    train(&data, &whole, &named);
    for point in POINTS {
        let anew = train_args(&data, &killed, &named);
        let on = ["train", "--resume", text(&killed)];
        let stands = killed.join("config.toml").exists();
        killer.kill(if stands { &on } else { &anew }, point);
        if killed.join("config.toml").exists() {
            must(&["check", text(&killed)]);
        }
    }
    must(&["train", "--resume", text(&killed)]);
    same(&whole, &killed);
    let names = |run: &std::path::Path| -> Vec<String> {
        let files = runs::contents(run).into_iter();
        files.map(|(name, _)| name).collect()
    };
    assert_eq!(names(&whole), names(&killed));
    assert_eq!(leftovers(&killed), Vec::<String>::new());
}

#[test]
fn behind_the_last_rename() {
    let folder = tempfile::tempdir().expect("a folder");
    let killer = Killer::new(folder.path());
    let data = made_data(folder.path(), 64);
    let named = [&SETTINGS[..], &["--set", "train.keep=1"]].concat();
    let [whole, killed] = ["whole", "killed"].map(|name| folder.path().join(name));
    train(&data, &whole, &named);
    // The run is at its end, and a checkpoint more than it keeps is there.
    killer.kill(
        &train_args(&data, &killed, &named),
        "renamed step-000000015 1",
    );
    let count = || sinew::train::checkpoints(&killed.join("checkpoints")).map(|list| list.len());
    assert_eq!(count().expect("a list"), 2);
    must(&["check", text(&killed)]);
    must(&["train", "--resume", text(&killed)]);
    assert_eq!(count().expect("a list"), 1);
    same(&whole, &killed);
}
