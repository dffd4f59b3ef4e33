//! A `clips.csv` is read as spreadsheets and editors write it, and a row that cannot be meant is named with its line.

use crate::command;
use std::path::{Path, PathBuf};

use crate::npy::{array, layout};
use crate::skeleton_text::{folder, prepared, refused};
use sinew::prepare::check;
use sinew::shards::{Manifest, Prepared};
use tempfile::tempdir;

/// A set of four clips with this table.
fn set(path: &Path, table: &[u8]) -> PathBuf {
    let clip = array(&[2, 2, 2], &[0f32, 1., 2., 3., 4., 5., 6., 7.]);
    let mut entries = vec![
        ("clips.csv", table.to_vec()),
        ("layout.toml", layout(2).into_bytes()),
    ];
    for name in ["a.npy", "walk/b.npy", "walk, fast.npy", "gå.npy"] {
        entries.push((name, clip.clone()));
    }
    folder(path, &entries)
}

fn read(table: &[u8]) -> Manifest {
    let dir = tempdir().unwrap();
    let source = set(&dir.path().join("set"), table);
    prepared(&source, &dir.path().join("out")).unwrap();
    let data = Prepared::open(dir.path().join("out")).unwrap();
    data.manifest().clone()
}

fn fault(table: &[u8]) -> String {
    let dir = tempdir().unwrap();
    let source = set(&dir.path().join("set"), table);
    refused(&source, &dir.path().join("out"))
}

const PLAIN: &str = "file,label,split,subject\na.npy,gå,train,ann\nwalk/b.npy,\"sit, down\",test,bob\n\
    \"walk, fast.npy\",run,val,\ngå.npy,走る,train,ann\n";

#[test]
fn marks_line_ends_and_quotes_make_no_difference() {
    let expected = read(PLAIN.as_bytes());
    assert_eq!(
        expected.classes,
        ["gå", "run", "sit, down", "走る"].map(String::from)
    );
    let names: Vec<&str> = expected
        .clips
        .iter()
        .map(|clip| clip.name.as_str())
        .collect();
    assert_eq!(names, ["a", "gå", "walk, fast", "walk/b"]);
    assert_eq!(expected.clips[2].about.subject, None);
    let quoted = PLAIN.replace("a.npy,gå,train,ann", "\"a.npy\",\"gå\",\"train\",\"ann\"");
    for table in [
        format!("\u{feff}{PLAIN}"),
        PLAIN.replace('\n', "\r\n"),
        format!("\u{feff}{}", PLAIN.replace('\n', "\r\n")),
        PLAIN.trim_end().to_string(),
        PLAIN.replace("a.npy,", " a.npy , "),
        PLAIN.replace("a.npy,", "./a.npy,"),
        PLAIN.replace("walk/b.npy", "walk\\b.npy"),
        PLAIN.replacen('\n', "\n\n\n", 2) + "\n\n",
        quoted,
    ] {
        assert_eq!(read(table.as_bytes()), expected, "{table:?}");
    }
    let cells = PLAIN.replace("file,label,split,subject", " File ,LABEL, Split,Subject ");
    // What spreadsheets leave: rows and columns without anything in them, other separators.
    let empty = PLAIN.replace("test,bob\n", "test,bob\n,,,\n  , ,\n") + ",,,\n\n,,,,,,\n";
    let column = PLAIN.replace('\n', ",\n");
    let columns = PLAIN.replace('\n', ",, ,\n");
    let header = PLAIN.replace("subject\n", "subject,,\n");
    let semicolons = PLAIN
        .replace(',', ";")
        .replace("\"sit; down\"", "\"sit, down\"");
    let semicolons = semicolons.replace("\"walk; fast.npy\"", "walk, fast.npy");
    let tabs = semicolons
        .replace(';', "\t")
        .replace("\"sit, down\"", "sit, down");
    let marked = format!("\u{feff}{}", semicolons.replace('\n', ";\r\n"));
    for table in [
        cells, empty, column, columns, header, semicolons, tabs, marked,
    ] {
        assert_eq!(read(table.as_bytes()), expected, "{table:?}");
    }
    let turned = "split,file,label\ntrain,a.npy,x\n";
    assert_eq!(
        read(turned.as_bytes()).clips[0].about.split.as_deref(),
        Some("train")
    );
}

#[test]
fn a_row_that_cannot_be_meant_is_named_with_its_line() {
    let cases = [
        (
            "walk/b.npy",
            "../set/a.npy",
            3,
            "no file \"../set/a.npy\" next to clips.csv",
        ),
        (
            "walk/b.npy",
            "walk/../a.npy",
            3,
            "no file \"walk/../a.npy\"",
        ),
        ("walk/b.npy", "/etc/passwd", 3, "no file \"/etc/passwd\""),
        ("walk/b.npy", "walk/B.npy", 3, "no file \"walk/B.npy\""),
        (
            "walk/b.npy",
            "a.npy",
            3,
            "\"a.npy\" is already listed in line 2",
        ),
        (
            "walk/b.npy",
            "./a.npy",
            3,
            "\"a.npy\" is already listed in line 2",
        ),
        ("run,val", ",val", 4, "the file or the label is missing"),
        (
            "gå.npy,走る",
            ",走る",
            5,
            "the file or the label is missing",
        ),
        (
            "run,val",
            "run,validation",
            4,
            "unknown split \"validation\"; use train, val or test",
        ),
        ("run,val", "run,", 4, "unknown split \"\""),
        (
            "gå.npy,走る,train,ann",
            "gå.npy,走る",
            5,
            "2 cells, but the header has 4 columns",
        ),
        (
            "gå.npy,走る,train,ann",
            "gå.npy,走る,train,ann, again",
            5,
            "5 cells, but the header has 4 columns; add or remove a cell",
        ),
        (
            "file,label",
            "file,class",
            1,
            "the column \"label\" is missing; the header is \"file, class, split, subject\"; the columns are file, label, split",
        ),
        (
            "file,label,split",
            "file,label,set",
            1,
            "the column \"split\" is missing",
        ),
        (
            "file,label,split,subject",
            "file label split",
            1,
            "unknown column \"file label split\"; did you mean \"file\"?",
        ),
        (
            "split,subject",
            "split,Subject ID",
            1,
            "unknown column \"Subject ID\"; did you mean \"subject\"?",
        ),
        (
            "split,subject",
            "split,subjct",
            1,
            "unknown column \"subjct\"; did you mean \"subject\"?",
        ),
        (
            "split,subject",
            "split,SPLIT",
            1,
            "duplicate column \"split\", number 3 and 4",
        ),
        (
            "file,label,split",
            "file,file,split",
            1,
            "duplicate column \"file\", number 1 and 2",
        ),
    ];
    for (old, new, line, what) in cases {
        let table = PLAIN.replacen(old, new, 1);
        assert_ne!(table, PLAIN);
        for table in [
            table.replace('\n', "\r\n"),
            format!("\u{feff}{table}"),
            table,
        ] {
            let message = fault(table.as_bytes());
            let place = format!("clips.csv, line {line}: ");
            assert!(
                message.contains(&place) && message.contains(what),
                "line {line}, {what}: {message}"
            );
            assert_eq!(message.lines().count(), 1, "{message}");
        }
    }
    // Blank lines and quoted line ends count.
    let table = PLAIN.replacen('\n', "\n\n", 1).replace("run,val", ",val");
    assert!(
        fault(table.as_bytes()).contains("clips.csv, line 5: the file or the label is missing")
    );
    let table = PLAIN
        .replace("sit, down", "sit\ndown")
        .replace("run,val", ",val");
    assert!(
        fault(table.as_bytes()).contains("clips.csv, line 5: the file or the label is missing")
    );
}

#[test]
fn classes_that_are_named_are_held_against_the_table() {
    let dir = tempdir().unwrap();
    let with = |number: usize, classes: &str| {
        let source = set(&dir.path().join(number.to_string()), PLAIN.as_bytes());
        std::fs::write(source.join("classes.txt"), classes).unwrap();
        source
    };
    let sound = with(0, "\u{feff}run\r\n\r\nsit, down\r\nwave\r\n走る\r\ngå");
    let out = dir.path().join("out");
    prepared(&sound, &out).unwrap();
    let manifest = Prepared::open(&out).unwrap().manifest().clone();
    assert_eq!(manifest.classes, ["run", "sit, down", "wave", "走る", "gå"]);
    assert_eq!(manifest.counts.by_class, [1, 1, 0, 1, 1]);
    let none = dir.path().join("none");
    let message = refused(&with(1, "gå\nsit, down\n走る\n"), &none);
    assert!(
        message.contains("clips.csv, line 4: the label \"run\" is not in classes.txt"),
        "{message}"
    );
    let message = refused(&with(2, "gå\nrun\n\nsit, down\n走る\nrun\n"), &none);
    assert!(
        message.contains("classes.txt, line 6: duplicate class \"run\""),
        "{message}"
    );
}

#[test]
fn a_file_that_is_no_table_is_refused() {
    let wide: Vec<u8> = PLAIN.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(fault(&wide).contains("not UTF-8 text; save it as UTF-8"));
    assert!(fault(b"").contains("clips.csv, line 1: the column \"file\" is missing"));
    assert!(fault(b"file,label,split\n").contains("contains no clips"));
}

#[test]
fn columns_that_are_not_read_are_named_once() {
    let dir = tempdir().unwrap();
    let expected = read(PLAIN.as_bytes());
    let more = |name: &str, each: &str| {
        let mut lines = PLAIN.lines();
        let header = lines.next().unwrap_or_default();
        let rows = lines.map(|line| format!("{line},{each}\n"));
        format!("{header},{name}\n{}", rows.collect::<String>())
    };
    for (number, (table, what)) in [
        (more("object", "7"), "ignored the column object"),
        (more("Frames,fps", "7,"), "ignored the columns Frames, fps"),
        (more("labels", "x"), "ignored the column labels"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(read(table.as_bytes()), expected, "{table}");
        let source = set(&dir.path().join(number.to_string()), table.as_bytes());
        let checked = check(&source, None, 1, &mut |_, _| {});
        assert!(checked.problems.is_empty(), "{:?}", checked.problems);
        let warnings: Vec<String> = checked.warnings.iter().map(ToString::to_string).collect();
        let here = format!(
            "clips.csv, line 1: {what}; sinew reads file, label, split, subject, camera, setup"
        );
        let said = warnings
            .iter()
            .filter(|warning| warning.contains("ignored the column"));
        assert_eq!(said.clone().count(), 1, "{warnings:?}");
        assert!(
            said.clone().all(|warning| warning.contains(&here)),
            "{warnings:?}"
        );
    }
    // Nothing is said of empty ones.
    let source = set(
        &dir.path().join("plain"),
        PLAIN.replace('\n', ",,\n").as_bytes(),
    );
    let checked = check(&source, None, 1, &mut |_, _| {});
    assert!(
        !checked
            .warnings
            .iter()
            .any(|warning| warning.what.contains("read"))
    );
}

#[test]
fn as_many_lines_as_can_be_cost_no_more_than_reading_them() {
    // Quadratic in the number of lines, this took minutes.
    let dir = tempdir().unwrap();
    let classes: String = (0..60_000).map(|n| format!("class {n}\n")).collect();
    let rows: String = (0..200_000)
        .map(|n| format!("{n}.npy,class {},train\n", n % 60_000))
        .collect();
    let table = format!("file,label,split\n{rows}a.npy,class 59999,test\n");
    let source = set(&dir.path().join("many"), table.as_bytes());
    std::fs::write(source.join("classes.txt"), classes).unwrap();
    let checked = check(&source, None, 1, &mut |_, _| {});
    assert_eq!((checked.clips, checked.problems.len()), (1, 10_001));
    let first = checked.problems[0].to_string();
    assert!(
        first.contains("200000 problems found; only the first 10000 are listed"),
        "{first}"
    );
}

#[test]
fn more_than_can_be_meant_is_refused() {
    let dir = tempdir().unwrap();
    let large = |number: usize, name: &str, bytes: Vec<u8>| {
        let source = set(&dir.path().join(number.to_string()), PLAIN.as_bytes());
        std::fs::write(source.join(name), bytes).unwrap();
        refused(&source, &dir.path().join("none"))
    };
    for (number, (name, most)) in [("clips.csv", 64), ("classes.txt", 4), ("layout.toml", 1)]
        .into_iter()
        .enumerate()
    {
        let message = large(number, name, vec![b'#'; (most << 20) + 1]);
        let what = format!("{name}: larger than {most} MiB; shorten it");
        assert!(message.contains(&what), "{message}");
    }
    let rows = "a,b,test\n".repeat(1_000_001);
    let message = large(
        3,
        "clips.csv",
        format!("file,label,split\n{rows}").into_bytes(),
    );
    assert!(
        message.contains("clips.csv, line 1000002: more than 1000000 rows"),
        "{message}"
    );
}

#[cfg(unix)]
#[test]
fn the_largest_tables_take_bounded_memory() {
    use std::os::unix::process::CommandExt;

    let dir = tempdir().unwrap();
    let largest = |name: &str, head: &str, row: &str| {
        let source = set(&dir.path().join(name), PLAIN.as_bytes());
        let rows = row.repeat(((64 << 20) - head.len()) / row.len());
        std::fs::write(source.join("clips.csv"), format!("{head}{rows}")).unwrap();
        source
    };
    for (source, what) in [
        (
            largest("short", "file,label,split\n", "a,b,test\n"),
            "more than 1000000 rows",
        ),
        (
            largest("wide", "file,label,split", ",a"),
            "clips.csv, line 1: 33554",
        ),
        (
            largest("long", "file,label,split\na.npy,", "x"),
            "2 cells, but",
        ),
    ] {
        let mut command = command::sinew(&["check", command::text(&source)]);
        command.env("RAYON_NUM_THREADS", "2");
        // SAFETY: setrlimit may be called between fork and exec.
        unsafe {
            command.pre_exec(|| {
                let most = libc::rlimit {
                    rlim_cur: 3 << 30,
                    rlim_max: 3 << 30,
                };
                libc::setrlimit(libc::RLIMIT_AS, &most);
                Ok(())
            });
        }
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        println!("{:?} {}", output.status, &said[..said.len().min(300)]);
        assert_eq!(output.status.code(), Some(1), "{what}");
        assert!(
            said.contains(what),
            "{what}: {}",
            &said[..said.len().min(500)]
        );
    }
}
