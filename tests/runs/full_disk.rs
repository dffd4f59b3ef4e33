//! A full disk or a folder that cannot be written ends in one line, and nothing is left that looks finished.

use crate::runs;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::command::{made_data, must, must_fail, text, train};
use crate::skeleton_text::{prepared, sound, zip};
use sinew::files;
use sinew::shards::Prepared;
use tempfile::tempdir;

/// A small file system, while it lives; none where it cannot be had.
struct Tiny<'a>(&'a Path);

impl<'a> Tiny<'a> {
    fn mount(folder: &'a Path, kib: usize) -> Option<Self> {
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={kib}k"), "tmpfs"])
            .arg(folder)
            .output();
        let mounted = mount.is_ok_and(|output| output.status.success());
        if !mounted {
            println!("skipped: a small file system cannot be mounted here");
        }
        mounted.then_some(Tiny(folder))
    }
}

impl Drop for Tiny<'_> {
    fn drop(&mut self) {
        assert!(
            Command::new("umount")
                .arg(self.0)
                .status()
                .is_ok_and(|status| status.success())
        );
    }
}

#[test]
fn a_full_disk_leaves_nothing() {
    let dir = tempdir().unwrap();
    let disk = dir.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let source = zip(&dir.path().join("a.zip"), &sound(40));
    let Some(_tiny) = Tiny::mount(&disk, 64) else {
        return;
    };
    for out in [disk.join("out"), disk.clone()] {
        let error = prepared(&source, &out).expect_err("it does not fit");
        let message = error.to_string();
        assert_eq!(sinew::cli::exit_code(&error), 1);
        assert_eq!(message.lines().count(), 1, "{message}");
        assert!(message.contains("free some space"), "{message}");
        assert!(message.contains(&disk.display().to_string()), "{message}");
        assert_eq!(fs::read_dir(&disk).unwrap().count(), 0);
        assert!(Prepared::open(&out).is_err());
    }
}

#[test]
fn a_disk_without_room_is_told_before_anything_is_written() {
    let dir = tempdir().unwrap();
    let Some(_tiny) = Tiny::mount(dir.path(), 1024) else {
        return;
    };
    let out = dir.path().join("made.zip");
    // The archive of a hundred million clips would have ten terabytes, and their list ten gigabytes of memory.
    for clips in ["100", "100000000"] {
        let synth = [
            "synth",
            "--out",
            text(&out),
            "--classes",
            "120",
            "--clips",
            clips,
        ];
        let errors = must_fail(&synth, 1);
        assert!(
            errors.contains("the disk has") && errors.lines().count() == 1,
            "{errors}"
        );
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_file_that_was_good_survives_a_full_disk() {
    let dir = tempdir().unwrap();
    let Some(_tiny) = Tiny::mount(dir.path(), 64) else {
        return;
    };
    let target = dir.path().join("weights");
    files::write(&target, &[1; 1000]).unwrap();
    assert!(files::write(&target, &[2; 200_000]).is_err());
    assert_eq!(fs::read(&target).unwrap(), [1; 1000]);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_place_that_cannot_be_written_is_refused() {
    let dir = tempdir().unwrap();
    let source = zip(&dir.path().join("a.zip"), &sound(2));
    // A file stands where a folder is wanted; neither root nor anyone else can write below it.
    let message = prepared(&source, &source.join("out"))
        .unwrap_err()
        .to_string();
    assert_eq!(message.lines().count(), 1, "{message}");
    assert!(message.contains("cannot create the folder"), "{message}");
    assert!(
        prepared(&source, &source)
            .unwrap_err()
            .to_string()
            .contains("a file, not a folder")
    );
    let proc = Path::new("/proc/self/sinew");
    if proc.parent().is_some_and(Path::exists) {
        assert!(
            prepared(&source, proc)
                .unwrap_err()
                .to_string()
                .contains("cannot create the folder")
        );
    }
}

#[test]
fn a_checkpoint_that_finds_no_room_leaves_the_last_one() {
    let dir = tempdir().unwrap();
    let disk = dir.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let data = made_data(dir.path(), 48);
    let [whole, full] = [dir.path().join("whole"), disk.join("full")];
    // The rate must not depend on the number of epochs, nor the task on the folder.
    let constant = ["--set", "schedule.kind=constant", "--set", "run.task=one"];
    let epochs = |n| [&constant[..], &["--device", "cpu", "--epochs", n]].concat();
    let Some(_tiny) = Tiny::mount(&disk, 2048) else {
        return;
    };
    train(&data, &whole, &epochs("5"));
    train(&data, &full, &epochs("2"));
    // Room for lines and weights, and not for a checkpoint.
    let filler = disk.join("filler");
    let mut size = 0;
    while fs::write(&filler, vec![1; size + 4096]).is_ok() {
        size += 4096;
    }
    fs::write(&filler, vec![1; size - (152 << 10)]).unwrap();
    let kept = sinew::train::checkpoints(&full.join("checkpoints")).unwrap();
    let on = ["train", "--resume", text(&full), "--epochs", "5"];
    let errors = must_fail(&on, 1);
    let last = errors.lines().last().unwrap_or_default();
    assert!(
        last.contains("step-") && last.contains("free some space"),
        "{errors}"
    );
    let left = sinew::train::checkpoints(&full.join("checkpoints")).unwrap();
    assert_eq!(left, kept);
    must(&["check", text(&full)]);
    assert_eq!(runs::leftovers(&full), Vec::<String>::new());
    fs::remove_file(&filler).unwrap();
    must(&on);
    assert!(
        runs::newest(&full) == runs::newest(&whole),
        "the last checkpoints differ"
    );
}
