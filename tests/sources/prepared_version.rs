//! Prepared data of another version, without a manifest, or damaged are refused, with what is wrong.

use std::fs;
use std::path::{Path, PathBuf};

use crate::skeleton_text::{prepared, sound, zip};
use sinew::check::{PathKind, path_kind};
use sinew::cli::exit_code;
use sinew::prepare::check;
use sinew::shards::{MANIFEST, Prepared};
use tempfile::{TempDir, tempdir};

fn made() -> (TempDir, PathBuf) {
    let dir = tempdir().unwrap();
    let source = zip(&dir.path().join("a.zip"), &sound(8));
    let out = dir.path().join("out");
    prepared(&source, &out).unwrap();
    (dir, out)
}

fn refused(folder: &Path) -> String {
    let error = Prepared::open(folder).expect_err("this must not open");
    assert_eq!(exit_code(&error), 1);
    let message = error.to_string();
    assert_eq!(message.lines().count(), 1, "{message}");
    message
}

#[test]
fn another_version_is_refused() {
    let (_dir, out) = made();
    let manifest = out.join(MANIFEST);
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(
        &manifest,
        text.replace("\"version\": 1,", "\"version\": 2,"),
    )
    .unwrap();
    assert!(
        refused(&out)
            .contains("version 2 of the format is not supported; this program reads version 1")
    );
    fs::write(&manifest, text.replace("sinew-clips", "other-clips")).unwrap();
    assert!(refused(&out).contains("the format is \"other-clips\""));
    fs::write(&manifest, &text[..text.len() / 2]).unwrap();
    assert!(refused(&out).contains("not a valid manifest"));
    fs::write(&manifest, text.replacen("\"label\": 3", "\"label\": 4", 1)).unwrap();
    assert!(refused(&out).contains("wrong checksum"));
    fs::remove_file(&manifest).unwrap();
    assert!(refused(&out).contains("not prepared data"));
    assert!(refused(&out.join("nowhere")).contains("no such folder"));
}

#[test]
fn a_missing_or_short_shard_is_refused() {
    let (_dir, out) = made();
    let shard = out.join("shard-00000.safetensors");
    let bytes = fs::read(&shard).unwrap();
    fs::write(&shard, &bytes[..bytes.len() - 1]).unwrap();
    let message = refused(&out);
    assert!(
        message.contains("shard-00000.safetensors") && message.contains("bytes instead of"),
        "{message}"
    );
    fs::remove_file(&shard).unwrap();
    assert!(refused(&out).contains("the shard is missing"));
}

#[test]
fn a_flipped_byte_is_found_and_its_clip_named() {
    let (_dir, out) = made();
    assert_eq!(path_kind(&out), PathKind::Prepared);
    assert!(check(&out, None, 1, &mut |_, _| {}).problems.is_empty());
    let shard = out.join("shard-00000.safetensors");
    let whole = fs::read(&shard).unwrap();
    let header = 8 + u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    let last = Prepared::open(&out).unwrap().manifest().clips[7]
        .name
        .clone();
    for at in (0..whole.len()).step_by(97).chain([whole.len() - 1]) {
        let mut bytes = whole.clone();
        bytes[at] ^= 4;
        fs::write(&shard, bytes).unwrap();
        let problems = check(&out, None, 1, &mut |_, _| {}).problems;
        assert_eq!(problems.len(), 1, "byte {at}");
        let message = problems[0].to_string();
        assert!(message.contains("shard-00000.safetensors"), "{message}");
        assert!(
            at < header || message.contains("checksum"),
            "byte {at}: {message}"
        );
        assert!(
            at != whole.len() - 1 || message.contains(&last),
            "{message}"
        );
    }
}
