//! Protocols divide the real lists of clips as published, and hold out whole people.

use crate::clips;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use sinew::formats::Catalogue;
use sinew::formats::ntu::missing;
use sinew::loader::Protocol;
use sinew::shards::{ClipEntry, Manifest};
use sinew::skeleton::{About, Layout};
use zip::write::{SimpleFileOptions, ZipWriter};

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

/// A zip of empty entries of these names, as the archives of NTU RGB+D are packed.
fn archive<'a>(path: &Path, names: impl Iterator<Item = &'a str>) -> PathBuf {
    let mut zip = ZipWriter::new(BufWriter::new(File::create(path).unwrap()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for name in names {
        zip.start_file(format!("skeletons/{name}.skeleton"), options)
            .unwrap();
    }
    zip.finish().unwrap();
    path.to_path_buf()
}

/// What a preparation of these archives would hold, by their names alone.
fn listed(archives: &[&PathBuf]) -> (Manifest, usize) {
    let list = Catalogue::open(archives, None).unwrap();
    assert!(list.problems.is_empty());
    let entries = list.items.iter().map(|item| {
        let label = item.label.unwrap();
        assert!(label < list.classes.len());
        entry(&item.name, label, item.about.clone())
    });
    let manifest = Manifest {
        classes: list.classes.clone(),
        ..manifest("ntu", entries.collect())
    };
    (manifest, list.missing)
}

#[test]
fn both_archives_together_or_alone() {
    let Some(text) = read("ntu/ntu120_skes_available_name.txt") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    // The archives also hold the clips that the authors list as missing.
    let mut names: Vec<&str> = text.lines().map(|line| &line[..20]).collect();
    names.extend(missing());
    let part = |first: bool| {
        names
            .iter()
            .copied()
            .filter(move |n| (n[..4] <= *"S017") == first)
    };
    let first = archive(&dir.path().join("first.zip"), part(true));
    let second = archive(&dir.path().join("second.zip"), part(false));

    let (both, left_out) = listed(&[&second, &first]);
    assert_eq!(
        (both.clips.len(), left_out, both.classes.len()),
        (113_945, 535, 120)
    );
    assert_eq!(counts(&both, "xsub120"), (63_026, 50_919));
    assert_eq!(counts(&both, "xset120"), (54_468, 59_477));
    assert_eq!(counts(&both, "xsub"), (40_091, 16_487));
    assert_eq!(counts(&both, "xview"), (37_646, 18_932));

    let (alone, left_out) = listed(&[&first]);
    assert_eq!(
        (alone.clips.len(), left_out, alone.classes.len()),
        (56_578, 302, 60)
    );
    assert_eq!(counts(&alone, "xsub"), (40_091, 16_487));
    assert_eq!(counts(&alone, "xview"), (37_646, 18_932));

    let (rest, left_out) = listed(&[&second]);
    assert_eq!(
        (rest.clips.len(), left_out, rest.classes.len()),
        (57_367, 233, 120)
    );
    // What the first archive lacks of the whole.
    assert_eq!(counts(&rest, "xsub120"), (63_026 - 40_091, 50_919 - 16_487));
    assert_eq!(counts(&rest, "xset120"), (27_992, 29_375));
}

#[test]
fn performers_cameras_and_setups_train_as_published() {
    // A clip each of all 106 performers; the first forty are those of the first part.
    let names: Vec<String> = (1..=106)
        .map(|p| {
            format!(
                "S{:03}C{:03}P{p:03}R001A001",
                if p <= 40 { p % 17 + 1 } else { p % 15 + 18 },
                p % 3 + 1
            )
        })
        .collect();
    let manifest = ntu(names.iter().map(String::as_str));
    // The numbers that train, their sum and that of their squares.
    let train = |protocol: Protocol, number: fn(&About) -> Option<u32>| {
        let split = protocol.split(&manifest, 0.0, 1).unwrap();
        let mut numbers: Vec<u32> = split
            .train
            .iter()
            .filter_map(|&i| number(&manifest.clips[i].about))
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        let sum: u32 = numbers.iter().sum();
        (
            numbers.len(),
            sum,
            numbers.iter().map(|n| n * n).sum::<u32>(),
        )
    };
    assert_eq!(train(Protocol::Xsub, |a| a.performer), (20, 359, 8_935));
    assert_eq!(
        train(Protocol::Xsub120, |a| a.performer),
        (53, 2_795, 200_379)
    );
    assert_eq!(train(Protocol::Xview, |a| a.camera), (2, 5, 13));
    assert_eq!(train(Protocol::Xset120, |a| a.setup), (16, 272, 5_984));
}

#[test]
fn the_first_protocols_need_the_first_archive() {
    let names = ["S018C001P008R001A061", "S032C003P106R002A120"];
    let manifest = ntu(names.into_iter());
    assert_eq!(counts(&manifest, "xsub120"), (1, 1));
    assert_eq!(counts(&manifest, "xset120"), (2, 0));
    for protocol in [Protocol::Xsub, Protocol::Xview] {
        let error = protocol.split(&manifest, 0.1, 1).unwrap_err().to_string();
        assert!(
            error.contains(&format!("protocol {protocol} is for setups 1 to 17"))
                && error.contains("xset120"),
            "{error}"
        );
    }
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
