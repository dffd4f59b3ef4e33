//! The demo runs the full pipeline and recognises the actions of people it was not trained on, at 0.90 top-1 or better.

use crate::command::{must, must_fail, text};
use serde_json::Value;

#[test]
fn on_the_cpu() {
    let folder = tempfile::tempdir().expect("a folder");
    let demo = folder.path().join("demo");
    let said = must(&["demo", text(&demo), "--device", "cpu", "--epochs", "16"]);
    println!("{said}");
    let run = demo.join("run");
    let json = must(&["eval", text(&run), "--device", "cpu", "--json"]);
    let report: Value = serde_json::from_str(&json).expect("one JSON value");
    let top1 = report["top1"].as_f64().expect("a number");
    assert!(top1 >= 0.9, "top-1 {top1}");
    for key in ["protocol", "clips", "top1", "top5", "mean_class", "loss"] {
        assert!(!report[key].is_null(), "{key} is missing");
    }
    // Again in the same folder: what is there is used, and nothing is trained twice.
    let again = must(&["demo", text(&demo), "--device", "cpu", "--epochs", "16"]);
    for reused in [
        "using the data of an earlier demo",
        "resuming the run of an earlier demo",
    ] {
        assert!(again.contains(reused), "{again}");
    }
    assert_eq!(
        json,
        must(&["eval", text(&run), "--device", "cpu", "--json"])
    );
    let error = must_fail(&["demo", text(&demo), "--clips", "44"], 1);
    assert!(error.contains("a demo with 480 clips"), "{error}");
    for made in [
        "synthetic.zip",
        "data",
        "run",
        "weights.safetensors",
        "run/report.html",
    ] {
        assert!(
            said.contains(text(&demo.join(made))),
            "{made} is not mentioned"
        );
        assert!(demo.join(made).exists(), "{made} does not exist");
    }
}
