//! A run belongs to one process: a second is refused and disturbs nothing, and a crash gives the run free.

use crate::command::{made_data, must, must_fail, sinew, text, train, train_args};
use crate::runs::same;
use std::process::Stdio;
use std::time::Duration;

#[test]
fn the_second_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 64);
    let settings = ["--epochs", "60", "--set", "run.task=one", "--device", "cpu"];
    let [whole, shared] = ["whole", "shared"].map(|name| folder.path().join(name));
    train(&data, &whole, &settings);
    let args = train_args(&data, &shared, &settings);
    let mut first = sinew(&args)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    while !shared.join("config.toml").exists() {
        std::thread::sleep(Duration::from_millis(2));
    }
    let stopped = std::process::Command::new("kill")
        .args(["-STOP", &first.id().to_string()])
        .status();
    assert!(stopped.is_ok_and(|status| status.success()));
    let refused = must_fail(&["train", "--resume", text(&shared)], 1);
    assert!(
        refused.contains("another process is training in"),
        "{refused}"
    );
    let refused = must_fail(&args, 1);
    assert!(
        refused.contains("another process is training in"),
        "{refused}"
    );
    first.kill().expect("it is killed");
    first.wait().expect("it ends");
    must(&["train", "--resume", text(&shared)]);
    same(&whole, &shared);
}
