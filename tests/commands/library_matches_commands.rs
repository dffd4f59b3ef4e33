//! The six functions at the library's root do what the commands of the same names do: one pipeline through each, and the
//! same files, the same JSON.

use crate::command::{must, text};
use serde_json::{Value, json};
use sinew::formats::synth;
use sinew::{
    DeviceChoice, EvaluateOptions, Event, ExportOptions, PredictOptions, PrepareOptions, Preset,
    ResumeOptions, Settings, TrainOptions, evaluate, export, predict, prepare, resume, train,
};
use std::fs;
use std::path::{Path, PathBuf};

/// A model that trains in a second.
const SETS: [&str; 5] = [
    "model.hidden=8",
    "data.frames=12",
    "data.test_clips=1",
    "train.batch=8",
    "train.epochs=2",
];

/// The files of one pipeline.
struct Files {
    data: PathBuf,
    run: PathBuf,
    weights: PathBuf,
}

impl Files {
    fn of(folder: &Path) -> Self {
        let [data, run, weights] = ["data", "run", "weights.safetensors"].map(|n| folder.join(n));
        Files { data, run, weights }
    }
}

/// A value as it is read back from its JSON: a number may come out a last place off.
fn parsed(value: &impl serde::Serialize) -> Value {
    let text = serde_json::to_string(value).expect("JSON");
    serde_json::from_str(&text).expect("JSON")
}

/// The library's pipeline; the JSON of the evaluation and of the predictions.
fn through_the_library(clips: &Path, files: &Files) -> sinew::Result<[Value; 2]> {
    let Files { data, run, weights } = files;
    let summary = prepare(&PrepareOptions::new([clips], data), &mut |_| {})?;
    assert_eq!(summary.counts.clips, 48);
    let sets = SETS.iter().chain(&["run.protocol=xsub"]);
    let sets: Vec<&str> = sets.copied().collect();
    let mut options = TrainOptions::new(data, run, Settings::layered(Preset::Sinew, None, &sets)?);
    options.device = DeviceChoice::Cpu;
    let mut epochs = 0;
    let summary = train(&options, &mut |event| {
        epochs += usize::from(matches!(event, sinew::train::Event::Epoch { .. }));
    })?;
    assert_eq!((summary.epochs, epochs), (2, 2));
    let mut options = ResumeOptions::new(run);
    options.settings = vec!["train.epochs=3".into()];
    assert_eq!(resume(&options, &mut |_| {})?.epochs, 3);
    let mut options = EvaluateOptions::new(run);
    options.device = DeviceChoice::Cpu;
    let evaluation = evaluate(&options, &mut |_| {})?;
    let mut evaluated = parsed(&evaluation.report);
    evaluated["protocol"] = json!(evaluation.protocol.to_string());
    let exported = export(&ExportOptions::new(run, weights), &mut |_| {})?;
    assert_eq!(exported.classes.len(), 4);
    let predicted = |from: &Path| {
        let mut options = PredictOptions::new(from, [clips]);
        options.device = DeviceChoice::Cpu;
        let mut told = None;
        let predictions = predict(&options, &mut |event| {
            if let Event::Progress { done, total } = event {
                told = Some((done, total));
            }
        })?;
        let clips = predictions.clips.len() + predictions.failed.len();
        assert_eq!(told, Some((clips, clips)), "the progress reaches its total");
        Ok::<_, sinew::Error>(predictions)
    };
    let predictions = predicted(run)?;
    assert!(predictions.failed.is_empty());
    assert_eq!(
        predictions.clips,
        predicted(weights)?.clips,
        "the exported file predicts as its run"
    );
    Ok([evaluated, parsed(&predictions.clips)])
}

/// The same through the commands.
fn through_the_commands(clips: &Path, files: &Files) -> [Value; 2] {
    let Files { data, run, weights } = files;
    let (data, run, weights, clips) = (text(data), text(run), text(weights), text(clips));
    must(&["prepare", clips, "--out", data]);
    let mut args = vec!["train", data, "--protocol", "xsub", "--out", run];
    args.extend(["--device", "cpu"]);
    args.extend(SETS.iter().flat_map(|set| ["--set", set]));
    must(&args);
    must(&["train", "--resume", run, "--epochs", "3"]);
    let json = |args: &[&str]| {
        let text = must(&[args, &["--device", "cpu", "--json"]].concat());
        serde_json::from_str(&text).expect("JSON")
    };
    let found = [json(&["eval", run]), json(&["predict", run, clips])];
    must(&["export", run, "--out", weights]);
    found
}

#[test]
fn from_clips_to_weights() {
    let folder = tempfile::tempdir().expect("a folder");
    let clips = folder.path().join("clips.zip");
    let options = synth::SynthOptions {
        out: clips.clone(),
        clips: Some(48),
        classes: 4,
        seed: 0,
        like: None,
    };
    synth::write(&options, &mut |_, _| Ok(())).expect("an archive");
    // Both runs have the same name, which is in their settings.
    let [library, commands] = ["library", "commands"].map(|name| folder.path().join(name));
    for folder in [&library, &commands] {
        fs::create_dir(folder).expect("a folder");
    }
    let [library, commands] = [&library, &commands].map(|folder| Files::of(folder));
    let ours = through_the_library(&clips, &library).expect("it runs");
    let theirs = through_the_commands(&clips, &commands);
    for (ours, theirs, name) in [
        (&ours[0], &theirs[0], "eval"),
        (&ours[1], &theirs[1], "predict"),
    ] {
        assert!(ours == theirs, "{name}: {ours} and {theirs}");
    }
    let same = |a: &Path, b: &Path| {
        let [x, y] = [a, b].map(|path| fs::read(path).expect("a file"));
        assert!(x == y, "{} and {} differ", a.display(), b.display());
    };
    same(&library.weights, &commands.weights);
    for (folder, other, names) in [
        (
            &library.data,
            &commands.data,
            ["manifest.json", "shard-00000.safetensors"],
        ),
        (
            &library.run,
            &commands.run,
            ["metrics.jsonl", "best.safetensors"],
        ),
    ] {
        for name in names {
            same(&folder.join(name), &other.join(name));
        }
    }
}

#[test]
fn errors_tell_what_they_are_about() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("full");
    fs::create_dir(&out).expect("a folder");
    fs::write(out.join("notes.txt"), "mine").expect("a file");
    let clips = folder.path().join("clips.zip");
    let options = synth::SynthOptions {
        out: clips.clone(),
        clips: Some(8),
        classes: 2,
        seed: 0,
        like: None,
    };
    synth::write(&options, &mut |_, _| Ok(())).expect("an archive");
    let error = prepare(&PrepareOptions::new([&clips], &out), &mut |_| {}).expect_err("full");
    assert!(matches!(error, sinew::Error::Exists { .. }), "{error}");
    assert_eq!(error.path(), Some(out.as_path()));
    assert!(error.help().contains("--out"), "{error}");
    let settings = |set| Settings::layered(Preset::Sinew, None, &[set]);
    for (set, key) in [
        ("train.bach=8", "train.bach"),
        ("train.accumulate=0", "train.accumulate"),
    ] {
        let error = settings(set).expect_err("refused");
        assert_eq!(error.key(), Some(key), "{error}");
    }
    let mut options = EvaluateOptions::new(folder.path());
    options.settings = vec!["train.lr=1".into()];
    let error = evaluate(&options, &mut |_| {}).expect_err("refused");
    assert_eq!(error.key(), Some("train.lr"), "{error}");
    let stopping = PrepareOptions::new([&clips], folder.path().join("data"));
    stopping
        .stop
        .store(true, std::sync::atomic::Ordering::Relaxed);
    let error = prepare(&stopping, &mut |_| {}).expect_err("stopped");
    assert!(error.is_interrupted(), "{error}");
}
