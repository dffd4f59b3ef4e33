//! What the default preset leaves open follows from the data: a small set holds nothing out, trains long and in small
//! batches; what is said by hand stays.

use crate::clips;
use sinew::recipe::{Recipe, resolve};
use sinew::rng::Rng;
use sinew::skeleton::{About, Layout};
use sinew::train::for_data;

fn settled(preset: &str, sets: &[&str]) -> Recipe {
    let folder = tempfile::tempdir().unwrap();
    let (layout, mut rng) = (Layout::ntu25(), Rng::new(1, &[]));
    let made = (0..40).map(|number| {
        let clip = clips::clip(&format!("c{number}"), 0, 1, 30, &layout, false, &mut rng);
        let split = if number % 4 == 0 { "test" } else { "train" };
        (clip, About::in_split(split))
    });
    let prepared = clips::prepared(folder.path(), "clips", &layout, made.collect());
    let mut all = vec!["run.protocol='split'".to_string()];
    all.extend(sets.iter().map(|set| (*set).to_string()));
    let recipe = resolve(preset, None, &all).unwrap();
    for_data(&recipe, &prepared, folder.path()).unwrap()
}

#[test]
fn derived_from_the_data() {
    let recipe = settled("sinew", &[]);
    assert_eq!(recipe.train.validation, 0.0);
    assert_eq!((recipe.train.epochs, recipe.train.batch), (240, 32));
    assert_eq!((recipe.model.hidden, recipe.data.frames), (128, 30));
    assert!(recipe.data.scale.iter().all(|factor| *factor > 0.0));
    let paper = settled("paper", &[]);
    assert_eq!((paper.train.validation, paper.train.batch), (0.0, 32));
}

#[test]
fn by_hand_stays() {
    let recipe = settled("sinew", &["train.validation=0.3", "train.epochs=7"]);
    assert_eq!((recipe.train.validation, recipe.train.epochs), (0.3, 7));
    for share in ["-0.5", "-2", "1", "nan"] {
        let set = format!("train.validation={share}");
        let error = resolve("sinew", None, &[set]).unwrap_err().to_string();
        assert!(error.contains("train.validation must be"), "{error}");
    }
}

#[test]
fn the_ends_of_a_range_are_in_it() {
    for set in ["model.dropout=0.99", "model.dropout=0", "augment.crop=0.99"] {
        resolve("sinew", None, &[set.into()]).unwrap();
    }
    for set in ["model.dropout=0.9901", "train.momentum=0.9999999"] {
        let error = resolve("sinew", None, &[set.into()]).unwrap_err();
        assert!(
            error.to_string().contains("must be a number from 0 to"),
            "{error}"
        );
    }
}

#[test]
fn large_sets_hold_a_twentieth_out() {
    assert_eq!(sinew::train::held_out(4_999), 0.0);
    assert_eq!(sinew::train::held_out(5_000), 0.05);
}
