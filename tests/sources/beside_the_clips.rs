//! What lies beside clips and is none of them stops nothing: links that lead nowhere, folders that cannot be read, hidden
//! files. Where a clip is behind it, that is said.
#![cfg(unix)]

use crate::command;
use crate::npy;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::npy::array;
use crate::skeleton_text::{folder, prepared, refused, simple};
use sinew::prepare::check;
use tempfile::tempdir;

const NAME: &str = "S001C001P001R001A001.skeleton";

/// Two clips of one's own.
fn set(path: &Path) -> PathBuf {
    let clip = array(&[2, 2, 2], &[1f32, 2., 3., 4., 5., 6., 7., 8.]);
    let table = "file,label,split\na.npy,a,train\nwalk/b.npy,b,test\n";
    let entries = [
        ("clips.csv", table.as_bytes().to_vec()),
        ("layout.toml", npy::layout(2).into_bytes()),
        ("a.npy", clip.clone()),
        ("walk/b.npy", clip),
    ];
    folder(path, &entries)
}

/// A clip of NTU RGB+D.
fn ntu(path: &Path) -> PathBuf {
    folder(path, &[(NAME, simple(2))])
}

/// What a check says is wrong, and what it warns of that is skipped.
fn checked(source: &Path) -> (Vec<String>, Vec<String>) {
    let checked = check(source, None, 1, &mut |_, _| {});
    let problems = checked.problems.iter().map(ToString::to_string).collect();
    let warnings = checked.warnings.iter().map(ToString::to_string);
    let passed = warnings.filter(|warning| warning.contains("skipped"));
    (problems, passed.collect())
}

#[test]
fn hidden_files_and_links_that_lead_nowhere_are_passed_over() {
    let dir = tempdir().unwrap();
    for (number, make) in [set, ntu].into_iter().enumerate() {
        let source = make(&dir.path().join(number.to_string()));
        // An editor's lock, what systems leave, and copies of clips in hidden folders.
        symlink("somebody@somewhere.1:2", source.join(".#clips.csv")).unwrap();
        symlink("nowhere", source.join(".hidden")).unwrap();
        symlink("nowhere.mp4", source.join("video.mp4")).unwrap();
        symlink(".", source.join("again")).unwrap();
        symlink("around", source.join("around")).unwrap();
        fs::remove_file(source.join("around")).unwrap();
        for name in [
            ".DS_Store",
            ".trash/clips.csv",
            ".trash/S001C001P001R001A001.skeleton",
        ] {
            folder(&source, &[(name, "rubbish")]);
        }
        folder(
            &source,
            &[("__MACOSX/._a.npy", ""), ("deep/__MACOSX/clips.csv", "")],
        );
        assert_eq!(checked(&source), (vec![], vec![]));
        prepared(&source, &dir.path().join(format!("out{number}"))).unwrap();
        // A link that may have led to a folder of clips.
        symlink("moved", source.join("more")).unwrap();
        symlink("circle", source.join("circle")).unwrap();
        let (problems, passed) = checked(&source);
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(passed.len(), 1, "{passed:?}");
        assert!(
            passed[0].contains(
                "skipped 2 folders or links that cannot be read, the first of them circle"
            ),
            "{passed:?}"
        );
    }
}

#[test]
fn files_of_other_programs_say_nothing() {
    let dir = tempdir().unwrap();
    let source = set(&dir.path().join("set"));
    folder(
        &source,
        &[
            ("config.toml", "[tool]"),
            ("manifest.json", "{}"),
            ("metrics.jsonl", "{}"),
            ("walk/notes.md", "mine"),
        ],
    );
    assert_eq!(checked(&source), (vec![], vec![]));
    assert!(command::must(&["inspect", command::text(&source)]).contains("clips    2"));
    let summary = prepared(&source, &dir.path().join("out")).unwrap();
    assert_eq!((summary.counts.clips, summary.ignored), (2, 4));
}

#[test]
fn a_clip_behind_a_link_that_leads_nowhere_is_missed() {
    let dir = tempdir().unwrap();
    let source = ntu(&dir.path().join("ntu"));
    symlink(
        "annex/missing",
        source.join("S001C001P001R001A002.skeleton"),
    )
    .unwrap();
    let message = refused(&source, &dir.path().join("out"));
    assert!(message.contains("A002.skeleton: cannot read"), "{message}");
    let source = set(&dir.path().join("set"));
    fs::remove_file(source.join("a.npy")).unwrap();
    symlink("missing.npy", source.join("a.npy")).unwrap();
    let message = refused(&source, &dir.path().join("out"));
    assert!(message.contains("a.npy: cannot read"), "{message}");
    // A row may name a hidden file, and one in a folder that is not there says why.
    let table = |row: &str| {
        fs::write(
            source.join("clips.csv"),
            format!("file,label,split\n{row},a,test\n"),
        )
        .unwrap()
    };
    fs::rename(source.join("walk"), source.join(".walk")).unwrap();
    table(".walk/b.npy");
    prepared(&source, &dir.path().join("hidden")).unwrap();
    symlink("nowhere", source.join("walk")).unwrap();
    table("walk/b.npy");
    let message = refused(&source, &dir.path().join("out"));
    assert!(
        message.contains("no file \"walk/b.npy\" next to clips.csv: walk cannot be read"),
        "{message}"
    );
}

/// Checks a source as somebody whom permissions bind; root is not.
fn checked_by_nobody(sinew: &Path, source: &Path) -> (bool, String) {
    let mut command = Command::new(sinew);
    command.args(["check", command::text(source)]);
    // SAFETY: it only asks who the process is.
    if unsafe { libc::geteuid() } == 0 {
        command.uid(65534).gid(65534);
    }
    let output = command.output().expect("the command starts");
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

#[test]
fn folders_that_cannot_be_read_are_passed_over() {
    let dir = tempdir().unwrap();
    fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    let sinew = dir.path().join("sinew");
    fs::copy(env!("CARGO_BIN_EXE_sinew"), &sinew).unwrap();
    for (number, make) in [set, ntu].into_iter().enumerate() {
        let source = make(&dir.path().join(number.to_string()));
        let closed = |name: &str, mode: u32| {
            fs::create_dir_all(source.join(name)).unwrap();
            fs::set_permissions(source.join(name), Permissions::from_mode(mode)).unwrap();
        };
        closed("lost+found", 0o000);
        closed(".Trash-0", 0o000);
        let (done, said) = checked_by_nobody(&sinew, &source);
        assert!(done && !said.contains("skipped"), "{said}");
        closed("secret", 0o000);
        let (done, said) = checked_by_nobody(&sinew, &source);
        assert!(done, "{said}");
        let what = "skipped secret, which cannot be read (Permission denied (os error 13)); make it readable";
        assert_eq!(said.matches(what).count(), 1, "{said}");
        if number == 0 {
            closed("walk", 0o000);
            let (done, said) = checked_by_nobody(&sinew, &source);
            let what =
                "no file \"walk/b.npy\" next to clips.csv: walk cannot be read: Permission denied";
            assert!(!done && said.contains(what), "{said}");
        }
        for name in ["lost+found", ".Trash-0", "secret", "walk"] {
            closed(name, 0o755);
        }
    }
}
