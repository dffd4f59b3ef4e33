//! What a command is told to write takes the place of its own kind of file alone, and of nothing that somebody else is
//! writing.

use crate::command::{made_data, must, must_fail, sinew, text, train};
use std::path::Path;
use std::process::Stdio;

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).expect("a file")
}

#[test]
fn other_files_stay() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 24);
    let run = folder.path().join("run");
    train(&data, &run, &["--epochs", "1", "--device", "cpu"]);
    let archive = folder.path().join("made.zip");
    let checkpoint =
        sinew::train::checkpoints(&run.join("checkpoints")).expect("checkpoints")[0].clone();
    let config = run.join("config.toml");
    for (file, out) in [
        (&archive, ["export", text(&run), "--out"]),
        (&archive, ["report", text(&run), "--out"]),
        (&config, ["export", text(&run), "--out"]),
        (
            &data.join("shard-00000.safetensors"),
            ["export", text(&run), "--out"],
        ),
        (&checkpoint, ["export", text(&run), "--out"]),
        (
            &run.join("best.safetensors"),
            ["export", text(&run), "--out"],
        ),
    ] {
        let before = read(file);
        let error = must_fail(&[&out[..], &[text(file)]].concat(), 1);
        assert!(
            error.contains("not overwritten") || error.contains("not written there"),
            "{error}"
        );
        assert!(read(file) == before, "{out:?} {}", file.display());
    }
    // Nor is a file made that a run would take for one of its own.
    let new = run.join("checkpoints/step-000000999.safetensors");
    must_fail(&["export", text(&run), "--out", text(&new)], 1);
    assert!(!new.exists());
    let before = read(&archive);
    must_fail(&["synth", "--out", text(&archive), "--clips", "3"], 1);
    assert!(read(&archive) == before);
    // Its own kind is replaced.
    let weights = folder.path().join("w.safetensors");
    must(&["export", text(&run), "--out", text(&weights)]);
    must(&["export", text(&run), "--out", text(&weights)]);
}

#[test]
fn a_name_promises_what_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 24);
    let run = folder.path().join("run");
    train(&data, &run, &["--epochs", "1", "--device", "cpu"]);
    let clip = folder.path().join("made.zip");
    let predict = ["predict", text(&run), text(&clip), "--dump"];
    for (out, name, fitting) in [
        (
            &["export", text(&run), "--out"][..],
            "x.onnx",
            "x.safetensors",
        ),
        (&["export", text(&run), "--out"], "x.pt", "x.safetensors"),
        (&predict, "x.npz", "x.safetensors"),
        (&["report", text(&run), "--out"], "x.pdf", "x.html"),
    ] {
        let file = folder.path().join(name);
        let error = must_fail(&[out, &[text(&file)]].concat(), 2);
        assert!(error.contains(fitting) && !file.exists(), "{error}");
    }
    for name in ["plain", "UPPER.SAFETENSORS", "version-0.9"] {
        must(&[
            "export",
            text(&run),
            "--out",
            text(&folder.path().join(name)),
        ]);
    }
}

#[test]
fn a_demo_takes_no_folder_of_others() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("thesis.txt"), "mine").expect("a file");
    let error = must_fail(&["demo", text(folder.path()), "--device", "cpu"], 1);
    assert!(error.contains("thesis.txt"), "{error}");
    let left = std::fs::read_dir(folder.path()).expect("the folder");
    assert_eq!(left.count(), 1, "something was written");
}

#[cfg(unix)]
#[test]
fn links_lead_on_and_pipes_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let [target, link, socket] = ["target", "link", "socket"].map(|name| folder.path().join(name));
    std::fs::write(&target, "old").expect("a file");
    std::os::unix::fs::symlink(&target, &link).expect("a link");
    sinew::files::write(&link, b"new").expect("written");
    assert_eq!(read(&target), b"new");
    assert!(link.is_symlink());
    let _listens = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
    for no_file in [&socket, &folder.path().to_path_buf()] {
        let error = sinew::files::write(no_file, b"new").expect_err("refused");
        assert!(error.to_string().contains("not a regular file"), "{error}");
    }
}

#[test]
fn two_writers_of_one_file_do_not_meet() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 24);
    let run = folder.path().join("run");
    train(&data, &run, &["--epochs", "1", "--device", "cpu"]);
    let out = folder.path().join("same.safetensors");
    for _ in 0..5 {
        let start = |_| {
            let mut command = sinew(&["export", text(&run), "--out", text(&out)]);
            command.stdout(Stdio::null()).stderr(Stdio::piped());
            command.spawn().expect("it starts")
        };
        for child in [0; 4].map(start) {
            let output = child.wait_with_output().expect("it ends");
            let errors = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{errors}");
        }
    }
    let entries = std::fs::read_dir(folder.path()).expect("the folder");
    let left = entries.filter(|e| sinew::files::is_leftover(&e.as_ref().expect("an entry").path()));
    assert_eq!(left.count(), 0, "parts are left");
}
