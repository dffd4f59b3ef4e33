//! A clip that is not sound is named with its entry and line; all bad ones are listed, and nothing is published
//! unless bad entries are skipped.

use crate::skeleton_text::{prepared, refused, simple, sound, text, with, zip};
use sinew::prepare::check;
use sinew::shards::Prepared;
use tempfile::tempdir;

const NAME: &str = "S001C001P001R001A001.skeleton";

/// A sound clip of 3 frames, changed: each frame has 28 lines, the first begins at line 2.
fn changed(change: impl Fn(&mut Vec<String>)) -> String {
    let mut lines: Vec<String> = simple(3).lines().map(String::from).collect();
    change(&mut lines);
    lines.join("\n") + "\n"
}

#[test]
fn each_fault_is_named_with_its_line() {
    // The first coordinate of the line 11, replaced.
    let first = |word: &'static str| {
        changed(|lines| lines[10] = format!("{word} {}", lines[10].split_once(' ').unwrap().1))
    };
    let cases = [
        (
            "not a skeleton",
            "<html>not found</html>\n".to_string(),
            "is not the number of frames",
            Some(1),
        ),
        ("empty", String::new(), "truncated", None),
        (
            "cut in mid-line",
            simple(3)[..2000].into(),
            "truncated",
            Some(2 + simple(3)[..2000].lines().count() - 2),
        ),
        (
            "cut between frames",
            changed(|lines| lines.truncate(57)),
            "truncated after frame 2 of 3",
            Some(57),
        ),
        (
            "24 joints",
            changed(|lines| lines[3] = "24".into()),
            "24 joints",
            Some(4),
        ),
        (
            "NaN",
            first("NaN"),
            "the coordinate \"NaN\" is not finite",
            Some(11),
        ),
        ("infinity", first("-inf"), "not finite", Some(11)),
        (
            "beyond any place",
            first("1e30"),
            "the coordinate \"1e30\" is out of range",
            Some(11),
        ),
        (
            "just beyond",
            first("-1000001"),
            "\"-1000001\" is out of range",
            Some(11),
        ),
        ("word", first("0,1"), "\"0,1\" is not a coord", Some(11)),
        (
            "short line",
            changed(|lines| lines[10] = "0.1 0.2 0.3 1 2 3".into()),
            "6 numbers for a joint",
            Some(11),
        ),
        (
            "long line",
            changed(|lines| lines[10] += " 7"),
            "13 numbers for a joint instead of 12",
            Some(11),
        ),
        (
            "seven bodies",
            changed(|lines| lines[1] = "7".into()),
            "7 bodies in a frame",
            Some(2),
        ),
        (
            "short body",
            changed(|lines| lines[2] = "1 2 3".into()),
            "3 numbers for a body instead of 10",
            Some(3),
        ),
        (
            "id beyond 64 bits",
            changed(|lines| lines[2].insert_str(0, "99999")),
            "body's id",
            Some(3),
        ),
        (
            "one body twice",
            text(&[&[5, 5]]),
            "body 5 appears twice in frame 1",
            Some(30),
        ),
        (
            "more after the end",
            simple(3) + "1 2 3\n",
            "unexpected \"1 2 3\" after the last of 3 frames",
            Some(86),
        ),
        (
            "no bodies",
            text(&[&[], &[]]),
            "no body in any of the 2 frames",
            None,
        ),
        ("no frames", "0\n".into(), "0 frames", Some(1)),
        (
            "claims frames",
            "4000000000\n0\n".into(),
            "4000000000 frames in 13 bytes",
            Some(1),
        ),
    ];
    let dir = tempdir().unwrap();
    for (case, text, what, line) in cases {
        let source = zip(&dir.path().join("one.zip"), &[(NAME, &text)]);
        let message = refused(&source, &dir.path().join("out"));
        assert_eq!(message.lines().count(), 1, "{case}: {message}");
        assert!(message.contains(what), "{case}: {message}");
        assert!(
            message.contains("one.zip, nturgb+d_skeletons/S001C001P001R001A001.skeleton"),
            "{case}: {message}"
        );
        match line {
            Some(line) => assert!(
                message.contains(&format!(", line {line}: ")),
                "{case}: {message}"
            ),
            None => assert!(
                !message.contains(", line ") || case == "empty",
                "{case}: {message}"
            ),
        }
    }
}

#[test]
fn a_clip_cut_anywhere_is_never_taken_for_whole() {
    let whole = text(&[&[1, 2], &[], &[2]]);
    let place = sinew::error::Place::file("clip.skeleton");
    // Without the last newline, and no shorter than the start of the last number, the clip is whole.
    for cut in 0..whole.len() - 2 {
        assert!(
            sinew::formats::ntu::parse(&whole.as_bytes()[..cut], &place).is_err(),
            "cut at {cut}"
        );
    }
    assert!(sinew::formats::ntu::parse(&whole.as_bytes()[..whole.len() - 1], &place).is_ok());
}

#[test]
fn all_bad_entries_are_listed_and_skipping_records_them() {
    let dir = tempdir().unwrap();
    let mut entries = sound(20);
    entries[3].1 = "rubbish".into();
    entries[11].1.truncate(3000);
    entries.push(("holiday.skeleton".into(), simple(3)));
    entries.push(("readme.txt".into(), "not a clip".into()));
    let source = zip(&dir.path().join("some.zip"), &entries);
    let out = dir.path().join("out");
    let message = refused(&source, &out);
    assert_eq!(message.lines().count(), 4, "{message}");
    assert!(
        message.starts_with("3 entries are bad and nothing was published"),
        "{message}"
    );
    for name in [&entries[3].0, &entries[11].0, &entries[20].0] {
        assert!(
            message.contains(name.as_str()),
            "{name} is not in {message}"
        );
    }
    assert_eq!(check(&source, None, 2, &mut |_, _| {}).problems.len(), 3);

    let summary = with(&source, &out, None, true).unwrap();
    assert_eq!(
        (summary.counts.clips, summary.skipped.len(), summary.ignored),
        (18, 3, 1)
    );
    let data = Prepared::open(&out).unwrap();
    assert_eq!(data.manifest().skipped, summary.skipped);
    assert_eq!(data.len(), 18);
    assert!(data.verify().is_empty());
}

#[test]
fn a_source_without_a_sound_clip_publishes_nothing() {
    let dir = tempdir().unwrap();
    let out = dir.path().join("out");
    let source = zip(&dir.path().join("bad.zip"), &[(NAME, "rubbish")]);
    assert!(with(&source, &out, None, true).is_err());
    assert!(!out.exists());
    let source = zip(&dir.path().join("none.zip"), &[("notes.txt", "nothing")]);
    assert!(refused(&source, &out).contains("contains no clips"));
    let twice = [
        (format!("a/{NAME}"), simple(2)),
        (format!("b/{NAME}"), simple(2)),
    ];
    let source = zip(&dir.path().join("twice.zip"), &twice);
    assert!(refused(&source, &out).contains("duplicate clip"));
    assert!(prepared(&source, &out).is_err());
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_clip() {
    let dir = tempdir().unwrap();
    let marked = format!("\u{feff}{}", simple(3).replace('\n', "\r\n"));
    let read = |number: usize, text: &str| {
        let source = zip(&dir.path().join(format!("{number}.zip")), &[(NAME, text)]);
        let out = dir.path().join(number.to_string());
        prepared(&source, &out).unwrap();
        Prepared::open(&out).unwrap().clip(0).unwrap()
    };
    assert_eq!(read(0, &marked), read(1, &simple(3)));
    // Lines count as before, and a mark elsewhere is rubbish.
    let source = zip(
        &dir.path().join("2.zip"),
        &[(NAME, format!("\u{feff}{}", changed(|l| l[3] = "24".into())))],
    );
    assert!(refused(&source, &dir.path().join("out")).contains("line 4: 24 joints"));
    let source = zip(
        &dir.path().join("3.zip"),
        &[(NAME, format!("\u{feff}\u{feff}{}", simple(3)))],
    );
    assert!(refused(&source, &dir.path().join("out")).contains("is not the number of frames"));
}

#[test]
fn the_only_bad_clip_is_told_how_to_be_left_out() {
    let dir = tempdir().unwrap();
    let bad = changed(|lines| lines[3] = "24".into());
    let source = zip(&dir.path().join("a.zip"), &[(NAME, bad)]);
    let message = refused(&source, &dir.path().join("out"));
    assert!(
        message.ends_with("or leave it out with --skip-bad"),
        "{message}"
    );
    // Where that was asked for and nothing is left, it is no advice.
    let error = with(&source, &dir.path().join("out"), None, true).unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("its only entry is bad") && !message.contains("--skip-bad"),
        "{message}"
    );
}
