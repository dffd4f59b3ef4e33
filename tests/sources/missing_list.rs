//! Clips on the authors' missing list are left out before they are parsed.

use crate::skeleton_text::{data, prepared, refused, simple, text, zip};
use sinew::formats::ntu::{Name, classes, is_missing, missing};
use tempfile::tempdir;

#[test]
fn a_listed_clip_without_bodies_is_no_error() {
    let dir = tempdir().unwrap();
    let listed = "S001C002P005R002A008.skeleton";
    let entries = [
        (listed, text(&[&[], &[]])),
        ("S001C001P001R001A001.skeleton", simple(12)),
    ];
    let source = zip(&dir.path().join("a.zip"), &entries);
    let summary = prepared(&source, &dir.path().join("out")).unwrap();
    assert_eq!((summary.counts.clips, summary.counts.missing), (1, 1));
    // The same text under another name is an error.
    let entries = [("S001C001P005R002A008.skeleton", text(&[&[], &[]]))];
    let source = zip(&dir.path().join("b.zip"), &entries);
    assert!(refused(&source, &dir.path().join("none")).contains("no body"));
    let source = zip(&dir.path().join("c.zip"), &[(listed, "rubbish")]);
    assert!(refused(&source, &dir.path().join("none")).contains("on the missing list"));
}

#[test]
fn the_lists_are_those_of_the_authors() {
    let setups: Vec<u32> = missing()
        .iter()
        .map(|name| Name::parse(name).unwrap().setup)
        .collect();
    assert_eq!(setups.len(), 535);
    assert_eq!(setups.iter().filter(|setup| **setup <= 17).count(), 302);
    assert!(missing().is_sorted());
    assert_eq!(classes().len(), 120);
    assert_eq!(
        (classes()[0], classes()[59]),
        ("drink water", "walking apart from each other")
    );
    for (file, count) in [
        ("NTU_RGBD_samples_with_missing_skeletons.txt", 302),
        ("NTU_RGBD120_samples_with_missing_skeletons.txt", 535),
    ] {
        let Some(path) = data(&format!("ntu/{file}")) else {
            continue;
        };
        let text = std::fs::read_to_string(path).unwrap();
        let names: Vec<_> = text
            .lines()
            .map(str::trim)
            .filter(|line| Name::parse(line).is_some())
            .collect();
        assert_eq!(names.len(), count);
        assert!(names.iter().all(|name| is_missing(name)));
    }
}

#[test]
fn no_usable_clip_is_on_the_list() {
    for (file, count, setups) in [
        ("ntu60_frame_counts.csv", 56_578, 17),
        ("ntu120_skes_available_name.txt", 113_945, 32),
    ] {
        let Some(path) = data(&format!("ntu/{file}")) else {
            continue;
        };
        let text = std::fs::read_to_string(path).unwrap();
        let names: Vec<_> = text
            .lines()
            .filter_map(|line| line.split(',').next())
            .filter(|name| *name != "sample")
            .collect();
        assert_eq!(names.len(), count);
        for name in names {
            let parsed = Name::parse(name).unwrap();
            assert!(!is_missing(name) && parsed.setup <= setups, "{name}");
        }
    }
}

#[test]
fn names_are_read_strictly() {
    let name = Name::parse("S017C003P040R002A060").unwrap();
    assert_eq!(
        (
            name.setup,
            name.camera,
            name.performer,
            name.replication,
            name.action
        ),
        (17, 3, 40, 2, 60)
    );
    assert_eq!(name.label(), 59);
    for wrong in [
        "",
        "S017C003P040R002A06",
        "S017C003P040R002A121",
        "S017C003P040R002A000",
        "s017c003p040r002a060",
        "S017C003P040R002A0600",
        "S+17C003P040R002A060",
        "S000C003P040R002A060",
        "S017C003P040R00\u{e9}A06",
    ] {
        assert_eq!(Name::parse(wrong), None, "{wrong}");
    }
}
