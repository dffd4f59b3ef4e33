//! A step that the device's memory cannot hold is refused before the run starts, with a batch that it can.

use crate::command::{made_data, must_fail, train_args};
use crate::settings;
use burn::module::Module;
use burn::tensor::Device;
use sinew::device::{Adapter, Compute};
use sinew::model::TwoStream;
use sinew::settings::{Preset, ResolvedSettings};
use sinew::shards::Prepared;
use sinew::train::{architecture, memory};

fn card(bytes: u64) -> Compute {
    Compute {
        device: Device::flex(),
        adapter: Some(Adapter {
            index: 0,
            name: "a card".into(),
            kind: "discrete",
            backend: "vulkan".into(),
            driver: String::new(),
            f16: false,
            cooperative_matrix: false,
            matrix_units: None,
            timestamps: false,
            largest_binding: 4 << 30,
            memory: Some(bytes),
            workgroup_memory: 32 << 10,
            workgroup_threads: 1024,
            storage_buffers: 32,
        }),
        reason: String::new(),
    }
}

#[test]
fn and_refused_with_what_would_fit() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 24);
    let prepared = Prepared::open(&data).expect("data");
    let settings = |sets: &[&str]| -> ResolvedSettings {
        let written = settings::written(Preset::Sinew, &["run.protocol=xsub"]);
        let resolved = settings::resolved_for_run(&written, &prepared).expect("settings");
        resolved.with(sets).expect("settings")
    };
    for (temporal, fusion, peephole) in [
        ("stacked", "weighted", false),
        ("hierarchical", "gated", true),
    ] {
        let sets = [
            format!("model.temporal={temporal}"),
            format!("model.fusion={fusion}"),
            format!("model.peephole={peephole}"),
            "train.batch=4096".into(),
            "model.hidden=64".into(),
        ];
        let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
        let mut settings = settings(&sets);
        let architecture = architecture(&settings, prepared.manifest());
        let model = TwoStream::init(&architecture, 0, &Device::flex());
        assert_eq!(
            architecture.parameter_count(),
            model.num_params(),
            "{temporal}"
        );

        let (large, small) = (card(64 << 30), card(1 << 30));
        memory::fits(&settings, prepared.manifest(), &large, 1).expect("it fits");
        let refused =
            memory::fits(&settings, prepared.manifest(), &small, 1).expect_err("too large");
        assert_eq!(sinew::cli::exit_code(&refused), 1);
        let text = refused.to_string();
        assert!(
            text.contains("train.batch=4096 needs") && text.contains("1024 MiB"),
            "{text}"
        );
        // What it names fits, and twice as much does not.
        let (_, help) = text.split_once("; ").expect("a remedy");
        let number = |key: &str| -> usize {
            let (_, rest) = help.split_once(key).expect(key);
            let digits = rest.split(|c: char| !c.is_ascii_digit()).next();
            digits.and_then(|digits| digits.parse().ok()).expect(key)
        };
        let (batch, pieces) = (number("train.batch="), number("train.accumulate="));
        assert_eq!(batch * pieces, 4096, "{text}");
        settings.train.batch = batch;
        memory::fits(&settings, prepared.manifest(), &small, 1).expect("it fits");
        settings.train.batch = 2 * batch;
        memory::fits(&settings, prepared.manifest(), &small, 2).expect("two share it");
        memory::fits(&settings, prepared.manifest(), &small, 1).expect_err("too large");
    }
    let huge = settings(&["train.batch=1", "model.hidden=8192"]);
    let text = memory::fits(&huge, prepared.manifest(), &card(1 << 30), 1).expect_err("too large");
    assert!(text.to_string().contains("lower model.hidden"), "{text}");
}

#[cfg(target_os = "linux")]
#[test]
fn on_this_machine_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 24);
    let out = folder.path().join("run");
    // Weights, gradients and moments of 60 GiB, more than is free on most machines.
    let free = Compute::cpu("").memory().expect("Linux tells");
    if free > 60 << 30 {
        println!("skipped: this machine has memory for it");
        return;
    }
    let mut args = train_args(&data, &out, &["--device", "cpu"]);
    args.extend(["--set", "model.hidden=8192"]);
    let refused = must_fail(&args, 1);
    assert!(refused.contains("lower model.hidden"), "{refused}");
    assert!(!out.exists(), "nothing was begun");
}
