//! Made archives are well formed, repeat byte for byte, cover every protocol, and copy the names that they are told.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use sinew::error::Error;
use sinew::formats::synth::{self, SynthOptions};

fn options(out: &Path, clips: usize) -> SynthOptions {
    SynthOptions {
        out: out.to_path_buf(),
        clips: Some(clips),
        classes: 8,
        seed: 3,
        like: None,
    }
}

fn make(options: &SynthOptions) -> synth::SynthSummary {
    synth::write(options, &mut |_, _| Ok(())).unwrap()
}

fn entries(path: &Path) -> BTreeMap<String, String> {
    let mut archive = zip::ZipArchive::new(File::open(path).unwrap()).unwrap();
    (0..archive.len())
        .map(|index| {
            let mut entry = archive.by_index(index).unwrap();
            let name = entry
                .name()
                .unwrap()
                .rsplit('/')
                .next()
                .unwrap()
                .to_string();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            (name, text)
        })
        .filter(|(name, _)| name.ends_with(".skeleton"))
        .collect()
}

#[test]
fn same_seed_same_bytes_with_any_threads() {
    let folder = tempfile::tempdir().unwrap();
    let bytes: Vec<Vec<u8>> = [1, 4]
        .into_iter()
        .map(|threads| {
            let out = folder.path().join(format!("{threads}.zip"));
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| make(&options(&out, 40)));
            fs::read(out).unwrap()
        })
        .collect();
    assert!(bytes[0] == bytes[1], "one thread and four");
    let other = folder.path().join("other.zip");
    make(&SynthOptions {
        seed: 4,
        ..options(&other, 40)
    });
    assert!(bytes[0] != fs::read(other).unwrap(), "another seed");
}

#[test]
fn every_side_has_every_class_and_every_camera() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("made.zip");
    let summary = make(&options(&out, 120));
    let names: Vec<String> = entries(&out).into_keys().collect();
    assert_eq!(
        (
            summary.clips,
            names.len(),
            summary.classes,
            summary.two_person
        ),
        (120, 120, 8, 30)
    );
    let part = |name: &String, at: usize| name[at..at + 3].parse::<usize>().unwrap();
    let training = [
        1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38,
    ];
    let subjects: BTreeSet<_> = names
        .iter()
        .map(|n| (training.contains(&part(n, 9)), part(n, 17)))
        .collect();
    assert_eq!(subjects.len(), 16, "two sides of eight classes");
    let cameras: BTreeSet<_> = names.iter().map(|n| (part(n, 5), part(n, 17))).collect();
    assert_eq!(cameras.len(), 24, "three cameras of eight classes");
}

#[test]
fn entries_are_in_the_real_text_format() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("made.zip");
    make(&options(&out, 32));
    for (name, text) in entries(&out) {
        let pair = ["A007", "A008"].contains(&&name[16..20]);
        let mut lines = text.lines();
        let mut next = || {
            lines
                .next()
                .unwrap_or_else(|| panic!("{name} ends too early"))
        };
        let frames: usize = next().parse().unwrap();
        assert!((30..=250).contains(&frames), "{name}: {frames} frames");
        let mut most = 0;
        for _ in 0..frames {
            let bodies: usize = next().parse().unwrap();
            most = most.max(bodies);
            for _ in 0..bodies {
                let head: Vec<&str> = next().split(' ').collect();
                assert_eq!(head.len(), 10);
                assert!(head[0].parse::<u64>().unwrap() > 1 << 56);
                assert_eq!(next(), "25");
                for _ in 0..25 {
                    let joint: Vec<f64> = next().split(' ').map(|n| n.parse().unwrap()).collect();
                    assert_eq!(joint.len(), 12);
                    let [x, y, z] = [joint[0], joint[1], joint[2]];
                    assert!(
                        x.abs() < 3.0 && y.abs() < 2.5 && (1.0..6.0).contains(&z),
                        "{name}: {x} {y} {z}"
                    );
                    assert!((0.0..512.0).contains(&joint[3]) && joint[11] >= 1.0);
                    let turn: f64 = joint[7..11].iter().map(|q| q * q).sum();
                    assert!(
                        turn == 0.0 || (turn - 1.0).abs() < 1e-4,
                        "{name}: a quaternion of length {turn}"
                    );
                }
            }
        }
        assert!(lines.next().is_none(), "{name} goes on");
        assert!(most > usize::from(pair), "{name}: {most} bodies");
    }
}

#[test]
fn names_and_frame_counts_are_copied() {
    let folder = tempfile::tempdir().unwrap();
    let (csv, out) = (
        folder.path().join("names.csv"),
        folder.path().join("made.zip"),
    );
    fs::write(&csv, "sample,frames\nS018C002P046R002A115,41\nS001C001P001R001A001,103\nS001C001P001R001A050,33\n").unwrap();
    let like = SynthOptions {
        clips: None,
        like: Some(csv),
        ..options(&out, 1)
    };
    let summary = make(&like);
    assert_eq!(
        (summary.clips, summary.two_person, summary.frames),
        (3, 2, 177)
    );
    let found = entries(&out);
    let counts: Vec<_> = found
        .iter()
        .map(|(name, text)| (name.as_str(), text.lines().next().unwrap()))
        .collect();
    let expected = [
        ("S001C001P001R001A001.skeleton", "103"),
        ("S001C001P001R001A050.skeleton", "33"),
        ("S018C002P046R002A115.skeleton", "41"),
    ];
    assert_eq!(counts, expected);
}

#[test]
fn what_cannot_be_made_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("made.zip");
    let fail = |options: SynthOptions| synth::write(&options, &mut |_, _| Ok(())).unwrap_err();
    assert!(matches!(
        fail(SynthOptions {
            classes: 1,
            ..options(&out, 10)
        }),
        Error::Setting { .. }
    ));
    assert!(matches!(fail(options(&out, 0)), Error::Setting { .. }));

    let csv = folder.path().join("names.csv");
    fs::write(&csv, "S001C001P001R001A001,103\nS001C001P001,12\n").unwrap();
    let error = fail(SynthOptions {
        like: Some(csv.clone()),
        ..options(&out, 1)
    })
    .to_string();
    assert!(error.contains("names.csv, line 2"), "{error}");
    fs::write(&csv, "S001C001P001R001A001,103\nS001C001P001R001A001,12\n").unwrap();
    let error = fail(SynthOptions {
        like: Some(csv),
        ..options(&out, 1)
    })
    .to_string();
    assert!(error.contains("duplicate clip"), "{error}");
}

#[test]
fn stopped_work_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("made.zip");
    let mut stop = |_, _| Err(Error::Interrupted("nothing was written".into()));
    assert!(matches!(
        synth::write(&options(&out, 10), &mut stop),
        Err(Error::Interrupted(_))
    ));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("absent").join("made.zip");
    assert!(matches!(
        synth::write(&options(&out, 10), &mut |_, _| Ok(())),
        Err(Error::Io { .. })
    ));
}
