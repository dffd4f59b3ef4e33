//! What was started for the night goes on when its terminal is gone: nobody reads what it says, or its signals were asked
//! to be ignored.
#![cfg(unix)]

use crate::command::{disposition, made_data, sinew, train_args};
use sinew::train::Run;
use std::process::{Command, Stdio};
use std::time::Duration;

#[test]
fn nobody_reads_what_it_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 24);
    let out = folder.path().join("run");
    let args = train_args(&data, &out, &["--epochs", "2", "--device", "cpu"]);
    let mut child = sinew(&args)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    // Nobody reads from here on.
    drop(child.stderr.take());
    assert!(child.wait().expect("its state").success());
    assert_eq!(Run::metrics(&out).expect("metrics").len(), 2);
}

#[test]
fn an_ignored_signal_stays_ignored() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 24);
    let out = folder.path().join("run");
    let mut command = sinew(&train_args(
        &data,
        &out,
        &["--epochs", "100000", "--device", "cpu"],
    ));
    // As nohup starts it.
    disposition(&mut command, libc::SIGHUP, libc::SIG_IGN);
    let mut child = command.stderr(Stdio::null()).spawn().expect("it starts");
    let pid = child.id().to_string();
    let signal = |name: &str| {
        let sent = Command::new("kill").args([name, &pid]).status();
        assert!(sent.expect("kill").success());
    };
    let epochs = || Run::metrics(&out).map_or(0, |epochs| epochs.len());
    let mut wait_for = |more: usize| {
        let wanted = epochs() + more;
        while epochs() < wanted {
            assert!(child.try_wait().expect("its state").is_none(), "it ended");
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    wait_for(1);
    signal("-HUP");
    wait_for(3);
    signal("-TERM");
    assert_eq!(child.wait().expect("its state").code(), Some(130));
}
