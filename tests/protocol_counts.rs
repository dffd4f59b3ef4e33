//! Protocols divide the real lists of clips as published, and hold out whole people.

#[path = "common/clips.rs"]
#[allow(dead_code)]
mod clips;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use sinew::loader::Protocol;
use sinew::shards::{ClipEntry, Manifest};
use sinew::skeleton::{About, Layout};

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data")
}

/// A file of development data; none, and a line that says so, where it is not there.
fn read(name: &str) -> Option<String> {
    let text = fs::read_to_string(data().join(name)).ok();
    if text.is_none() {
        println!("skipped: {name} is not here");
    }
    text
}

fn entry(name: &str, label: usize, about: About) -> ClipEntry {
    ClipEntry {
        name: name.into(),
        label,
        shard: 0,
        bodies: 1,
        frames: 10,
        ids: vec!["1".into()],
        spans: vec![[0, 9]],
        checksum: String::new(),
        about,
    }
}

fn manifest(dataset: &str, entries: Vec<ClipEntry>) -> Manifest {
    Manifest {
        clips: entries,
        ..clips::manifest(dataset, &Layout::ntu25(), Vec::new(), None)
    }
}

fn ntu<'a>(names: impl Iterator<Item = &'a str>) -> Manifest {
    let entries = names.map(|name| {
        let number = |at: usize| name[at..at + 3].parse::<u32>().unwrap();
        let about = About {
            setup: Some(number(1)),
            camera: Some(number(5)),
            performer: Some(number(9)),
            replication: Some(number(13)),
            ..About::default()
        };
        entry(name, number(17) as usize - 1, about)
    });
    manifest("ntu", entries.collect())
}

fn counts(manifest: &Manifest, protocol: &str) -> (usize, usize) {
    let split = protocol
        .parse::<Protocol>()
        .unwrap()
        .split(manifest, 0.0, 1)
        .unwrap();
    assert!(split.validation.is_empty());
    (split.train.len(), split.test.len())
}

#[test]
fn sixty_classes() {
    let Some(text) = read("ntu/ntu60_frame_counts.csv") else {
        return;
    };
    let manifest = ntu(text.lines().skip(1).map(|line| &line[..20]));
    assert_eq!(manifest.clips.len(), 56_578);
    assert_eq!(counts(&manifest, "xsub"), (40_091, 16_487));
    assert_eq!(counts(&manifest, "xview"), (37_646, 18_932));
}

#[test]
fn a_hundred_and_twenty_classes() {
    let Some(text) = read("ntu/ntu120_skes_available_name.txt") else {
        return;
    };
    let manifest = ntu(text
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with('S'))
        .map(|line| &line[..20]));
    assert_eq!(manifest.clips.len(), 113_945);
    assert_eq!(counts(&manifest, "xsub120"), (63_026, 50_919));
    assert_eq!(counts(&manifest, "xset120"), (54_468, 59_477));
    // With both parts prepared together, the protocols of the first keep to it.
    assert_eq!(counts(&manifest, "xsub"), (40_091, 16_487));
    assert_eq!(counts(&manifest, "xview"), (37_646, 18_932));
}

#[test]
fn five_folds() {
    if read("sbu/ABOUT.md").is_none() {
        return;
    }
    let mut entries = Vec::new();
    for pair in fs::read_dir(data().join("sbu"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.is_dir())
    {
        let name = pair.file_name().unwrap().to_str().unwrap();
        let about = About {
            pair: Some([2, 5].map(|at| name[at..at + 1].parse().unwrap())),
            ..About::default()
        };
        for class in fs::read_dir(&pair).unwrap().map(|e| e.unwrap().path()) {
            for clip in fs::read_dir(&class).unwrap().map(|e| e.unwrap().path()) {
                entries.push(entry(clip.to_str().unwrap(), 0, about.clone()));
            }
        }
    }
    let manifest = manifest("sbu", entries);
    assert_eq!(manifest.clips.len(), 282);
    let mut tested = BTreeSet::new();
    for fold in 1..=5 {
        let protocol: Protocol = format!("fold{fold}").parse().unwrap();
        let split = protocol.split(&manifest, 0.1, 1).unwrap();
        assert_eq!(
            split.train.len() + split.validation.len() + split.test.len(),
            282
        );
        let pairs = |clips: &[usize]| -> BTreeSet<[u32; 2]> {
            clips
                .iter()
                .map(|&i| manifest.clips[i].about.pair.unwrap())
                .collect()
        };
        assert_eq!(pairs(&split.test).len(), if fold == 5 { 5 } else { 4 });
        let sorted = |pairs: BTreeSet<[u32; 2]>| -> BTreeSet<_> {
            pairs
                .iter()
                .map(|p| (p[0].min(p[1]), p[0].max(p[1])))
                .collect()
        };
        assert!(
            sorted(pairs(&split.train)).is_disjoint(&sorted(pairs(&split.validation))),
            "in either order"
        );
        tested.extend(split.test);
    }
    assert_eq!(tested.len(), 282, "each clip is tested in one fold");
}

/// 40 performers with 30 clips each.
fn performers() -> Manifest {
    let names: Vec<String> = (0..1_200)
        .map(|i| {
            format!(
                "S001C{:03}P{:03}R001A{:03}",
                i % 3 + 1,
                i % 40 + 1,
                i % 60 + 1
            )
        })
        .collect();
    ntu(names.iter().map(String::as_str))
}

#[test]
fn people_are_held_out_whole() {
    let manifest = performers();
    let split = Protocol::Xsub.split(&manifest, 0.1, 1).unwrap();
    let people = |clips: &[usize]| -> BTreeSet<_> {
        clips
            .iter()
            .map(|&i| manifest.clips[i].about.performer)
            .collect()
    };
    let sides = [
        people(&split.train),
        people(&split.validation),
        people(&split.test),
    ];
    assert_eq!(
        sides.iter().map(BTreeSet::len).sum::<usize>(),
        40,
        "nobody is on two sides"
    );
    assert_eq!((split.validation.len(), split.test.len()), (60, 600));
    assert_eq!(split, Protocol::Xsub.split(&manifest, 0.1, 1).unwrap());
    let others: BTreeSet<_> = (1..20)
        .map(|seed| {
            Protocol::Xsub
                .split(&manifest, 0.1, seed)
                .unwrap()
                .validation
        })
        .collect();
    assert!(others.len() > 5, "another seed holds out others");
    // A share too small for one person still holds out one; a large one leaves one to train.
    assert_eq!(
        Protocol::Xsub
            .split(&manifest, 0.001, 1)
            .unwrap()
            .validation
            .len(),
        30
    );
    assert_eq!(
        Protocol::Xsub
            .split(&manifest, 0.999, 1)
            .unwrap()
            .train
            .len(),
        30
    );
}

#[test]
fn own_clips_say_who_is_held_out() {
    let about = |split: &str, subject: Option<&str>| About {
        split: Some(split.into()),
        subject: subject.map(Into::into),
        ..About::default()
    };
    let mut entries: Vec<_> = (0..20)
        .map(|i| entry(&i.to_string(), 0, about("train", None)))
        .collect();
    entries.push(entry("t", 0, about("test", None)));
    let without = Protocol::Split
        .split(&manifest("clips", entries.clone()), 0.2, 1)
        .unwrap();
    assert_eq!(
        (
            without.train.len(),
            without.validation.len(),
            without.test.len()
        ),
        (16, 4, 1),
        "by clip"
    );
    entries.push(entry("v", 0, about("val", None)));
    let with = Protocol::Split
        .split(&manifest("clips", entries), 0.2, 1)
        .unwrap();
    assert_eq!(
        (with.train.len(), with.validation, with.test),
        (20, vec![21], vec![20])
    );
    let of_subjects = |count: usize| {
        let names = ["a", "b", "c", "d"];
        let mut entries: Vec<_> = (0..20)
            .map(|i| entry(&i.to_string(), 0, about("train", Some(names[i % count]))))
            .collect();
        entries.push(entry("t", 0, about("test", Some("e"))));
        let manifest = manifest("clips", entries);
        Protocol::Split.split(&manifest, 0.2, 1).unwrap()
    };
    let whole = of_subjects(4);
    assert_eq!((whole.train.len(), whole.validation.len()), (15, 5));
    let first = whole.validation[0] % 4;
    assert!(
        whole.validation.iter().all(|i| i % 4 == first),
        "one whole subject"
    );
    let halves = of_subjects(2);
    // One of two subjects would be half of all that could train.
    assert_eq!(
        (halves.train.len(), halves.validation.len()),
        (16, 4),
        "by clip"
    );
}

#[test]
fn a_protocol_that_does_not_fit_says_which_do() {
    let unknown = "xsbu".parse::<Protocol>().unwrap_err().to_string();
    assert!(
        unknown.contains("\"xsbu\"")
            && unknown.contains("xsub, xview, xsub120, xset120, fold1 to fold5, split"),
        "{unknown}"
    );
    assert!("fold6".parse::<Protocol>().is_err() && "fold0".parse::<Protocol>().is_err());
    for name in [
        "xsub", "xview", "xsub120", "xset120", "fold1", "fold5", "split",
    ] {
        assert_eq!(name.parse::<Protocol>().unwrap().to_string(), name);
    }
    let error = Protocol::Fold(1)
        .split(&performers(), 0.0, 1)
        .unwrap_err()
        .to_string();
    assert!(error.contains("fold1") && error.contains("xsub"), "{error}");
    let one_side = Protocol::Xset120.split(&performers(), 0.0, 1).unwrap();
    assert!(one_side.train.is_empty() && !one_side.test.is_empty());
    for share in [1.0, -0.1, f64::NAN] {
        assert!(Protocol::Xsub.split(&performers(), share, 1).is_err());
    }
}
