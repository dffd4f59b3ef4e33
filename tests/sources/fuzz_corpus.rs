//! What the fuzz targets hold against any input holds for every input that a fuzzer found worth keeping.

#[path = "../fuzz/checks/mod.rs"]
mod checks;

use std::fs;
use std::path::Path;

/// Holds a check against every file of a target's corpus.
fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fuzz/corpus")
        .join(target);
    let files = fs::read_dir(&folder).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    for file in files {
        // Shown where the check fails.
        println!("{}", file.display());
        check(&fs::read(file).unwrap());
    }
}

#[test]
fn skeleton_text() {
    replay("skeleton_text", checks::skeleton_text::check);
}

#[test]
fn archives() {
    replay("archive", checks::archive::check);
}

#[test]
fn prepared_data() {
    replay("prepared", checks::prepared::check);
}

#[test]
fn own_clips() {
    replay("own_clips", checks::own_clips::check);
}
