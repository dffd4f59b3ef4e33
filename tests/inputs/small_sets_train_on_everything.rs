//! What the default preset leaves open follows from the data: a small set holds nothing out, trains long and in small
//! batches; what is said by hand stays.

use crate::clips;
use crate::settings;
use sinew::rng::Rng;
use sinew::settings::{Preset, ResolvedSettings};
use sinew::skeleton::{About, Layout};

fn resolved_for(preset: Preset, sets: &[&str], clips: usize) -> ResolvedSettings {
    let folder = tempfile::tempdir().unwrap();
    let (layout, mut rng) = (Layout::ntu25(), Rng::new(1, &[]));
    let made = (0..clips).map(|number| {
        let clip = clips::clip(&format!("c{number}"), 0, 1, 30, &layout, false, &mut rng);
        let split = if number % 4 == 0 { "test" } else { "train" };
        (clip, About::in_split(split))
    });
    let prepared = clips::prepared(folder.path(), "clips", &layout, made.collect());
    let sets = [&["run.protocol=split"], sets].concat();
    let settings = settings::written(preset, &sets);
    settings::resolved_for_run(&settings, &prepared).unwrap()
}

fn refused(set: &str) -> String {
    let settings = settings::written(Preset::Sinew, &[]);
    settings.with(&[set]).unwrap_err().to_string()
}

#[test]
fn derived_from_the_data() {
    let settings = resolved_for(Preset::Sinew, &[], 40);
    assert_eq!(settings.train.validation, 0.0);
    assert_eq!((settings.train.epochs, settings.train.batch), (240, 32));
    assert_eq!((settings.model.hidden, settings.data.frames), (128, 30));
    assert!(settings.data.scale.iter().all(|factor| *factor > 0.0));
    let paper = resolved_for(Preset::Paper, &[], 40);
    assert_eq!((paper.train.validation, paper.train.batch), (0.0, 32));
}

#[test]
fn by_hand_stays() {
    let settings = resolved_for(
        Preset::Sinew,
        &["train.validation=0.3", "train.epochs=7"],
        40,
    );
    assert_eq!((settings.train.validation, settings.train.epochs), (0.3, 7));
    for share in ["-0.5", "-2", "1", "nan"] {
        let error = refused(&format!("train.validation={share}"));
        assert!(error.contains("train.validation must be"), "{error}");
    }
}

#[test]
fn the_ends_of_a_range_are_in_it() {
    for set in ["model.dropout=0.99", "model.dropout=0", "augment.crop=0.99"] {
        settings::written(Preset::Sinew, &[set]);
    }
    for set in ["model.dropout=0.9901", "train.momentum=0.9999999"] {
        let error = refused(set);
        assert!(error.contains("must be a number from 0 to"), "{error}");
    }
}

#[test]
fn large_sets_hold_a_twentieth_out() {
    // Every fourth clip is a test clip.
    let frames = &["data.frames=4", "data.scale=[1, 1, 1]"];
    for (clips, share) in [(6_664, 0.0), (6_668, 0.05)] {
        let resolved = resolved_for(Preset::Sinew, frames, clips);
        assert_eq!(resolved.train.validation, share, "{clips} clips");
    }
}
