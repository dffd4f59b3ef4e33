//! What ends a command from outside ends it with one line, and no part of a file stays: an interruption, a mapped file that
//! somebody cuts short, a limit on threads, memory or the size of files.
#![cfg(target_os = "linux")]

use crate::command::{TINY, in_time, limit, made_data, sinew, text, train};
use crate::kill_at::Killer;
use crate::runs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Prepared data, a run on them, and the archive that they were made of.
fn made(folder: &Path) -> [PathBuf; 3] {
    let data = made_data(folder, 48);
    let run = folder.join("run");
    train(&data, &run, &["--epochs", "1", "--device", "cpu"]);
    [data, run, folder.join("made.zip")]
}

/// The last line of what a command that failed with exit code 1 said; it spoke of no defect and left no part.
fn failed(command: Command, folder: &Path) -> String {
    let Output { status, stderr, .. } = in_time(command);
    let errors = String::from_utf8_lossy(&stderr).into_owned();
    assert_eq!(status.code(), Some(1), "{errors}");
    let ours = errors.lines().filter(|line| line.starts_with("sinew: "));
    assert_eq!(ours.count(), 1, "{errors}");
    for word in ["report it", "panicked", "internal error"] {
        assert!(!errors.contains(word), "{errors}");
    }
    assert_eq!(runs::leftovers(folder), Vec::<String>::new());
    errors.lines().last().unwrap_or_default().to_string()
}

#[test]
fn an_interruption_leaves_no_part() {
    let folder = tempfile::tempdir().expect("a folder");
    let [data, run, archive] = made(folder.path());
    let killer = Killer::new(folder.path());
    let out = folder.path().join("out");
    let clip = "S001C001P001R001A001";
    let new = out.join("new");
    std::fs::create_dir(&out).expect("a folder");
    let init = [
        &["train", text(&data), "--protocol", "xsub", "--out"][..],
        &[text(&new)],
    ];
    let training = [&init.concat()[..], &["--device", "cpu"], &TINY].concat();
    let file = |name: &str| out.join(name).display().to_string();
    let [zip, weights, page, drawn, dump] = [
        "a.zip",
        "w.safetensors",
        "p.html",
        "d.html",
        "d.safetensors",
    ]
    .map(file);
    for (args, at, others) in [
        (
            vec!["synth", "--out", &zip, "--clips", "90"],
            "write .sinew-part 2",
            0,
        ),
        (
            vec!["prepare", text(&archive), "--out", text(&new)],
            "write .sinew-part 2",
            1,
        ),
        (
            vec!["export", text(&run), "--out", &weights],
            "write .sinew-part 2",
            0,
        ),
        (
            vec!["export", text(&run), "--out", &weights],
            "rename w.safetensors 1",
            0,
        ),
        (
            vec!["inspect", text(&data), "--clip", clip, "--out", &drawn],
            "write .sinew-part 1",
            0,
        ),
        (
            vec!["report", text(&run), "--out", &page, "--device", "cpu"],
            "write .sinew-part 1",
            0,
        ),
        (
            vec![
                "predict",
                text(&run),
                text(&archive),
                "--dump",
                &dump,
                "--device",
                "cpu",
            ],
            "write .sinew-part 2",
            0,
        ),
        // Before its first checkpoint a training has nothing to save.
        (training, "write .sinew-part 2", 1),
    ] {
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
            let mut command = killer.command(&args, at);
            command.env("KILL_BY", signal.to_string());
            let Output { status, stderr, .. } = in_time(command);
            let errors = String::from_utf8_lossy(&stderr).into_owned();
            assert_eq!(status.code(), Some(130), "{args:?}: {errors}");
            assert!(
                errors.contains("sinew: interrupted; "),
                "{args:?}: {errors}"
            );
            assert_eq!(runs::leftovers(&out), Vec::<String>::new(), "{args:?}");
            // A folder that was begun stays, and the same command takes it up.
            let left = std::fs::read_dir(&out).expect("the folder").count();
            assert_eq!(left, others, "{args:?} left other files");
            let _ = std::fs::remove_dir_all(&new);
        }
    }
}

#[test]
fn a_mapped_file_cut_short_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let [data, run, archive] = made(folder.path());
    let killer = Killer::new(folder.path());
    let shard = data.join("shard-00000.safetensors");
    let out = folder.path().join("out");
    for (args, file) in [
        (
            vec!["prepare", text(&archive), "--out", text(&out)],
            &archive,
        ),
        (vec!["inspect", text(&archive)], &archive),
        (vec!["check", text(&data)], &shard),
        (vec!["eval", text(&run), "--device", "cpu"], &shard),
    ] {
        let whole = std::fs::read(file).expect("a file");
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let error = failed(
            killer.command(&args, &format!("mmap {name} 1")),
            folder.path(),
        );
        assert!(
            error.contains(text(file)) && error.contains("cut short while"),
            "{error}"
        );
        std::fs::write(file, whole).expect("restored");
    }
    assert!(!out.exists(), "it had not begun");
}

#[test]
fn a_limit_on_threads_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let [data, _, archive] = made(folder.path());
    let killer = Killer::new(folder.path());
    let out = folder.path().join("out");
    let train = [
        "train",
        text(&data),
        "--protocol",
        "xsub",
        "--out",
        text(&out),
    ];
    let tiny = [&train[..], &["--device", "cpu", "--epochs", "1"], &TINY].concat();
    for args in [vec!["prepare", text(&archive), "--out", text(&out)], tiny] {
        let mut refused = 0;
        for threads in 1.. {
            let point = format!("threads - {threads}");
            let command = || killer.command(&args, &point);
            if in_time(command()).status.success() {
                break;
            }
            let _ = std::fs::remove_dir_all(&out);
            let error = failed(command(), folder.path());
            assert!(
                error.contains("cannot start another thread"),
                "{threads}: {error}"
            );
            assert!(error.contains("ulimit -u"), "{error}");
            refused += 1;
            let _ = std::fs::remove_dir_all(&out);
        }
        assert!(refused >= 3, "{refused}");
        std::fs::remove_dir_all(&out).expect("what was made");
    }
}

#[test]
fn a_limit_on_the_size_of_files_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let [_, run, archive] = made(folder.path());
    let out = folder.path().join("out");
    let zip = folder.path().join("a.zip");
    for args in [
        vec!["prepare", text(&archive), "--out", text(&out)],
        vec!["synth", "--out", text(&zip), "--clips", "30"],
        vec!["export", text(&run), "--out", text(&out)],
    ] {
        let mut command = sinew(&args);
        limit(&mut command, libc::RLIMIT_FSIZE, 4096);
        let error = failed(command, folder.path());
        assert!(error.contains("ulimit -f"), "{error}");
        assert!(!out.exists() && !zip.exists(), "{args:?} left something");
    }
}

#[test]
fn a_limit_on_memory_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let [data, ..] = made(folder.path());
    let out = folder.path().join("out");
    // What the machine has would do; what the process may take does not.
    let train = [
        "train",
        text(&data),
        "--protocol",
        "xsub",
        "--out",
        text(&out),
    ];
    let large = [
        "--set",
        "model.hidden=1024",
        "--device",
        "cpu",
        "--epochs",
        "1",
    ];
    let mut command = sinew(&[&train[..], &TINY, &large].concat());
    limit(&mut command, libc::RLIMIT_AS, 400 << 20);
    let error = failed(command, folder.path());
    assert!(error.contains("out of memory"), "{error}");
}
