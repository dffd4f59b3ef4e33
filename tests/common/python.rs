//! Running the Python scripts of this project.
#![allow(dead_code, reason = "each test uses its own part")]

use std::path::Path;
use std::process::{Command, Output};

/// The Python to test with, where it has these modules.
pub fn python(modules: &str) -> Option<String> {
    let python = std::env::var("SINEW_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
    let asked = Command::new(&python)
        .args(["-c", &format!("import {modules}")])
        .output();
    let there = asked.is_ok_and(|output| output.status.success());
    if !there {
        println!("skipped: {python} cannot import {modules}; SINEW_TEST_PYTHON may name another");
    }
    there.then_some(python)
}

/// Runs a script of this project.
pub fn script(python: &str, name: &str, args: &[&str]) -> Output {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("scripts")
        .join(name);
    Command::new(python)
        .arg("-B")
        .arg(path)
        .args(args)
        .output()
        .expect("Python starts")
}

/// The exit code of a script and its standard error, which must not be a Python traceback.
pub fn outcome(output: &Output) -> (Option<i32>, String) {
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!errors.contains("Traceback"), "{errors}");
    (output.status.code(), errors)
}
