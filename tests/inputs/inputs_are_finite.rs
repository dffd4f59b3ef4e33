//! Whatever prepared data hold, an input is numbers and what is absent is zero.

use crate::clips;
use crate::settings;
use std::sync::Arc;

use sinew::loader::Loader;
use sinew::rng::Rng;
use sinew::settings::{Actors, Augment, Centre, Data, People, Preset, Sampling, Turn};
use sinew::shards::Prepared;
use sinew::skeleton::{About, Clip, Layout};

const SEED: u64 = 5;

/// Every row of one epoch, trained and tested.
fn rows(prepared: &Arc<Prepared>, data: &Data, augment: &Augment) -> Vec<f32> {
    let clips: Vec<usize> = (0..prepared.len()).collect();
    let how = (64, SEED, 1);
    let train = Loader::train(Arc::clone(prepared), &clips, data, augment, how).unwrap();
    let eval = Loader::eval(Arc::clone(prepared), &clips, data, how).unwrap();
    let batches = train.epoch(0, 0).chain(eval.epoch(0, 0));
    batches.flat_map(|batch| batch.unwrap().x).collect()
}

#[test]
fn gaps_are_zero_by_every_setting() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::ntu25();
    let mut rng = Rng::new(1, &[]);
    let made = (0..8).map(|i| {
        let frames = 3 + 9 * i;
        let clip = clips::clip(
            &i.to_string(),
            0,
            1 + i % 2,
            frames,
            &layout,
            true,
            &mut rng,
        );
        (clip, About::default())
    });
    let prepared = clips::prepared(folder.path(), "clips", &layout, made.collect());
    let all = |sampling, centre, turn, people, actors| Data {
        sampling,
        centre,
        turn,
        people,
        actors,
        bones: true,
        motion: true,
        ..clips::plain(16)
    };
    use {Actors as A, Centre as C, People as P, Sampling as S, Turn as T};
    for sampling in [S::First, S::Uniform, S::Segments, S::Ends] {
        for centre in [C::None, C::Frame, C::FirstFrame, C::Reference] {
            for turn in [T::None, T::Frame, T::FirstFrame] {
                for people in [P::Average, P::Concatenate] {
                    for actors in [A::Published, A::Reference, A::All] {
                        let data = all(sampling, centre, turn, people, actors);
                        let x = rows(&prepared, &data, &clips::everything());
                        assert!(x.iter().all(|x| x.is_finite()), "{data:?}");
                        assert!(x.contains(&0.0), "what is absent: {data:?}");
                    }
                }
            }
        }
    }
}

/// A clip whose coordinates are drawn from these numbers.
fn of(numbers: &[f32], name: &str, layout: &Layout) -> Clip {
    let mut rng = Rng::new(2, &[numbers.len() as u64]);
    let mut clip = clips::clip(name, 0, 2, 30, layout, false, &mut rng);
    for x in &mut clip.data {
        *x = numbers[rng.below(numbers.len())];
    }
    clip
}

#[test]
fn numbers_that_no_preparation_lets_through_do_no_harm() {
    // Shards can come from elsewhere; each kind of number alone and all together.
    let kinds: [&[f32]; 7] = [
        &[f32::MAX, -f32::MAX],
        &[1e38, -3e38, 1e30, 0.5],
        &[f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 1.0],
        &[1e-45, -1e-45, 0.0],
        &[1e-38, 2e-38, 1e-30],
        &[0.0, -0.0],
        &[1e9, -1e9, 1e-9, 1.0, f32::NAN],
    ];
    let layout = Layout::ntu25();
    let mixed = kinds.concat();
    for kind in kinds.into_iter().chain([mixed.as_slice()]) {
        let folder = tempfile::tempdir().unwrap();
        let made = ["a", "b"].map(|name| (of(kind, name, &layout), About::default()));
        let prepared = clips::prepared(folder.path(), "ntu", &layout, made.to_vec());
        for preset in Preset::ALL {
            let written = settings::written(preset, &["train.batch=4"]);
            let settings = settings::resolved_for_clips(&written, &prepared, &[0, 1]).unwrap();
            for augment in [&settings.augment, &clips::everything()] {
                let x = rows(&prepared, &settings.data, augment);
                assert!(
                    !x.is_empty() && x.iter().all(|x| x.is_finite()),
                    "{preset} {kind:?}"
                );
            }
        }
    }
}

#[test]
fn one_clip_that_is_beyond_all_others_does_no_harm() {
    // The factors come from the others; clips that are passed over may be of any size.
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::ntu25();
    let made = [
        of(&[1e-9, 2e-9], "small", &layout),
        of(&[1e6, -1e6], "large", &layout),
    ];
    let made = made.map(|clip| (clip, About::default())).to_vec();
    let prepared = clips::prepared(folder.path(), "clips", &layout, made);
    let written = settings::written(Preset::Sinew, &[]);
    let settings = settings::resolved_for_clips(&written, &prepared, &[0]).unwrap();
    let x = rows(&prepared, &settings.data, &clips::everything());
    assert!(x.iter().all(|x| x.is_finite()));
}
