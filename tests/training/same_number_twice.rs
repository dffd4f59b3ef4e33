//! Same seed, same device, same plan: a run ends in the same bytes, on the CPU engine with any number of threads.

use crate::command::{made_data, sinew, train_args};
use crate::devices;
use crate::runs::same;

#[test]
fn on_every_device() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 24);
    let adapters = devices::devices().iter().filter_map(|c| c.adapter.as_ref());
    let mut cases = vec![("cpu".to_string(), "cpu")];
    for adapter in adapters {
        cases.extend(["resident", "stepwise"].map(|plan| (adapter.index.to_string(), plan)));
    }
    for (device, plan) in &cases {
        let [a, b] = ["1", "3"].map(|threads| {
            let out = folder.path().join(format!("{device}-{plan}-{threads}"));
            let more = ["--epochs", "2", "--device", device, "--set", "run.task=one"];
            let mut args = train_args(&data, &out, &more);
            args.extend(["--set", "train.validation=0.3"]);
            if *plan != "cpu" {
                args.extend(["--plan", plan]);
            }
            let mut command = sinew(&args);
            let output = command.env("RAYON_NUM_THREADS", threads).output();
            let output = output.expect("the command starts");
            let errors = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{errors}");
            out
        });
        println!("{device} {plan}");
        same(&a, &b);
    }
}
