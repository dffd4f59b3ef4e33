//! What is left of a run.
#![allow(dead_code, reason = "each test uses its own part")]

use std::path::{Path, PathBuf};

/// The newest checkpoint's bytes.
pub fn newest(run: &Path) -> Vec<u8> {
    let found = sinew::train::checkpoints(&run.join("checkpoints")).expect("checkpoints");
    std::fs::read(found.last().expect("a checkpoint")).expect("its bytes")
}

/// Two runs that must have ended in the same bytes.
pub fn same(a: &Path, b: &Path) {
    assert!(newest(a) == newest(b), "the last checkpoints differ");
    for file in ["best.safetensors", "metrics.jsonl"] {
        let [x, y] = [a, b].map(|run| std::fs::read(run.join(file)).expect(file));
        assert!(x == y, "{file} differs");
    }
}

/// Names of what interrupted writes left anywhere in a run.
pub fn leftovers(run: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(run)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if sinew::files::is_leftover(&path) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

/// Every file of a run by its path in it, but for the lock.
pub fn contents(run: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(run)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(run).expect("inside").display();
            let name = name.to_string();
            if name != ".lock" {
                found.push((name, std::fs::read(&path).expect("its bytes")));
            }
        }
    }
    found.sort();
    found
}
