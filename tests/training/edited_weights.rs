//! Weights that were edited in Python are refused until `scripts/seal_weights.py` has renewed their checksum.
//!
//! Needs a Python with NumPy, safetensors and xxhash; SINEW_TEST_PYTHON names one. Without it the test prints that it is
//! skipped.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::command::{made_data, must, must_fail, text, train};
use crate::python::{outcome, python, script};
use sinew::files::Tensors;
use sinew::weights::Weights;
use tempfile::tempdir;

/// Saves a file's tensors with one number changed, as PyTorch would: any order of the metadata, no checksum renewed.
const EDIT: &str = r#"
import sys
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

source, target, change = sys.argv[1:]
with safe_open(source, framework="np") as file:
    metadata = file.metadata()
tensors = load_file(source)
exec(change)
save_file(tensors, target, metadata=metadata)
"#;

/// Edits weights in Python.
fn edit(python: &str, source: &Path, target: &Path, change: &str) {
    let output = Command::new(python)
        .args(["-c", EDIT, text(source), text(target), change])
        .output()
        .expect("Python starts");
    assert!(output.status.success(), "{change}: {output:?}");
}

#[test]
fn edited_weights_are_sealed() {
    let Some(python) = python("numpy, safetensors, xxhash") else {
        return;
    };
    let dir = tempdir().expect("a folder");
    let data = made_data(dir.path(), 24);
    let run = dir.path().join("run");
    train(&data, &run, &["--epochs", "1", "--device", "cpu"]);
    let [first, edited, out] =
        ["first", "edited", "out"].map(|name| dir.path().join(format!("{name}.safetensors")));
    let mut args = vec!["export", text(&run), "--out", text(&first)];
    args.extend(["--checkpoint", "last"]);
    must(&args);
    let bytes = fs::read(&first).expect("a file");

    // Unedited: the very bytes that sinew wrote, whatever order Python saved the metadata in.
    edit(&python, &first, &edited, "");
    let seal = |args: &[&str]| outcome(&script(&python, "seal_weights.py", args));
    let like = ["--like", text(&first)];
    let whole = |args: &[&str]| {
        let (code, errors) = seal(args);
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{args:?}");
    };
    whole(&[text(&edited), "--out", text(&out)]);
    assert!(fs::read(&out).expect("a file") == bytes, "the bytes differ");

    // Edited: refused before, accepted after, with the edited number.
    let change = "tensors['temporal.fc.bias'][0] += 1";
    edit(&python, &first, &edited, change);
    let error = Weights::read(&edited).expect_err("edited").to_string();
    assert!(error.contains("checksum"), "{error}");
    let scored = ["eval", text(&run), "--device", "cpu", "--checkpoint"];
    must_fail(&[&scored[..], &[text(&edited)]].concat(), 1);
    whole(&[&[text(&edited), "--out", text(&out)], &like[..]].concat());
    let bias = |file: &Path| {
        let weights = Weights::read(file).expect("weights");
        weights.parameters["temporal.fc.bias"].1[0]
    };
    assert_eq!(bias(&out), bias(&first) + 1.0);
    must(&[&scored[..], &[text(&out)]].concat());

    // The checksum dropped, and in place; metadata that was not saved comes from the old file.
    whole(&[text(&edited), "--drop", "--out", text(&out)]);
    let dropped = Tensors::read(&out).expect("a file");
    assert!(!dropped.metadata.contains_key("checksum"));
    edit(
        &python,
        &first,
        &edited,
        &format!("{change}; metadata = None"),
    );
    whole(&[&[text(&edited)], &like[..]].concat());
    assert_eq!(bias(&edited), bias(&first) + 1.0);

    // What is not the same model, or no weights at all, is refused in one line, and nothing is written.
    fs::remove_file(&out).expect("removed");
    for (change, expected) in [
        ("del tensors['spatial.fc.bias']", "it lacks spatial.fc.bias"),
        (
            "tensors['module.fc.bias'] = tensors['spatial.fc.bias']",
            "also has module.fc.bias",
        ),
        (
            "tensors['spatial.fc.weight'] = tensors['spatial.fc.weight'].T.copy()",
            "spatial.fc.weight has shape",
        ),
        (
            "tensors['spatial.fc.bias'] = tensors['spatial.fc.bias'].astype('float64')",
            "spatial.fc.bias is F64, not float32",
        ),
        (
            "tensors['spatial.fc.bias'][1] = float('nan')",
            "spatial.fc.bias holds NaN",
        ),
    ] {
        edit(&python, &first, &edited, change);
        let (code, errors) = seal(&[&[text(&edited), "--out", text(&out)], &like[..]].concat());
        assert_eq!(code, Some(1), "{change}: {errors}");
        assert!(errors.contains(expected), "{change}: {errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
        assert!(!out.exists(), "{change}");
    }
    let notes = dir.path().join("notes.onnx");
    fs::write(&notes, "mine").expect("written");
    let (code, errors) = seal(&[text(&first), "--out", text(&notes)]);
    assert_eq!(code, Some(1));
    assert!(errors.contains("not overwritten"), "{errors}");
    assert_eq!(fs::read_to_string(&notes).expect("text"), "mine");
    assert!(
        fs::read(&first).expect("a file") == bytes,
        "the old file changed"
    );
}
