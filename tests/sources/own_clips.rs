//! Your own `.npy` clips go in with their table and layout, and each fault is named with its file or line.

use std::path::Path;

use crate::npy::npy;
use crate::skeleton_text::{folder, prepared, refused, zip};
use sinew::shards::Prepared;
use tempfile::tempdir;

const LAYOUT: &str =
    "name = 'stick'\nunit = 'pixel'\nup = '-y'\njoints = ['hip', 'head']\nbones = [[1, 0]]\n";
const TABLE: &str = "file,label,split,subject,camera\n\
    walk/a.npy,walk,train,ann,1\nwalk/b.npy,walk,test,bob,2\nrun.npy,run,val,,\n";

fn entries() -> Vec<(&'static str, Vec<u8>)> {
    let two: Vec<f64> = (0..12).map(f64::from).collect();
    let mut people: Vec<f32> = (0..54).map(|x| x as f32).collect();
    people[18..36].fill(f32::NAN);
    people[5] = f32::NAN;
    vec![
        ("clips.csv", TABLE.into()),
        ("layout.toml", LAYOUT.into()),
        ("walk/a.npy", npy(&[3, 2, 2], npyz::Order::C, &two)),
        ("walk/b.npy", npy(&[3, 3, 2, 3], npyz::Order::C, &people)),
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
                manifest.dataset.name(),
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
            [("run", 0, 1, 1), ("walk/a", 1, 1, 3), ("walk/b", 1, 2, 3)]
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
        assert_eq!(people.frame(1, 0)[0], 36.0);
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
            "run.npy: joint 1 in frame 1 has a coordinate of -1e30, which is out of range; write NaN",
        ),
        (
            "run.npy",
            npy(&[1, 2, 3], npyz::Order::C, &[1e300f64; 6]),
            "joint 0 in frame 0 has a coordinate of inf",
        ),
        (
            "run.npy",
            npy(&[1, 3, 3], npyz::Order::C, &[0f32; 9]),
            "the shape is [1, 3, 3], but the layout stick has 2 joints",
        ),
        (
            "run.npy",
            npy(&[2, 3], npyz::Order::C, &[0f32; 6]),
            "the shape is [2, 3]",
        ),
        (
            "run.npy",
            npy(&[1, 1, 1, 2, 3], npyz::Order::C, &[0f32; 6]),
            "the shape is [1, 1, 1, 2, 3]",
        ),
        ("run.npy", b"text".to_vec(), "run.npy: not a .npy array"),
        ("run.npy", good[..40].to_vec(), "the header is truncated"),
        (
            "run.npy",
            good[..good.len() - 1].to_vec(),
            "23 bytes of data do not match",
        ),
        (
            "run.npy",
            [&good[..], b"0"].concat(),
            "25 bytes of data do not match",
        ),
        (
            "run.npy",
            npy(&[1, 2, 3], npyz::Order::C, &[i64::MAX; 6]),
            "joint 0 in frame 0 has a coordinate of 9.223372e18",
        ),
        (
            "run.npy",
            npy(&[2, 3, 1], npyz::Order::C, &[0f32; 6]),
            "the shape is [2, 3, 1], but the layout stick has 2 joints; save it as [frames, 2, 2 or 3]",
        ),
        (
            "run.npy",
            npy(&[0, 2, 3], npyz::Order::C, &[0f32; 0]),
            "no frames",
        ),
        (
            "run.npy",
            npy(&[1, 2, 3], npyz::Order::C, &[f32::NAN; 6]),
            "no person in any frame",
        ),
        (
            "run.npy",
            npy(&[1, 2, 3], npyz::Order::C, &[f32::INFINITY; 6]),
            "joint 0 in frame 0 has a coordinate of inf",
        ),
        (
            "run.npy",
            header("(1, 2, 3", "(1, 9, 2"),
            "24 bytes of data do not match",
        ),
        (
            "run.npy",
            header("<f4", "|O8"),
            "unsupported dtype \"|O8\"; save it with .astype",
        ),
        (
            "layout.toml",
            LAYOUT.replace("[[1, 0]]", "[[1, 7]]").into(),
            "layout.toml, line 5: `bones`: there is no joint 7",
        ),
        ("layout.toml", b"\xff".to_vec(), "not UTF-8"),
        (
            "clips.csv",
            table("walk/b", "walk/c"),
            "clips.csv, line 3: no file \"walk/c.npy\"",
        ),
        (
            "clips.csv",
            table("walk/b", "walk/a"),
            "clips.csv, line 3: \"walk/a.npy\" is already listed in line 2",
        ),
        (
            "clips.csv",
            table("val", "all"),
            "clips.csv, line 4: unknown split \"all\"",
        ),
        (
            "clips.csv",
            table("ann,1", "ann,one"),
            "clips.csv, line 2: \"one\" is not an integer",
        ),
        (
            "clips.csv",
            table("subject", "subjct"),
            "clips.csv, line 1: unknown column \"subjct\"; did you mean \"subject\"?",
        ),
        (
            "clips.csv",
            table("label", "setup"),
            "clips.csv, line 1: the column \"label\" is missing",
        ),
        (
            "clips.csv",
            table("ann,1", "ann"),
            "clips.csv, line 2: 4 cells, but the header has 5 columns",
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
    assert!(refused(&source, Path::new("/nonexistent/out")).contains("no layout.toml"));
}

/// An array of any kind, its header as NumPy writes it.
fn array_of(descr: &str, fortran: &str, shape: &str, numbers: &[u8]) -> Vec<u8> {
    let header =
        format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
    let length = (header.len() as u16).to_le_bytes();
    [
        b"\x93NUMPY\x01\x00",
        &length[..],
        header.as_bytes(),
        numbers,
    ]
    .concat()
}

#[test]
fn numbers_of_every_kind_and_order_are_read() {
    fn bytes<const N: usize>(to: impl Fn(i8) -> [u8; N]) -> Vec<u8> {
        (1..=12).flat_map(to).collect()
    }
    let unsigned = |x: i8| x as u8;
    let kinds = [
        ("|i1", bytes(i8::to_le_bytes)),
        ("|u1", bytes(|x| unsigned(x).to_le_bytes())),
        ("<i2", bytes(|x| i16::from(x).to_le_bytes())),
        (">i2", bytes(|x| i16::from(x).to_be_bytes())),
        ("<u2", bytes(|x| u16::from(unsigned(x)).to_le_bytes())),
        (">u2", bytes(|x| u16::from(unsigned(x)).to_be_bytes())),
        ("<i4", bytes(|x| i32::from(x).to_le_bytes())),
        (">i4", bytes(|x| i32::from(x).to_be_bytes())),
        ("<u4", bytes(|x| u32::from(unsigned(x)).to_le_bytes())),
        (">u4", bytes(|x| u32::from(unsigned(x)).to_be_bytes())),
        ("<i8", bytes(|x| i64::from(x).to_le_bytes())),
        (">i8", bytes(|x| i64::from(x).to_be_bytes())),
        ("<u8", bytes(|x| u64::from(unsigned(x)).to_le_bytes())),
        (">u8", bytes(|x| u64::from(unsigned(x)).to_be_bytes())),
        ("<f2", bytes(|x| half::f16::from(x).to_le_bytes())),
        (">f2", bytes(|x| half::f16::from(x).to_be_bytes())),
        ("<f4", bytes(|x| f32::from(x).to_le_bytes())),
        (">f4", bytes(|x| f32::from(x).to_be_bytes())),
        ("<f8", bytes(|x| f64::from(x).to_le_bytes())),
        (">f8", bytes(|x| f64::from(x).to_be_bytes())),
    ];
    let dir = tempdir().unwrap();
    let read = |number: usize, array: Vec<u8>| {
        let (set, out) = (format!("set{number}"), dir.path().join(number.to_string()));
        let source = folder(&dir.path().join(set), &changed("run.npy", array));
        prepared(&source, &out).unwrap();
        Prepared::open(&out).unwrap().clip(0).unwrap()
    };
    let count = kinds.len();
    for (number, (kind, numbers)) in kinds.into_iter().enumerate() {
        let clip = read(number, array_of(kind, "False", "(2, 2, 3)", &numbers));
        let expected: Vec<f32> = (1..=12).map(|x| x as f32).collect();
        assert!(same(&clip.data, &expected), "{kind}: {:?}", clip.data);
    }
    // The first axis fastest, as MATLAB and numpy.asfortranarray have it.
    let turned: Vec<f32> = (0..12).map(|x| x as f32).collect();
    let clip = read(count, npy(&[2, 2, 3], npyz::Order::Fortran, &turned));
    let expected = [0., 4., 8., 2., 6., 10., 1., 5., 9., 3., 7., 11.];
    assert!(same(&clip.data, &expected), "{:?}", clip.data);
}

#[test]
fn classes_that_are_numbers_stand_in_their_order() {
    let dir = tempdir().unwrap();
    let classes = |number: usize, labels: &[&str]| {
        let mut entries = changed("layout.toml", LAYOUT.into());
        let mut table = String::from("file,label,split\n");
        for (index, label) in labels.iter().enumerate() {
            let name: &'static str = Box::leak(format!("{index}.npy").into_boxed_str());
            table += &format!("{name},{label},train\n");
            entries.push((name, npy(&[1, 2, 2], npyz::Order::C, &[1f32, 2., 3., 4.])));
        }
        entries
            .iter_mut()
            .find(|entry| entry.0 == "clips.csv")
            .unwrap()
            .1 = table.into_bytes();
        let (set, out) = (format!("set{number}"), dir.path().join(number.to_string()));
        prepared(&folder(&dir.path().join(set), &entries), &out).unwrap();
        Prepared::open(&out).unwrap().manifest().classes.clone()
    };
    assert_eq!(
        classes(0, &["10", "2", "0", "11", "-1", "2"]),
        ["-1", "0", "2", "10", "11"]
    );
    // One that is no number makes names of all.
    assert_eq!(classes(1, &["10", "2", "walk"]), ["10", "2", "walk"]);
    assert_eq!(classes(2, &["1.5", "10", "2"]), ["1.5", "10", "2"]);
}

/// The names and classes that a set prepares to.
fn names(source: &Path, out: &Path) -> Vec<(String, String)> {
    prepared(source, out).unwrap();
    let data = Prepared::open(out).unwrap();
    let clips = data.manifest().clips.iter();
    let class = |label: usize| data.manifest().classes[label].clone();
    clips
        .map(|clip| (clip.name.clone(), class(clip.label)))
        .collect()
}

#[test]
fn zips_whose_folders_end_in_backslashes_are_read() {
    let dir = tempdir().unwrap();
    let mut expected = Vec::new();
    for (number, before) in ["", "set\\", "a\\b\\", "a/b\\"].into_iter().enumerate() {
        let path = dir.path().join(format!("{number}.zip"));
        let mut zip = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file(format!("{before}walk\\"), options).unwrap();
        for (name, bytes) in entries() {
            let name = format!("{before}{}", name.replace('/', "\\"));
            zip.start_file(name, options).unwrap();
            std::io::Write::write_all(&mut zip, &bytes).unwrap();
        }
        zip.finish().unwrap();
        let found = names(&path, &dir.path().join(number.to_string()));
        if number == 0 {
            assert_eq!(found.len(), 3);
            expected.clone_from(&found);
        }
        assert_eq!(found, expected);
    }
}

#[test]
fn letters_with_accents_may_be_spelled_either_way() {
    let (composed, apart) = ("M\u{fc}ller", "Mu\u{308}ller");
    let array = npy(&[1, 2, 2], npyz::Order::C, &[1f32, 2., 3., 4.]);
    let dir = tempdir().unwrap();
    let set = |number: usize, files: &[String], table: String, classes: Option<&str>| {
        let mut entries = vec![
            ("layout.toml".to_string(), LAYOUT.into()),
            ("clips.csv".to_string(), table.into_bytes()),
        ];
        entries.extend(files.iter().map(|file| (file.clone(), array.clone())));
        let classes = classes.map(|text| ("classes.txt".to_string(), text.as_bytes().to_vec()));
        entries.extend(classes);
        folder(&dir.path().join(format!("set{number}")), &entries)
    };
    for (number, (file, row)) in [(apart, composed), (composed, apart)]
        .into_iter()
        .enumerate()
    {
        let table = format!(
            "file,label,split,subject\n{row}/1.npy,{row},train,{row}\n{file}/2.npy,{file},test,{file}\n"
        );
        let files = [format!("{file}/1.npy"), format!("{file}/2.npy")];
        let source = set(number, &files, table.clone(), None);
        let out = dir.path().join(number.to_string());
        // A clip is called as the table says; of a label or a subject the first spelling counts.
        let mut expected = vec![
            (format!("{row}/1"), row.to_string()),
            (format!("{file}/2"), row.to_string()),
        ];
        expected.sort();
        assert_eq!(names(&source, &out), expected);
        let data = Prepared::open(&out).unwrap();
        assert_eq!(data.manifest().classes, [row]);
        for clip in &data.manifest().clips {
            assert_eq!(clip.about.subject.as_deref(), Some(row));
        }
        // Classes that are named keep their spelling.
        let source = set(10 + number, &files, table, Some(file));
        let out = dir.path().join(format!("named{number}"));
        prepared(&source, &out).unwrap();
        assert_eq!(Prepared::open(&out).unwrap().manifest().classes, [file]);
    }
    let both = [format!("{composed}.npy"), format!("{apart}.npy")];
    let table = format!("file,label,split\n{composed}.npy,a,train\n");
    let message = refused(&set(20, &both, table, None), &dir.path().join("none"));
    assert!(
        message.contains("clips.csv, line 2: ") && message.contains("two files are named"),
        "{message}"
    );
    let table = format!("file,label,split\n{composed}.npy,a,train\n");
    let twice = format!("{composed}\n{apart}\na\n");
    let message = refused(
        &set(21, &both[..1], table, Some(&twice)),
        &dir.path().join("none"),
    );
    assert!(message.contains("classes.txt, line 2: duplicate class"));
}
