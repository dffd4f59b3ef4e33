//! A folder of own clips: somebody with four joints waves with one hand or the other.
#![allow(dead_code, reason = "each test uses its own part")]

use super::command::{must, text};
use super::npy;
use sinew::rng::Rng;
use std::path::{Path, PathBuf};

/// The skeleton of the clips.
pub const LAYOUT: &str = "name = 'waver'\nunit = 'metre'\nup = '+y'\n\
    joints = ['hip', 'neck', 'left hand', 'right hand']\nbones = [[1, 0], [2, 1], [3, 1]]\n";

/// A tiny model that trains for one epoch.
pub const TINY: [&str; 14] = [
    "--protocol",
    "split",
    "--epochs",
    "1",
    "--device",
    "cpu",
    "--set",
    "model.hidden=8",
    "--set",
    "data.frames=12",
    "--set",
    "data.test_clips=1",
    "--set",
    "train.batch=8",
];

/// Coordinates [frames, 4, 3] of somebody who waves with the left hand (2) or the right one (3).
pub fn wave(hand: usize, frames: usize, rng: &mut Rng) -> Vec<f32> {
    let rest = [[0.0, 0.0], [0.0, 0.5], [-0.3, 0.2], [0.3, 0.2]];
    let mut data = Vec::new();
    for frame in 0..frames {
        let raised = 0.3 + 0.2 * (frame as f32 * 0.4).sin();
        for (joint, [x, y]) in rest.into_iter().enumerate() {
            let up = if joint == hand { raised } else { 0.0 };
            data.extend([x, y + up, 0.1].map(|c| c + 0.01 * rng.normal()));
        }
    }
    data
}

/// A folder of clips with a table of (label, split) rows and a layout.
pub fn set(folder: &Path, rows: &[(&str, &str)], layout: &str, classes: Option<&str>) -> PathBuf {
    std::fs::create_dir_all(folder).expect("a folder");
    let mut rng = Rng::new(5, &[]);
    let mut table = "file,label,split\n".to_string();
    for (number, (label, split)) in rows.iter().enumerate() {
        let hand = if label.contains("left") { 2 } else { 3 };
        let array = npy::array(&[30, 4, 3], &wave(hand, 30, &mut rng));
        std::fs::write(folder.join(format!("{number}.npy")), array).expect("a clip");
        table += &format!("{number}.npy,{label},{split}\n");
    }
    std::fs::write(folder.join("clips.csv"), table).expect("a table");
    std::fs::write(folder.join("layout.toml"), layout).expect("a layout");
    if let Some(classes) = classes {
        std::fs::write(folder.join("classes.txt"), classes).expect("classes");
    }
    folder.to_path_buf()
}

/// Eight clips of each of these classes, a quarter of them to test.
pub fn rows<'a>(classes: &[&'a str]) -> Vec<(&'a str, &'static str)> {
    let split = |n: usize| if n % 4 == 3 { "test" } else { "train" };
    let of = |class: &'a str| (0..8).map(move |n| (class, split(n)));
    classes.iter().flat_map(|class| of(class)).collect()
}

/// Prepares a set.
pub fn prepare(set: &Path, data: &Path) -> PathBuf {
    must(&[
        "prepare",
        text(set),
        "--dataset",
        "clips",
        "--out",
        text(data),
    ]);
    data.to_path_buf()
}

/// The arguments that train a tiny model on a set of own clips.
pub fn train_args<'a>(data: &'a Path, run: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["train", text(data), "--out", text(run)];
    args.extend(TINY);
    args.extend(more);
    args
}
