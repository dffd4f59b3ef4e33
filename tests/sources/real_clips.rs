//! Real recordings prepare completely, where they are.

use std::fs;

use crate::skeleton_text::{data, prepared};
use sinew::settings::Actors;
use sinew::shards::Prepared;
use sinew::skeleton::actors;
use tempfile::tempdir;

#[test]
fn four_clips_of_ntu() {
    let Some(samples) = data("ntu/samples") else {
        return;
    };
    let dir = tempdir().unwrap();
    prepared(&samples, &dir.path().join("out")).unwrap();
    let data = Prepared::open(dir.path().join("out")).unwrap();
    let found: Vec<_> = data
        .manifest()
        .clips
        .iter()
        .map(|c| (c.name.as_str(), c.label, c.bodies, c.frames))
        .collect();
    let expected = [
        ("S001C001P001R001A001", 0, 1, 103),
        ("S001C001P001R001A050", 49, 2, 74),
        ("S001C001P001R002A033", 32, 1, 83),
        ("S002C001P003R001A003", 2, 1, 100),
    ];
    assert_eq!(found, expected);
    let first = data.clip(0).unwrap();
    assert_eq!(
        first.frame(0, 0)[..3],
        [0.218_115_3, 0.172_597_2, 3.785_547]
    );
    assert_eq!(
        actors::choose(&data.clip(1).unwrap(), Actors::Published).len(),
        2
    );
    assert_eq!(data.manifest().classes.len(), 60);
    // Every number is the one that the standard library reads.
    for index in 0..data.len() {
        let clip = data.clip(index).unwrap();
        let text = fs::read_to_string(samples.join(format!("{}.skeleton", clip.name))).unwrap();
        let joints = text
            .lines()
            .map(|line| line.split(' ').collect::<Vec<_>>())
            .filter(|words| words.len() == 12);
        let read: Vec<f32> = joints
            .flat_map(|words| [0, 1, 2].map(|at| words[at].parse().unwrap()))
            .collect();
        let mut stored: Vec<f32> = Vec::new();
        for frame in 0..clip.frames {
            let present = (0..clip.bodies).filter(|body| clip.present(*body, frame));
            present.for_each(|body| stored.extend(clip.frame(body, frame)));
        }
        assert_eq!(stored, read, "{}", clip.name);
    }
}

#[test]
fn a_single_file_prepares() {
    let Some(sample) = data("ntu/samples/S001C001P001R001A050.skeleton") else {
        return;
    };
    let dir = tempdir().unwrap();
    assert_eq!(
        prepared(&sample, &dir.path().join("out"))
            .unwrap()
            .counts
            .clips,
        1
    );
}

#[test]
fn the_whole_of_sbu() {
    let Some(sbu) = data("sbu") else { return };
    let dir = tempdir().unwrap();
    let out = dir.path().join("out");
    let summary = prepared(&sbu, &out).unwrap();
    assert_eq!(
        (
            summary.counts.clips,
            summary.counts.frames,
            summary.counts.bodies
        ),
        (282, 6822, 564)
    );
    assert_eq!(summary.counts.by_class, [42, 43, 40, 41, 18, 21, 39, 38]);
    let data = Prepared::open(&out).unwrap();
    let manifest = data.manifest();
    assert_eq!(
        (
            manifest.dataset.name(),
            manifest.layout.len(),
            manifest.classes.len()
        ),
        ("sbu", 15, 8)
    );
    let entry = &manifest.clips[0];
    assert_eq!(
        (entry.name.as_str(), entry.about.pair),
        ("s01s02-01-001", Some([1, 2]))
    );
    assert_eq!(entry.ids, ["1", "2"]);
    let mut pairs: Vec<_> = manifest
        .clips
        .iter()
        .filter_map(|clip| clip.about.pair)
        .collect();
    pairs.dedup();
    assert_eq!(pairs.len(), 21);
    // A folder of the set, and one clip, know their pair and class from the folders above.
    for (part, clips) in [
        ("s01s03", 14),
        ("s01s03/03", 2),
        ("s01s03/03/001", 1),
        ("s01s03/03/001/skeleton_pos.txt", 1),
    ] {
        let out = dir.path().join(part.replace('/', "-"));
        let found = prepared(&sbu.join(part), &out).unwrap().counts.clips;
        assert!(found >= 1 && found <= clips.max(1) + 20, "{part}: {found}");
        assert_eq!(
            Prepared::open(&out).unwrap().manifest().clips[0].about.pair,
            Some([1, 3])
        );
    }
}
