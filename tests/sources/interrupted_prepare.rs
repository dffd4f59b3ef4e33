//! What an interrupted preparation left is never taken for prepared data, and the next one removes it; what belongs
//! to somebody else is left alone.

use std::fs::{self, File};
use std::path::PathBuf;

use crate::skeleton_text::{prepared, sound, zip};
use sinew::prepare::check;
use sinew::shards::Prepared;
use tempfile::{TempDir, tempdir};

fn source() -> (TempDir, PathBuf, PathBuf) {
    let dir = tempdir().unwrap();
    let source = zip(&dir.path().join("a.zip"), &sound(4));
    let out = dir.path().join("out");
    (dir, source, out)
}

#[test]
fn leftovers_are_removed() {
    let (_dir, source, out) = source();
    fs::create_dir(&out).unwrap();
    for name in [
        ".sinew-preparing",
        "shard-00000.safetensors",
        "shard-00007.safetensors",
        ".shard-00008.safetensors.1.sinew-part",
    ] {
        fs::write(out.join(name), "half").unwrap();
    }
    assert!(
        Prepared::open(&out)
            .unwrap_err()
            .to_string()
            .contains("not prepared data")
    );
    assert!(
        check(&out, None, 1, &mut |_, _| {}).problems[0]
            .to_string()
            .contains("was interrupted")
    );
    prepared(&source, &out).unwrap();
    let mut left: Vec<_> = fs::read_dir(&out)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["manifest.json", "shard-00000.safetensors"]);
    assert!(Prepared::open(&out).unwrap().verify().is_empty());
}

#[test]
fn folders_of_others_are_refused_and_left_alone() {
    let (_dir, source, out) = source();
    fs::create_dir(&out).unwrap();
    fs::write(out.join("shard-00000.safetensors"), "mine").unwrap();
    assert!(
        prepared(&source, &out)
            .unwrap_err()
            .to_string()
            .contains("contains other files")
    );
    fs::write(out.join("thesis.txt"), "mine").unwrap();
    fs::write(out.join(".sinew-preparing"), "").unwrap();
    assert!(
        prepared(&source, &out)
            .unwrap_err()
            .to_string()
            .contains("thesis.txt")
    );
    assert_eq!(fs::read_dir(&out).unwrap().count(), 3);
}

#[test]
fn prepared_data_are_not_overwritten() {
    let (_dir, source, out) = source();
    prepared(&source, &out).unwrap();
    assert!(
        prepared(&source, &out)
            .unwrap_err()
            .to_string()
            .contains("already contains prepared data")
    );
    assert!(Prepared::open(&out).unwrap().verify().is_empty());
}

#[test]
fn two_preparations_do_not_share_a_folder() {
    let (_dir, source, out) = source();
    fs::create_dir(&out).unwrap();
    let marker = File::create(out.join(".sinew-preparing")).unwrap();
    marker.lock().unwrap();
    assert!(
        prepared(&source, &out)
            .unwrap_err()
            .to_string()
            .contains("another preparation")
    );
    drop(marker);
    prepared(&source, &out).unwrap();
}

#[test]
fn an_empty_folder_is_used_and_kept_after_a_failure() {
    let (dir, source, out) = source();
    fs::create_dir(&out).unwrap();
    let bad = zip(
        &dir.path().join("bad.zip"),
        &[("S001C001P001R001A001.skeleton", "rubbish")],
    );
    assert!(prepared(&bad, &out).is_err());
    assert_eq!(fs::read_dir(&out).unwrap().count(), 0);
    prepared(&source, &out).unwrap();
}
