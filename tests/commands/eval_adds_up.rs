//! What `sinew eval` prints fits together: the confusion matrix, the rows of the classes and the accuracies are of the
//! same clips, and a stream's own figures are those of a fusion that leaves the other one out.

use crate::command::{made_data, must, must_fail, text, train};
use serde_json::Value;

#[test]
fn streams_classes_and_confusion() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 96);
    let out = folder.path().join("run");
    train(&data, &out, &["--epochs", "2", "--device", "cpu"]);
    let eval = |more: &[&str]| {
        let args = [&["eval", text(&out), "--device", "cpu"][..], more].concat();
        must(&args)
    };
    let json = |more: &[&str]| -> Value {
        serde_json::from_str(&eval(&[&["--json"][..], more].concat())).expect("JSON")
    };
    let report = json(&[]);
    for (stream, weight) in [("temporal", "1"), ("spatial", "0")] {
        let alone = json(&["--set", &format!("model.fusion_weight={weight}")]);
        for key in ["top1", "top5", "mean_class", "loss"] {
            assert!(alone[key].is_number());
            assert_eq!(alone[key], report[stream][key], "{stream} {key}");
        }
    }
    assert_ne!(report["temporal"]["loss"], report["spatial"]["loss"]);
    assert_ne!(report["temporal"]["loss"], report["loss"]);

    let number = |value: &Value| value.as_f64().expect("a number");
    let confusion: Vec<Vec<f64>> =
        serde_json::from_value(report["confusion"].clone()).expect("a matrix");
    let classes = report["classes"].as_array().expect("rows");
    assert_eq!((confusion.len(), classes.len()), (4, 4));
    let (mut right, mut clips, mut accuracies) = (0.0, 0.0, Vec::new());
    for (class, row) in confusion.iter().enumerate() {
        let of_class: f64 = row.iter().sum();
        assert_eq!(of_class, number(&classes[class]["clips"]));
        if of_class > 0.0 {
            let accuracy = number(&classes[class]["accuracy"]);
            assert!((accuracy - row[class] / of_class).abs() < 1e-12);
            accuracies.push(accuracy);
        }
        right += row[class];
        clips += of_class;
    }
    assert_eq!(clips, number(&report["clips"]));
    assert!((number(&report["top1"]) - right / clips).abs() < 1e-12);
    let mean = accuracies.iter().sum::<f64>() / accuracies.len() as f64;
    assert!((number(&report["mean_class"]) - mean).abs() < 1e-12);

    let printed = eval(&[]);
    for word in [
        "top-1",
        "top-5",
        "mean class accuracy",
        "loss",
        "temporal stream only",
    ] {
        assert!(printed.contains(word), "{word}: {printed}");
    }
    for (class, row) in classes.iter().zip(&confusion) {
        let name = class["name"].as_str().expect("a name");
        let line = printed.lines().find(|line| line.contains(name));
        let shown = |count: &f64| match count {
            0.0 => ".".into(),
            count => count.to_string(),
        };
        let cells: Vec<String> = row.iter().map(shown).collect();
        let ends: Vec<&str> = line.expect("its line").split_whitespace().rev().collect();
        let ends: Vec<&str> = ends.into_iter().take(4).rev().collect();
        assert_eq!(ends, cells, "{printed}");
    }

    let more = json(&["--set", "data.test_clips=3"]);
    assert_ne!(
        more["loss"], report["loss"],
        "other samplings, other scores"
    );
    let args = ["eval", text(&out), "--set", "train.lr=1"];
    let error = must_fail(&args, 2);
    assert!(error.contains("data.test_clips"), "{error}");
}
