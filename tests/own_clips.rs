//! Your own `.npy` clips go in with their table and layout, and each fault is named with its file or line.

#[path = "common/npy.rs"]
mod npy;
#[path = "common/skeleton_text.rs"]
mod skeleton_text;

use std::path::Path;

use npy::npy;
use sinew::shards::Prepared;
use skeleton_text::{folder, prepared, refused, zip};
use tempfile::tempdir;

const LAYOUT: &str =
    "name = 'stick'\nunit = 'pixel'\nup = '-y'\njoints = ['hip', 'head']\nbones = [[1, 0]]\n";
const TABLE: &str = "file,label,split,subject,camera\n\
    walk/a.npy,walk,train,ann,1\nwalk/b.npy,walk,test,bob,2\nrun.npy,run,val,,\n";

fn entries() -> Vec<(&'static str, Vec<u8>)> {
    let two: Vec<f64> = (0..12).map(f64::from).collect();
    let mut people: Vec<f32> = (0..36).map(|x| x as f32).collect();
    people[12..24].fill(f32::NAN);
    people[5] = f32::NAN;
    vec![
        ("clips.csv", TABLE.into()),
        ("layout.toml", LAYOUT.into()),
        ("walk/a.npy", npy(&[3, 2, 2], npyz::Order::C, &two)),
        ("walk/b.npy", npy(&[3, 2, 2, 3], npyz::Order::C, &people)),
        ("run.npy", npy(&[1, 2, 3], npyz::Order::C, &[0f32; 6])),
        ("notes.md", b"mine".to_vec()),
    ]
}

fn changed(name: &str, contents: Vec<u8>) -> Vec<(&'static str, Vec<u8>)> {
    let mut entries = entries();
    entries.iter_mut().find(|entry| entry.0 == name).unwrap().1 = contents;
    entries
}

fn same(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|(a, b)| a == b || (a.is_nan() && b.is_nan()))
}

#[test]
fn a_set_of_arrays_prepares() {
    let dir = tempdir().unwrap();
    let sources = [
        folder(&dir.path().join("set"), &entries()),
        zip(&dir.path().join("set.zip"), &entries()),
    ];
    for (index, source) in sources.iter().enumerate() {
        let out = dir.path().join(format!("out{index}"));
        let summary = prepared(source, &out).unwrap();
        assert_eq!((summary.counts.clips, summary.ignored), (3, 1));
        let data = Prepared::open(&out).unwrap();
        let manifest = data.manifest();
        assert_eq!(manifest.classes, ["run", "walk"]);
        assert_eq!(
            (
                manifest.dataset.as_str(),
                manifest.unit.as_str(),
                manifest.layout.len()
            ),
            ("clips", "pixel", 2)
        );
        let clips: Vec<_> = manifest
            .clips
            .iter()
            .map(|c| (c.name.as_str(), c.label, c.bodies, c.frames))
            .collect();
        assert_eq!(
            clips,
            [("run", 0, 1, 1), ("walk/a", 1, 1, 3), ("walk/b", 1, 2, 2)]
        );
        assert_eq!(manifest.clips[1].about.subject.as_deref(), Some("ann"));
        assert_eq!(manifest.clips[1].about.camera, Some(1));
        assert_eq!(manifest.clips[0].about.split.as_deref(), Some("val"));
        // Two coordinates get z = 0.
        assert!(same(
            &data.clip(1).unwrap().data[..6],
            &[0., 1., 0., 2., 3., 0.]
        ));
        // A joint with a missing coordinate is missing; the person who never appears is not there.
        let people = data.clip(2).unwrap();
        let nan = f32::NAN;
        assert!(same(people.frame(0, 0), &[0., 1., 2., nan, nan, nan]));
        assert_eq!(people.frame(1, 0)[0], 24.0);
        assert_eq!(manifest.clips[2].ids, ["0", "2"]);
        assert!(data.verify().is_empty());
    }
}

#[test]
fn the_order_of_classes_can_be_given() {
    let dir = tempdir().unwrap();
    let mut entries = entries();
    entries.push(("classes.txt", b"walk\nrun\nsit\n".to_vec()));
    let out = dir.path().join("out");
    prepared(&folder(&dir.path().join("set"), &entries), &out).unwrap();
    let data = Prepared::open(&out).unwrap();
    assert_eq!(data.manifest().classes, ["walk", "run", "sit"]);
    assert_eq!(data.manifest().counts.by_class, [2, 1, 0]);
}

#[test]
fn each_fault_is_named() {
    let good = npy(&[1, 2, 3], npyz::Order::C, &[0f32; 6]);
    let header = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let at = good
            .windows(from.len())
            .position(|window| window == from.as_bytes())
            .unwrap();
        [&good[..at], to.as_bytes(), &good[at + from.len()..]].concat()
    };
    let table = |from: &str, to: &str| TABLE.replacen(from, to, 1).into_bytes();
    let mut far = [0f32; 12];
    far[9] = -1e30;
    let cases = [
        (
            "run.npy",
            npy(&[2, 2, 3], npyz::Order::C, &far),
            "run.npy: a coordinate of joint 1 in frame 1 is -1e30, which is no position; write NaN",
        ),
        (
            "run.npy",
            npy(&[1, 2, 3], npyz::Order::C, &[1e300f64; 6]),
            "a coordinate of joint 0 in frame 0 is inf",
        ),
        (
            "run.npy",
            npy(&[1, 3, 3], npyz::Order::C, &[0f32; 9]),
            "its shape is [1, 3, 3], and the layout stick has 2 joints",
        ),
        (
            "run.npy",
            npy(&[2, 3], npyz::Order::C, &[0f32; 6]),
            "its shape is [2, 3]",
        ),
        (
            "run.npy",
            npy(&[1, 1, 1, 2, 3], npyz::Order::C, &[0f32; 6]),
            "its shape is [1, 1, 1, 2, 3]",
        ),
        ("run.npy", b"text".to_vec(), "run.npy: not a .npy array"),
        ("run.npy", good[..40].to_vec(), "its header is cut short"),
        (
            "run.npy",
            good[..good.len() - 1].to_vec(),
            "it holds 23 bytes of numbers",
        ),
        (
            "run.npy",
            [&good[..], b"0"].concat(),
            "it holds 25 bytes of numbers",
        ),
        (
            "run.npy",
            npy(&[1, 2, 3], npyz::Order::C, &[0i32; 6]),
            "float32 or float64 is wanted",
        ),
        (
            "run.npy",
            npy(&[1, 2, 3], npyz::Order::Fortran, &[0f32; 6]),
            "Fortran order",
        ),
        (
            "run.npy",
            npy(&[2, 3, 1], npyz::Order::C, &[0f32; 6]),
            "its shape is [2, 3, 1], and the layout stick has 2 joints; save it as [frames, 2, 2 or 3]",
        ),
        (
            "run.npy",
            npy(&[0, 2, 3], npyz::Order::C, &[0f32; 0]),
            "it holds no frames",
        ),
        (
            "run.npy",
            npy(&[1, 2, 3], npyz::Order::C, &[f32::NAN; 6]),
            "nobody is in any of its frames",
        ),
        (
            "run.npy",
            npy(&[1, 2, 3], npyz::Order::C, &[f32::INFINITY; 6]),
            "a coordinate of joint 0 in frame 0 is inf",
        ),
        (
            "run.npy",
            header("(1, 2, 3", "(1, 9, 2"),
            "it holds 24 bytes",
        ),
        (
            "run.npy",
            header("<f4", "|O8"),
            "float32 or float64 is wanted",
        ),
        (
            "layout.toml",
            LAYOUT.replace("[[1, 0]]", "[[1, 7]]").into(),
            "layout.toml, line 5: `bones`: there is no joint 7",
        ),
        ("layout.toml", b"\xff".to_vec(), "it is not UTF-8"),
        (
            "clips.csv",
            table("walk/b", "walk/c"),
            "clips.csv, line 3: there is no file \"walk/c.npy\"",
        ),
        (
            "clips.csv",
            table("walk/b", "walk/a"),
            "clips.csv, line 3: \"walk/a.npy\" stands in line 2 already",
        ),
        (
            "clips.csv",
            table("val", "all"),
            "clips.csv, line 4: the split \"all\" is unknown",
        ),
        (
            "clips.csv",
            table("ann,1", "ann,one"),
            "clips.csv, line 2: \"one\" is not a number",
        ),
        (
            "clips.csv",
            table("subject", "person"),
            "clips.csv, line 1: the column \"person\" is unknown",
        ),
        (
            "clips.csv",
            table("label", "setup"),
            "clips.csv, line 1: the column \"label\" is missing",
        ),
        (
            "clips.csv",
            table("ann,1", "ann"),
            "clips.csv, line 2: not a table",
        ),
    ];
    for (name, contents, what) in cases {
        let dir = tempdir().unwrap();
        let source = folder(&dir.path().join("set"), &changed(name, contents));
        let message = refused(&source, &dir.path().join("out"));
        assert!(message.contains(what), "{what} is not in: {message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
    let dir = tempdir().unwrap();
    let without: Vec<_> = entries()
        .into_iter()
        .filter(|entry| entry.0 != "layout.toml")
        .collect();
    let source = folder(&dir.path().join("set"), &without);
    assert!(refused(&source, Path::new("/nonexistent/out")).contains("it has no layout.toml"));
}
