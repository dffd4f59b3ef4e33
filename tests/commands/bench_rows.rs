//! `bench kernels`, `bench train` and `bench check` print the rows that they promise, for programs too, and a row that
//! cannot run takes no other with it.

use crate::command::{must, must_fail, text};
use serde_json::{Value, json};

fn parsed(args: &[&str]) -> Value {
    serde_json::from_str(&must(args)).unwrap()
}

/// A number of a JSON object that is above zero.
fn positive(value: &Value, key: &str) -> f64 {
    let found = value[key].as_f64().filter(|x| *x > 0.0);
    found.unwrap_or_else(|| panic!("{key} is no positive number in {value}"))
}

/// A tenth and ninetieth percentile around a median.
fn around(row: &Value, spread: &str, median: &str) {
    let [low, high] = [0, 1].map(|at| row[spread][at].as_f64().unwrap());
    assert!((low..=high).contains(&positive(row, median)), "{row}");
}

#[test]
fn layers_beside_burns_with_error_and_floor() {
    let table = parsed(&[
        "bench", "kernels", "--json", "--device", "cpu", "--batch", "6", "--steps", "5", "--input",
        "7", "--hidden", "9", "--groups", "4", "--runs", "3",
    ]);
    for key in ["device", "driver", "backend"] {
        assert!(table[key].is_string(), "{key}");
    }
    positive(&table, "bandwidth_gb_s");
    positive(&table, "rate_gflops");
    let rows = table["rows"].as_array().unwrap();
    let names: Vec<_> = rows
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["sinew", "burn"]);
    for row in rows {
        let sizes = ["batch", "steps", "input", "hidden", "groups", "runs"].map(|k| &row[k]);
        assert_eq!(sizes, [6, 5, 7, 9, 4, 3].map(|n| json!(n)).each_ref());
        assert_eq!(row["dtype"], "f32");
        around(row, "forward_spread", "forward_ms");
        around(row, "backward_spread", "backward_ms");
        around(row, "wall_spread", "wall_ms");
        let floor = positive(row, "of_floor")
            * (positive(row, "forward_ms") + positive(row, "backward_ms"));
        assert!((floor / positive(row, "floor_ms") - 1.0).abs() < 1e-9);
        positive(row, "gflops");
        // All rows of so small a batch are compared.
        assert_eq!(row["reference_rows"], 6);
        assert!(row["max_error"].as_f64().unwrap() <= 1e-4, "{row}");
        assert_eq!(row["ok"], true, "{row}");
    }
}

/// A batch that no memory holds is left out with its reason; the command succeeds.
#[test]
fn what_does_not_fit_is_left_out() {
    if !cfg!(target_os = "linux") {
        return; // Elsewhere nobody tells how much memory is free.
    }
    let table = parsed(&[
        "bench",
        "kernels",
        "--json",
        "--device",
        "cpu",
        "--batch",
        "100000000",
        "--hidden",
        "64",
    ]);
    assert_eq!(table["rows"], json!([]));
    let left = table["left_out"].as_array().unwrap();
    assert_eq!(left.len(), 2);
    for row in left {
        assert!(row["reason"].as_str().unwrap().contains("MiB"), "{row}");
        assert_eq!(row["batch"], 100_000_000);
    }
    must_fail(&["bench", "kernels", "--hidden", "0", "--device", "cpu"], 2);
    must_fail(&["bench", "kernels", "--shapes", "none"], 2);
    must_fail(
        &["bench", "kernels", "--shapes", "small", "--batch", "2"],
        2,
    );
}

const TINY: [&str; 8] = [
    "--set",
    "model.hidden=8",
    "--set",
    "model.part_hidden=4",
    "--set",
    "data.frames=12",
    "--set",
    "model.bidirectional=false",
];

#[test]
fn every_variant_of_the_training_step() {
    let how = ["--json", "--device", "cpu", "--batch", "8", "--steps", "2"];
    let table = parsed(&[&["bench", "train"][..], &how, &TINY].concat());
    assert_eq!(table["preset"], "reference");
    let rows = table["rows"].as_array().unwrap();
    let variants: Vec<_> = rows
        .iter()
        .map(|row| row["variant"].as_str().unwrap())
        .collect();
    let all = [
        "hierarchical+traversal",
        "hierarchical+chain",
        "stacked+traversal",
        "stacked+chain",
    ];
    assert_eq!(variants, all);
    for row in rows {
        let clips = 8.0 * 1e3 / positive(row, "step_ms");
        assert!((clips / positive(row, "clips_per_s") - 1.0).abs() < 1e-9);
        around(row, "step_spread", "step_ms");
        around(row, "clips_per_s_spread", "clips_per_s");
        assert!((0.0..=1.0).contains(&row["data_wait"].as_f64().unwrap()));
        assert!(row["loss"].as_f64().unwrap() > 0.0);
    }
    // The first row stands at the top.
    for key in ["batch", "clips_per_s", "step_ms", "data_wait", "variant"] {
        assert_eq!(table[key], rows[0][key], "{key}");
    }
    // A stream that is set has no other variant.
    let one = [
        "--set",
        "model.temporal=stacked",
        "--set",
        "model.spatial=chain",
    ];
    let table = parsed(&[&["bench", "train"][..], &how, &TINY, &one].concat());
    assert_eq!(table["rows"].as_array().unwrap().len(), 1);
    assert_eq!(table["variant"], "stacked+chain");
}

#[test]
fn the_check_names_every_kernel_and_the_gathered_file_becomes_a_table() {
    let check = parsed(&[
        "bench", "check", "--device", "cpu", "--shapes", "1", "--json",
    ]);
    let rows = check["rows"].as_array().unwrap();
    // Three kernels and the gradients, each with eight choices of options.
    assert_eq!(rows.len(), 32);
    assert!(
        rows.iter()
            .all(|row| row["ok"] == true && row["error"].as_f64() < Some(1e-4))
    );
    let layer = |name: &str, ms: f64| {
        json!({
            "name": name, "plan": "p", "dtype": "f32", "layer": "parts", "batch": 2, "steps": 3, "inputs": [4],
            "input": 4, "directions": 2, "hidden": 5, "groups": 2, "forward_ms": ms, "forward_spread": [ms, ms],
            "backward_ms": ms, "backward_spread": [ms, ms], "gflops": 1.0, "of_floor": 0.5, "max_error": 1e-6,
        })
    };
    // What is no number is null in JSON.
    let mut wrong = layer("sinew", 1.0);
    (wrong["max_error"], wrong["ok"]) = (Value::Null, false.into());
    let all = json!({
        "check": check,
        "kernels": {
            "device": "some device", "driver": "its driver", "backend": "vulkan",
            "rows": [layer("sinew", 1.0), layer("burn", 3.0), wrong],
            "left_out": [{"name": "burn", "layer": "body", "batch": 7, "reason": "too large"}],
        },
        "train": null,
        "torch_kernels": {"rows": [layer("torch", 2.0)]},
        "notes": ["a note"],
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("all.json");
    std::fs::write(&file, all.to_string()).unwrap();
    let table = must(&["bench", "table", text(&file)]);
    assert!(
        table.starts_with("## some device (vulkan, its driver)"),
        "{table}"
    );
    assert!(
        table.contains("32 checks") && table.contains("all passed"),
        "{table}"
    );
    // Three times Burn's speed, twice PyTorch's.
    let ours = table.lines().find(|line| line.contains("sinew")).unwrap();
    assert!(ours.contains("| 3.00× | 2.00× |"), "{ours}");
    assert_eq!(table.matches("FAILED").count(), 1, "{table}");
    assert!(table.contains("- burn body batch 7: too large"), "{table}");
    assert!(table.contains("- a note"), "{table}");
    std::fs::write(&file, "{").unwrap();
    let error = must_fail(&["bench", "table", text(&file)], 1);
    assert!(error.contains("all.json"), "{error}");
}
