//! Runs whose weights grow until they overflow, or whose inputs do.
#![allow(dead_code, reason = "each test uses its own part")]

use super::clips::{clip, prepared};
use super::command::train_args;
use sinew::rng::Rng;
use sinew::skeleton::{About, Layout};
use std::path::{Path, PathBuf};

/// What inputs are multiplied by: [`data`] is divided by it, but for the bad clip, whose inputs overflow.
const FACTOR: f32 = 1e30;

/// Clips of two classes to train on; where asked, `bad-clip` among them is so far off that its inputs overflow.
pub fn data(folder: &Path, count: usize, bad: bool) -> PathBuf {
    let (layout, mut rng) = (Layout::ntu25(), Rng::new(3, &[]));
    let mut made = Vec::new();
    for number in 0..count + 4 {
        let name = format!("clip-{number:02}");
        let mut clip = clip(&name, number % 2, 1, 20, &layout, false, &mut rng);
        clip.data.iter_mut().for_each(|x| *x /= FACTOR);
        let split = if number < count { "train" } else { "test" };
        made.push((clip, About::in_split(split)));
    }
    if bad {
        let clip = &mut made[count / 2].0;
        clip.name = "bad-clip".into();
        clip.data
            .iter_mut()
            .for_each(|x| *x = [-9e8, 9e8][rng.below(2)]);
    }
    let data = folder.join(format!("data-{count}-{bad}"));
    std::fs::create_dir(&data).expect("a folder");
    prepared(&data, "clips", &layout, made);
    data
}

/// Settings that leave coordinates as they are, but for the factor.
const PLAIN: [&str; 8] = [
    "data.centre=none",
    "data.turn=none",
    "data.bones=false",
    "data.motion=false",
    "data.scale=[1e30,1,1]",
    "augment.probability=0",
    "train.validation=0",
    "run.task=one",
];

pub fn args<'a>(data: &'a Path, out: &'a Path, sets: &[&'a str]) -> Vec<&'a str> {
    let mut args = train_args(data, out, &["--device", "cpu"]);
    args[3] = "split";
    let sets = PLAIN.iter().chain(sets);
    args.extend(sets.flat_map(|set| ["--set", set]));
    args
}

/// The weights grow 7-fold a step, and at a quarter of the rate no more: the epoch is long enough only for that.
pub const WILD: [&str; 9] = [
    "train.diverged=back",
    "train.epochs=1",
    "train.batch=1",
    "train.optimiser=sgd",
    "train.momentum=0",
    "train.lr=8",
    "train.weight_decay=1",
    "train.clip_norm=0",
    "schedule.kind=constant",
];
