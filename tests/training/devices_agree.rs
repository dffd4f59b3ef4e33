//! Training on an adapter follows training on the CPU: the same initial weights, batches and masks, the same loss.

use crate::command::{made_data, train};
use crate::devices;
use sinew::train::Run;

#[test]
fn the_same_losses() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 24);
    let Some(adapter) = devices::devices().get(1).and_then(|c| c.adapter.as_ref()) else {
        println!("skipped: no adapter");
        return;
    };
    let losses = |device: &str, plan: &str| -> Vec<f64> {
        let run = folder.path().join(format!("on-{device}-{plan}"));
        train(
            &data,
            &run,
            &["--epochs", "2", "--device", device, "--plan", plan],
        );
        let config = std::fs::read_to_string(run.join("config.toml")).expect("settings");
        let name = if device == "cpu" {
            "cpu"
        } else {
            &adapter.name
        };
        assert!(
            config.contains(name),
            "config.toml names the device {name}: {config}"
        );
        let metrics = Run::metrics(&run).expect("metrics");
        metrics.iter().map(|m| m.loss).collect()
    };
    let cpu = losses("cpu", "resident");
    for plan in ["resident", "stepwise"] {
        let gpu = losses(&adapter.index.to_string(), plan);
        println!("cpu {cpu:?}, {} {plan} {gpu:?}", adapter.name);
        assert_eq!(cpu.len(), gpu.len());
        for (a, b) in cpu.iter().zip(&gpu) {
            assert!((a - b).abs() <= 1e-3 * a.abs(), "{plan}: {a} and {b}");
        }
    }
}
