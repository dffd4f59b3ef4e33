//! `bench prepare` and `bench loader` measure what they say and print it for programs too.

use crate::command;
use crate::command::{must, must_fail, text};
use serde_json::Value;
use tempfile::tempdir;

/// A number of a JSON object.
fn number(value: &Value, key: &str) -> f64 {
    let found = value.get(key).and_then(Value::as_f64);
    found.unwrap_or_else(|| panic!("no number {key} in {value}"))
}

#[test]
fn preparation_is_timed_beside_inflation() {
    let folder = tempdir().unwrap();
    let archive = folder.path().join("made.zip");
    must(&["synth", "--out", text(&archive), "--clips", "40"]);
    let out = folder.path().join("place");
    std::fs::create_dir(&out).unwrap();
    let printed = must(&[
        "bench",
        "prepare",
        text(&archive),
        "--threads",
        "1,2",
        "--runs",
        "3",
        "--out",
        text(&out),
        "--json",
    ]);
    let table: Value = serde_json::from_str(&printed).unwrap();
    let size = std::fs::metadata(&archive).unwrap().len();
    assert_eq!(number(&table, "clips"), 40.0);
    assert_eq!(number(&table, "bytes_in"), size as f64);
    assert!(number(&table, "bytes_text") > size as f64);
    let rows = table["rows"].as_array().unwrap();
    let threads: Vec<f64> = rows.iter().map(|row| number(row, "threads")).collect();
    assert_eq!(threads, [1.0, 2.0]);
    for row in rows {
        for key in ["seconds", "inflate_only_seconds", "ratio"] {
            assert!(number(row, key) > 0.0, "{key}");
        }
        let [least, most] = [0, 1].map(|at| row["seconds_spread"][at].as_f64().unwrap());
        assert!((least..=most).contains(&number(row, "seconds")));
        if cfg!(target_os = "linux") {
            assert!(number(row, "peak_rss") > 1e6);
        }
    }
    // The last row stands at the top.
    assert_eq!(table["seconds"], rows[1]["seconds"]);
    assert_eq!(table["ratio"], rows[1]["ratio"]);
    // What was prepared is gone.
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 0);
    let error = must_fail(&["bench", "prepare", "absent.zip"], 1);
    assert!(error.contains("absent.zip"), "{error}");
}

#[test]
fn the_loader_is_timed_alone_and_before_a_consumer() {
    let folder = tempdir().unwrap();
    let data = command::made_data(folder.path(), 24);
    let loader = |step: &str, data: &[&str]| -> Value {
        let how = ["--batch", "16", "--seconds", "1", "--json", "--step-ms"];
        let arguments = [&["bench", "loader"][..], data, &how, &[step]].concat();
        serde_json::from_str(&must(&arguments)).unwrap()
    };
    let table = loader("500", &[text(&data)]);
    assert_eq!(number(&table, "clips"), 24.0);
    for key in ["clips_per_s", "mb_per_s", "mb_per_s_core"] {
        assert!(number(&table, key) > 0.0, "{key}");
    }
    // A row is [frames, joints, channels] float32.
    let shape: f64 = table["shape"]
        .as_array()
        .unwrap()
        .iter()
        .map(|x| x.as_f64().unwrap())
        .product();
    let bytes = number(&table, "mb_per_s") * 1e6 / number(&table, "clips_per_s");
    assert!(
        (bytes / (4.0 * shape) - 1.0).abs() < 1e-3,
        "{bytes} {shape}"
    );
    let patient = number(&table, "data_wait");
    let hasty = number(&loader("1", &[text(&data)]), "data_wait");
    assert!((0.0..=1.0).contains(&patient) && (0.0..=1.0).contains(&hasty));
    assert!(hasty > patient, "{hasty} after {patient}");
    assert!(number(&table, "cores_for_none") >= 1.0);
}
