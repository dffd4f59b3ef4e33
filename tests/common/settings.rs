//! Settings for tests.
#![allow(dead_code, reason = "each test uses its own part")]

use sinew::device::Compute;
use sinew::settings::{Preset, Protocol, ResolvedSettings, Settings};
use sinew::shards::Prepared;
use sinew::train::{Target, resolve, resolve_for_clips};
use std::path::Path;

/// A preset with single settings over it.
pub fn written(preset: Preset, sets: &[&str]) -> Settings {
    let settings = Settings::preset(preset).and_then(|settings| settings.with(sets));
    settings.expect("settings")
}

/// Values for what settings leave open, where a test has no data.
const FILL: [&str; 16] = [
    "run.task=test",
    "run.data=.",
    "run.checksum=none",
    "run.protocol=split",
    "run.device=cpu",
    "run.plan=cpu",
    "model.hidden=8",
    "model.part_hidden=4",
    "data.frames=12",
    "data.people=average",
    "data.centre=frame",
    "data.actors=published",
    "data.scale=[1, 1, 1]",
    "train.batch=8",
    "train.epochs=2",
    "train.validation=0",
];

/// A preset with single settings over it, and some value for what is open: no data are needed.
pub fn resolved(preset: Preset, sets: &[&str]) -> ResolvedSettings {
    let settings = written(preset, sets);
    let open = settings.open_keys().expect("keys");
    let key = |set: &&str| {
        open.iter()
            .any(|key| Some(&key[..]) == set.split('=').next())
    };
    let fill: Vec<&str> = FILL.into_iter().filter(key).collect();
    let filled = settings
        .with(&fill)
        .and_then(|settings| settings.complete());
    filled.expect("nothing is open")
}

/// Settings as a run on the CPU engine resolves them, trained on these clips.
pub fn resolved_for_clips(
    settings: &Settings,
    prepared: &Prepared,
    clips: &[usize],
) -> sinew::Result<ResolvedSettings> {
    let mut settings = settings.clone();
    settings.run.protocol = Protocol::Split.into();
    let compute = Compute::cpu("for the test");
    resolve_for_clips(&settings, &on(prepared, &compute), clips, &mut |_| {})
}

/// Settings as a run of their protocol on the CPU engine resolves them.
pub fn resolved_for_run(
    settings: &Settings,
    prepared: &Prepared,
) -> sinew::Result<ResolvedSettings> {
    let compute = Compute::cpu("for the test");
    resolve(settings, &on(prepared, &compute), &mut |_| {})
}

fn on<'a>(prepared: &'a Prepared, compute: &'a Compute) -> Target<'a> {
    Target {
        prepared,
        compute,
        ranks: 1,
        folder: Path::new("run"),
    }
}
