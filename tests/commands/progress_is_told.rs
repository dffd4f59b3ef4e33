//! Training tells loss, accuracy, rate, speed, waiting and time left: in a bar on a terminal, in plain lines off it.

use crate::command::{made_data, run, text, train_args};
use std::path::Path;
use std::process::Command;

const TOLD: [&str; 6] = [
    "loss ",
    "top-1 ",
    "learning rate ",
    " clips/s",
    "data wait ",
    " left",
];

fn arguments<'a>(data: &'a Path, out: &'a Path) -> Vec<&'a str> {
    train_args(data, out, &["--epochs", "4", "--device", "cpu"])
}

#[test]
fn in_plain_lines() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 48);
    let output = run(&arguments(&data, &folder.path().join("run")));
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(output.status.success(), "{said}");
    assert!(!said.contains(['\u{1b}', '\r']), "{said:?}");
    for epoch in 1..4 {
        let start = format!("epoch {epoch}/4: ");
        let line = said
            .lines()
            .find(|line| line.starts_with(&start))
            .expect(&start);
        assert!(TOLD.iter().all(|word| line.contains(word)), "{line}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn in_a_bar() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 48);
    let out = folder.path().join("run");
    let quoted: Vec<String> = arguments(&data, &out)
        .iter()
        .map(|word| format!("'{word}'"))
        .collect();
    let train = format!(
        "stty cols 110; '{}' {}",
        env!("CARGO_BIN_EXE_sinew"),
        quoted.join(" ")
    );
    let log = folder.path().join("log");
    let output = Command::new("script")
        .args(["-qec", &train, text(&log)])
        .output();
    let Ok(output) = output else {
        println!("skipped: there is no `script` to make a terminal");
        return;
    };
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    let said = std::fs::read_to_string(&log).expect("what the terminal got");
    // The note under the bar: between two moves of the cursor, from the epoch on.
    let bar = said
        .split(['\u{1b}', '\r', '\n'])
        .filter_map(|part| Some(part[part.find("epoch ")?..].trim_end()))
        .find(|part| part.contains(" left"))
        .expect("a bar");
    assert!(TOLD.iter().all(|word| bar.contains(word)), "{bar}");
    assert!(bar.chars().count() <= 110, "it fits the terminal: {bar}");
}
