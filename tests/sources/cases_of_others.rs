//! Inputs with which others came to grief, where they are, are read or refused as they should be.

use std::path::PathBuf;

use crate::skeleton_text::{data, prepared, refused};
use sinew::shards::{Manifest, Prepared};
use tempfile::tempdir;

fn case(name: &str) -> Option<PathBuf> {
    data("cases").map(|cases| cases.join(name))
}

/// What a case prepares to; none where it is not here.
fn read(name: &str) -> Option<Manifest> {
    let dir = tempdir().unwrap();
    let out = dir.path().join("out");
    prepared(&case(name)?, &out).unwrap_or_else(|error| panic!("{name}: {error}"));
    Some(Prepared::open(&out).unwrap().manifest().clone())
}

#[test]
fn swapped_axes_are_refused() {
    let Some(source) = case("02_frames_people") else {
        return;
    };
    let dir = tempdir().unwrap();
    let message = refused(&source, &dir.path().join("out"));
    assert!(message.starts_with("36 entries are bad"), "{message}");
    assert_eq!(
        message.matches("people and frames look swapped").count(),
        36
    );
}

#[test]
fn tables_and_archives_of_other_systems_are_read() {
    let Some(waves) = read("05_backslash.zip") else {
        return;
    };
    assert_eq!((waves.clips.len(), waves.classes.len()), (24, 2));
    let clips = |manifest: &Manifest| -> Vec<_> {
        let clips = manifest.clips.iter();
        let mut clips: Vec<_> = clips
            .map(|clip| (clip.label, clip.checksum.clone()))
            .collect();
        clips.sort();
        clips
    };
    for name in [
        "04_emacs_lock",
        "05_backslash_sub.zip",
        "06_nfd_names",
        "06_nfd_names.zip",
        "10_csv_case",
        "10_csv_empty_column",
        "10_csv_empty_rows",
        "10_csv_semicolon",
    ] {
        let found = read(name).expect(name);
        assert_eq!(clips(&found), clips(&waves), "{name}");
        assert_eq!(found.classes, waves.classes, "{name}");
    }
}

#[test]
fn classes_that_are_numbers_stand_in_their_order() {
    if let Some(found) = read("12_number_labels") {
        let numbers: Vec<String> = (0..12).map(|number| number.to_string()).collect();
        assert_eq!(found.classes, numbers);
    }
}

#[test]
fn marks_and_what_windows_packs_are_read() {
    let (Some(marked), Some(packed)) = (read("17_bom"), read("u_deflate64.zip")) else {
        return;
    };
    assert_eq!((marked.clips.len(), packed.clips.len()), (1, 24));
    let plain = read("07_part_of_ntu.zip").expect("beside them");
    let clips = |manifest: &Manifest| -> Vec<_> {
        let clips = manifest.clips.iter();
        clips
            .map(|clip| (clip.name.clone(), clip.checksum.clone()))
            .collect()
    };
    assert_eq!(clips(&packed), clips(&plain));
}
