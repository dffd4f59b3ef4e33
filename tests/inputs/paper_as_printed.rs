//! The preset `paper` takes its printed sizes from the dataset by itself, a setting by hand wins over them, and its
//! chain has each joint once.

use crate::clips;
use crate::settings;
use sinew::rng::Rng;
use sinew::settings::{Actors, People, Preset, ResolvedSettings};
use sinew::skeleton::{About, Layout};
use sinew::train::model_layout;

/// What a run of a preset would begin with, for three clips of two people.
fn resolved_for(preset: Preset, dataset: &str, layout: &Layout, sets: &[&str]) -> ResolvedSettings {
    let folder = tempfile::tempdir().unwrap();
    let mut rng = Rng::new(1, &[]);
    let made = ["a", "b", "c"].map(|name| {
        let clip = clips::clip(name, 0, 2, 23, layout, false, &mut rng);
        (clip, About::default())
    });
    let prepared = clips::prepared(folder.path(), dataset, layout, made.to_vec());
    let written = settings::written(preset, &[&["train.batch=4"], sets].concat());
    settings::resolved_for_clips(&written, &prepared, &[0, 1, 2]).unwrap()
}

fn sizes(settings: &ResolvedSettings) -> [usize; 3] {
    [
        settings.model.hidden,
        settings.model.part_hidden,
        settings.data.frames,
    ]
}

#[test]
fn sizes_by_dataset() {
    let (ntu, sbu) = (Layout::ntu25(), Layout::sbu15());
    let small = resolved_for(Preset::Paper, "sbu", &sbu, &[]);
    assert_eq!(sizes(&small), [256, 64, 35]);
    let how = (small.data.people, small.data.actors);
    assert_eq!(how, (People::Concatenate, Actors::All));
    let large = resolved_for(Preset::Paper, "ntu", &ntu, &["data.people=average"]);
    assert_eq!(sizes(&large), [512, 128, 100]);
    assert_eq!(large.data.actors, Actors::Reference);
    let other = resolved_for(Preset::Paper, "clips", &sbu, &[]);
    assert_eq!(sizes(&other), [512, 128, 100]);
    let by_hand = ["model.hidden=8", "data.frames=20", "data.actors=published"];
    let by_hand = resolved_for(Preset::Paper, "ntu", &ntu, &by_hand);
    assert_eq!(sizes(&by_hand), [8, 2, 20]);
    assert_eq!(by_hand.data.actors, Actors::Published);
    // The rule is the paper's alone.
    assert_eq!(
        sizes(&resolved_for(Preset::Sinew, "sbu", &sbu, &[])),
        [128, 32, 23]
    );
}

#[test]
fn each_joint_once() {
    let layout = Layout::ntu25();
    let joints = |preset| settings::written(preset, &[]).model.chain_joints;
    let chain = |preset| model_layout(&layout, joints(preset)).chain;
    let printed = [
        23, 24, 11, 10, 9, 8, 4, 5, 6, 7, 21, 22, 3, 2, 20, 1, 0, 19, 18, 17, 16, 12, 13, 14, 15,
    ];
    assert_eq!(chain(Preset::Paper), printed);
    assert_eq!(chain(Preset::Reference), layout.chain);
    let paper = model_layout(&layout, joints(Preset::Paper));
    assert_eq!(paper.traversal, layout.traversal);
}
