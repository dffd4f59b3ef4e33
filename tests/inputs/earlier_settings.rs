//! Settings that earlier versions wrote mean today what they meant then.

use sinew::settings::{
    AUTO, Auto, ChainJoints, KernelPlan, Preset, ResolvedSettings, Settings, SettingsFile, Threads,
};
use std::path::Path;

/// What earlier versions wrote for settings that were open.
const SENTINELS: [&str; 13] = [
    "run.task=''",
    "run.plan=''",
    "run.device=''",
    "run.protocol=''",
    "run.threads=0",
    "model.hidden=0",
    "model.part_hidden=0",
    "data.frames=0",
    "data.scale=[0.0, 2.0, 0]",
    "train.batch=0",
    "train.epochs=0",
    "train.validation=-1",
    "train.clip_norm=0",
];

/// The `config.toml` of a run of an earlier version.
fn config(preset: &str) -> String {
    format!(
        r#"
[run]
task = "first"
preset = "{preset}"
data = "/data/ntu60"
checksum = "0123456789abcdef"
protocol = "xsub"
seed = 7
device = "cpu"
plan = "cpu"
threads = 0

[model]
temporal = "stacked"
spatial = "chain"
fusion = "weighted"
fusion_weight = 0.9
fusion_scores = "posteriors"
hidden = 512
part_hidden = 128
bidirectional = true
peephole = true
dropout = 0.5
recurrent_dropout = 0.0

[data]
frames = 100
sampling = "ends"
test_clips = 1
test_turn = 0.0
test_swap = false
centre = "frame"
turn = "none"
people = "average"
actors = "reference"
bones = false
motion = false
scale = [1.5, 1.0, 1.0]

[augment]
rotation = [0.17453294, 0.17453294, 0.0]
scale = 0.1
shear = 0.1
noise = 0.0
mirror = false
swap = false
crop = 0.0
probability = 0.5

[train]
batch = 256
accumulate = 1
eval_batch = 256
eval_every = 1
epochs = 240
optimiser = "sgd"
lr = 0.02
weight_decay = 0.0
momentum = 0.9
nesterov = true
clip_norm = 0.0
label_smoothing = 0.0
validation = 0.05
save_every = 0
keep = 2

[schedule]
kind = "step"
step = 60
gamma = 0.7
warmup = 0.0
"#
    )
}

#[test]
fn sentinels_are_auto() {
    let settings = Settings::preset(Preset::Reference).and_then(|s| s.with(&SENTINELS));
    let settings = settings.expect("settings");
    let (run, model, data, train) = (
        &settings.run,
        &settings.model,
        &settings.data,
        &settings.train,
    );
    assert!(run.task.is_auto() && run.plan.is_auto() && run.device.is_auto());
    assert!(run.protocol.is_auto() && run.threads == Threads::AllCores);
    assert!(model.hidden.is_auto() && model.part_hidden.is_auto());
    assert!(train.batch.is_auto() && train.epochs.is_auto() && train.validation.is_auto());
    assert!(data.frames.is_auto());
    assert_eq!(data.scale, [Auto::Auto, Auto::Value(2.0), Auto::Auto]);
    assert_eq!(train.clip_norm, 0.0, "a value of its own");
    let open = settings.open_keys().expect("keys");
    assert!(open.contains(&"data.scale".into()) && !open.contains(&"train.clip_norm".into()));
    // What is open is written as one word.
    let text = settings.to_toml().expect("TOML");
    assert!(text.contains(&format!("hidden = \"{AUTO}\"")), "{text}");
    assert_eq!(Settings::from_toml(&text).expect("settings"), settings);
}

#[test]
fn a_config_has_the_chain_that_its_preset_had() {
    for (preset, joints) in [
        ("paper", ChainJoints::Once),
        ("sinew", ChainJoints::AsListed),
        ("reference", ChainJoints::AsListed),
    ] {
        let text = config(preset);
        let read = ResolvedSettings::from_config(text.as_bytes(), Path::new("config.toml"));
        let read = read.expect("settings");
        assert_eq!(read.model.chain_joints, joints, "{preset}");
        assert_eq!(read.run.plan, KernelPlan::Cpu);
        // Written again, it differs by the keys that were added alone.
        let again = read.to_toml().expect("TOML");
        let added = again
            .lines()
            .filter(|line| !text.lines().any(|old| old == *line));
        let added: Vec<&str> = added
            .map(|line| line.split(' ').next().unwrap_or(""))
            .collect();
        assert_eq!(added, ["chain_joints", "precision", "diverged"]);
        // Checkpoints and exported weights have the same settings as JSON.
        let table: toml::Table = text.parse().expect("TOML");
        let json = serde_json::to_string(&table).expect("JSON");
        let of_weights: ResolvedSettings = serde_json::from_str(&json).expect("settings");
        assert_eq!(of_weights.model, read.model);
        // As a settings file it starts the same run.
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config.toml");
        std::fs::write(&path, &text).expect("a file");
        let file = SettingsFile::read(&path).expect("a file");
        let preset = file.preset().expect("a preset").expect("one is named");
        let written = Settings::layered(preset, Some(&file), &[] as &[&str]).expect("settings");
        assert_eq!(written.complete().expect("nothing is open"), read);
    }
}

#[test]
fn resolved_settings_leave_nothing_open() {
    for (old, open) in [
        ("hidden = 512", "hidden = \"auto\""),
        ("hidden = 512", "hidden = 0"),
        ("frames = 100", "frames = 0"),
    ] {
        let text = config("sinew").replacen(old, open, 1);
        let read = ResolvedSettings::from_config(text.as_bytes(), Path::new("config.toml"));
        assert!(read.is_err(), "{open}");
    }
}
