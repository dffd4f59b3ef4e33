//! What would take too much memory or time is refused by name before it does: weights by their header, settings and
//! manifests by their size; and many classes with long names are evaluated and shown in little of both.
#![cfg(target_os = "linux")]

use crate::command;
use crate::command::{in_time, limit, made_data, sinew, text, train};
use serde_json::{Value, json};
use sinew::files::{CHECKSUM, Tensors};
use sinew::prepare::Collection;
use sinew::skeleton::{About, Layout};
use std::ffi::CString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Output;

/// Memory that a command may take here: a fraction of what each of these inputs would make it take.
const MEMORY: u64 = 512 << 20;

/// Runs a command in little memory and time; its standard output, or its error, which is one line with exit code 1.
fn limited(args: &[&str]) -> Result<String, String> {
    let mut command = sinew(args);
    limit(&mut command, libc::RLIMIT_AS, MEMORY);
    let Output {
        status,
        stdout,
        stderr,
    } = in_time(command);
    let [stdout, stderr] =
        [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    if status.success() {
        return Ok(stdout);
    }
    assert_eq!(status.code(), Some(1), "{args:?}: {stderr}");
    let ours: Vec<&str> = stderr
        .lines()
        .filter(|line| line.starts_with("sinew: "))
        .collect();
    assert_eq!(ours.len(), 1, "{args:?}: {stderr}");
    Err(ours[0].to_string())
}

/// Data and a run on them.
fn made(folder: &Path) -> [PathBuf; 2] {
    let data = made_data(folder, 24);
    let run = folder.join("run");
    train(&data, &run, &["--epochs", "1", "--device", "cpu"]);
    [data, run]
}

/// Every command that reads weights, on this file.
fn readers(folder: &Path, file: &Path) -> Vec<Vec<String>> {
    let [data, run, archive, out, new] =
        ["data", "run", "made.zip", "out", "new"].map(|name| text(&folder.join(name)).to_string());
    let file = text(file).to_string();
    let line = |words: &[&str]| words.iter().map(ToString::to_string).collect();
    let cpu = ["--device", "cpu"];
    let with = ["--checkpoint", &file];
    vec![
        line(&[&["eval", &run][..], &with, &cpu].concat()),
        line(&[&["predict", &run, &archive][..], &with, &cpu].concat()),
        line(&[&["report", &run, "--out", &out][..], &with, &cpu].concat()),
        line(&[&["export", &run, "--out", &out][..], &with].concat()),
        line(
            &[
                &[
                    "train",
                    &data,
                    "--protocol",
                    "xsub",
                    "--out",
                    &new,
                    "--init",
                    &file,
                ][..],
                &cpu,
            ]
            .concat(),
        ),
    ]
}

/// What each of them says to the file, which all refuse.
fn refusals(folder: &Path, file: &Path) -> Vec<String> {
    let refusal = |args: Vec<String>| {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let said = limited(&args).expect_err("refused");
        assert!(said.contains(text(file)), "{args:?}: {said}");
        assert!(!folder.join("out").exists(), "{args:?} wrote something");
        let _ = fs::remove_dir_all(folder.join("new"));
        said
    };
    readers(folder, file).into_iter().map(refusal).collect()
}

#[test]
fn weights_that_are_not_the_models_are_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let [_, run] = made(folder.path());
    let whole = Tensors::read(&run.join("best.safetensors")).expect("weights");
    let file = folder.path().join("other.safetensors");
    let name = "temporal.lstm.weight_ih_l0";
    for (fault, said) in [
        ("missing", format!("{name} is missing")),
        ("transposed", format!("{name} is [")),
        ("transposed", "(it is transposed)".into()),
        ("extra", "spatial.more is not in this model".into()),
        ("nan", format!("{name} holds NaN")),
        ("infinite", format!("{name} holds NaN or infinity")),
    ] {
        let mut other = whole.clone();
        other.metadata.remove(CHECKSUM);
        let (shape, values) = other.tensors.get_mut(name).expect("a tensor");
        match fault {
            "transposed" => shape.reverse(),
            "nan" => values[3] = f32::NAN,
            "infinite" => values[3] = f32::NEG_INFINITY,
            _ => {}
        }
        if fault == "missing" {
            other.tensors.remove(name);
        }
        if fault == "extra" {
            let more = (vec![2], vec![0.0; 2]);
            other.tensors.insert("spatial.more".into(), more);
        }
        other.write(&file).expect("written");
        for refusal in refusals(folder.path(), &file) {
            assert!(refusal.contains(&said), "{fault}: {refusal}");
        }
    }
}

#[test]
fn weights_are_judged_before_they_cost() {
    let folder = tempfile::tempdir().expect("a folder");
    let [_, run] = made(folder.path());
    let file = folder.path().join("other.safetensors");
    // Small tensors, of a model that would take gigabytes.
    let mut huge = Tensors::read(&run.join("best.safetensors")).expect("weights");
    let mut settings: Value = serde_json::from_str(&huge.metadata["recipe"]).expect("settings");
    settings["model"]["hidden"] = json!(8192);
    huge.metadata.insert("recipe".into(), settings.to_string());
    huge.metadata.remove(CHECKSUM);
    huge.write(&file).expect("written");
    for refusal in refusals(folder.path(), &file) {
        assert!(refusal.contains("should be [32768"), "{refusal}");
    }
    // A sparse file of 3 GiB, as its header says.
    let bytes = 3u64 << 30;
    let tensor = json!({ "dtype": "F32", "shape": [bytes / 4], "data_offsets": [0, bytes] });
    let whole = Tensors::read(&run.join("best.safetensors")).expect("weights");
    let header = json!({ "__metadata__": whole.metadata, "x": tensor }).to_string();
    let mut start = (header.len() as u64).to_le_bytes().to_vec();
    start.extend(header.bytes());
    fs::write(&file, &start).expect("written");
    let sparse = File::options().write(true).open(&file).expect("a file");
    sparse
        .set_len(start.len() as u64 + bytes)
        .expect("made longer");
    for refusal in refusals(folder.path(), &file) {
        assert!(refusal.contains("is missing"), "{refusal}");
    }
    // The same as a checkpoint, whose optimiser would remember all that.
    let trained = fs::read_dir(run.join("checkpoints")).expect("checkpoints");
    let trained = trained.last().expect("one").expect("an entry").path();
    let checkpoint = Tensors::read(&trained).expect("a checkpoint");
    let mut entries = serde_json::Map::new();
    let mut end = 0;
    for (name, (shape, values)) in &checkpoint.tensors {
        let next = end + 4 * values.len() as u64;
        let entry = json!({ "dtype": "F32", "shape": shape, "data_offsets": [end, next] });
        entries.insert(name.clone(), entry);
        end = next;
    }
    let tensor =
        json!({ "dtype": "F32", "shape": [bytes / 4], "data_offsets": [end, end + bytes] });
    entries.insert("optimiser.x".into(), tensor);
    entries.insert("__metadata__".into(), json!(checkpoint.metadata));
    let header = Value::Object(entries).to_string();
    let mut start = (header.len() as u64).to_le_bytes().to_vec();
    start.extend(header.bytes());
    fs::write(&file, &start).expect("written");
    let sparse = File::options().write(true).open(&file).expect("a file");
    sparse
        .set_len(start.len() as u64 + end + bytes)
        .expect("made longer");
    for refusal in refusals(folder.path(), &file) {
        assert!(refusal.contains("optimiser"), "{refusal}");
    }
}

#[test]
fn what_is_no_file_of_weights_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let [data, run] = made(folder.path());
    let pipe = folder.path().join("pipe");
    let name = CString::new(text(&pipe)).expect("a name");
    // SAFETY: the name ends with a zero byte.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    let [pointer, page, pickle] =
        ["pointer", "page", "pickle"].map(|name| folder.path().join(name));
    fs::write(
        &pointer,
        "version https://git-lfs.github.com/spec/v1\noid sha256:01\nsize 280\n",
    )
    .expect("written");
    fs::write(
        &page,
        "<!DOCTYPE html>\n<html><title>Sign in</title></html>",
    )
    .expect("written");
    fs::write(&pickle, b"PK\x03\x04\0\0\0\0\0\0archive/data.pkl").expect("written");
    for (file, said) in [
        (Path::new("/dev/zero"), "a device"),
        (&pipe, "a pipe"),
        (&data, "not a run"),
        (&pointer, "a Git LFS pointer"),
        (&page, "a web page"),
        (&pickle, "torch.save"),
        (&folder.path().join("made.zip"), "a zip archive"),
        (&data.join("manifest.json"), "not a safetensors file"),
    ] {
        for refusal in refusals(folder.path(), file) {
            assert!(refusal.contains(said), "{refusal}");
        }
    }
    // A run stands for its best weights.
    let init = readers(folder.path(), &run);
    for args in init {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let tiny = if args[0] == "train" {
            &command::TINY[..]
        } else {
            &[]
        };
        let tiny = [
            &args[..],
            tiny,
            if args[0] == "train" {
                &["--epochs", "1"]
            } else {
                &[]
            },
        ]
        .concat();
        limited(&tiny).expect("it takes a run");
        let _ = fs::remove_file(folder.path().join("out"));
    }
}

#[test]
fn texts_are_read_within_limits() {
    let folder = tempfile::tempdir().expect("a folder");
    let [data, run] = made(folder.path());
    let long = folder.path().join("long.toml");
    fs::write(&long, "# nothing\n".repeat(200_000)).expect("written");
    for config in [&long, Path::new("/dev/zero")] {
        let out = folder.path().join("new");
        let args = [
            "train",
            text(&data),
            "--protocol",
            "xsub",
            "--out",
            text(&out),
            "--config",
            text(config),
        ];
        let refusal = limited(&args).expect_err("refused");
        assert!(refusal.contains("larger than 1 MiB"), "{refusal}");
    }
    let swap = |path: &Path, with: &Path| {
        fs::remove_file(path).expect("removed");
        std::os::unix::fs::symlink(with, path).expect("a link");
    };
    let eval = ["eval", text(&run), "--device", "cpu"];
    let manifest = data.join("manifest.json");
    let kept = fs::read(&manifest).expect("a manifest");
    let sparse = folder.path().join("sparse");
    let file = File::create(&sparse).expect("a file");
    file.set_len(2 << 30).expect("made longer");
    for (instead, said) in [
        (Path::new("/dev/zero"), "a device"),
        (&sparse, "larger than 1024 MiB"),
    ] {
        swap(&manifest, instead);
        let refusal = limited(&eval).expect_err("refused");
        assert!(refusal.contains(said), "{refusal}");
    }
    fs::remove_file(&manifest).expect("removed");
    fs::write(&manifest, kept).expect("restored");
    // What a run writes itself is asked for as carefully.
    let check = ["check", text(&run)];
    for name in ["metrics.jsonl", "timing.jsonl", "checksums.json"] {
        let kept = fs::read(run.join(name)).expect("a file");
        swap(&run.join(name), Path::new("/dev/zero"));
        let mut command = sinew(&check);
        limit(&mut command, libc::RLIMIT_AS, MEMORY);
        let output = in_time(command);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{name}: {said}");
        assert!(
            said.contains(&format!("{name}: a pipe, a device")),
            "{said}"
        );
        fs::remove_file(run.join(name)).expect("removed");
        fs::write(run.join(name), kept).expect("restored");
    }
    for (instead, said) in [
        (Path::new("/dev/zero"), "a device"),
        (&*long, "larger than 1 MiB"),
    ] {
        swap(&run.join("config.toml"), instead);
        let refusal = limited(&eval).expect_err("refused");
        assert!(refusal.contains(said), "{refusal}");
    }
}

/// Prepared data of few clips and many classes, one of them with a name of 70,000 characters.
fn many_classes(out: &Path, classes: usize) {
    let mut names: Vec<String> = (0..classes).map(|n| format!("class {n}")).collect();
    names[1] = "x".repeat(70_000);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let layout = Layout::sbu15();
    let mut data = Collection::create(out, &layout, &names).expect("prepared data");
    for number in 0..12 {
        let values: Vec<f32> = (0..16 * 15 * 3)
            .map(|n| ((n * (number + 3)) % 17) as f32 * 0.05)
            .collect();
        let about = About {
            split: Some(if number < 8 { "train" } else { "test" }.into()),
            ..About::default()
        };
        let class = [0, 1, classes - 1][number % 3];
        data.add(
            &format!("clip {number}"),
            class,
            about,
            &[16, 15, 3],
            &values,
        )
        .expect("added");
    }
    data.finish().expect("published");
}

#[test]
fn many_classes_and_long_names_take_little() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    many_classes(&data, 50_000);
    let run = folder.path().join("run");
    let train = [
        "train",
        text(&data),
        "--protocol",
        "split",
        "--out",
        text(&run),
        "--device",
        "cpu",
    ];
    let small = ["--epochs", "1", "--set", "model.hidden=2"];
    limited(&[&train[..], &command::TINY, &small].concat()).expect("trained");
    let on_cpu = ["--device", "cpu"];
    let eval = [&["eval", text(&run)][..], &on_cpu].concat();
    let lines = limited(&eval).expect("evaluated");
    assert!(
        lines.lines().all(|line| line.chars().count() < 400),
        "a line is too long"
    );
    assert!(lines.contains("xxx…"), "{lines}");
    let report: Value =
        serde_json::from_str(&limited(&[&eval[..], &["--json"]].concat()).expect("evaluated"))
            .expect("JSON");
    assert_eq!(report["classes"].as_array().expect("classes").len(), 50_000);
    assert!(report.get("confusion").is_none());
    assert!(report["confusion_left_out"].is_string());
    let lines = limited(&["inspect", text(&data)]).expect("inspected");
    assert!(
        lines.lines().all(|line| line.chars().count() < 400),
        "a line is too long"
    );
    let page = folder.path().join("page.html");
    limited(&[&["report", text(&run), "--out", text(&page)][..], &on_cpu].concat())
        .expect("a page");
    let bytes = fs::metadata(&page).expect("a page").len();
    assert!(bytes < 1 << 20, "the page has {bytes} bytes");
}

#[test]
fn more_classes_than_can_be_read_are_not_prepared() {
    let folder = tempfile::tempdir().expect("a folder");
    let names: Vec<String> = (0..=sinew::limits::CLASSES)
        .map(|n| n.to_string())
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let made = Collection::create(folder.path().join("data"), &Layout::sbu15(), &names);
    let refused = made.err().expect("refused").to_string();
    assert!(refused.contains("65536"), "{refused}");
}
