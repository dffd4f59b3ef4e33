//! The same seed gives the same batches: with any number of threads, entered anywhere, left at any time.

#[path = "common/clips.rs"]
mod clips;

use std::collections::BTreeMap;
use std::sync::Arc;

use sinew::loader::{Batch, Loader, Protocol, from_clip, settle};
use sinew::recipe::{Actors, Augment, Centre, Data, People, Sampling, Turn};
use sinew::rng::Rng;
use sinew::shards::Prepared;
use sinew::skeleton::{About, Layout};

const SEED: u64 = 5;

/// 30 clips of one or two people, 20 to 78 frames.
fn data(folder: &std::path::Path, layout: &Layout, gaps: bool) -> Arc<Prepared> {
    let mut rng = Rng::new(1, &[]);
    let made = (0..30).map(|i| {
        let clip = clips::clip(
            &format!("clip{i}"),
            i % 3,
            1 + i % 2,
            20 + 2 * i,
            layout,
            gaps,
            &mut rng,
        );
        (
            clip,
            About {
                split: Some("train".into()),
                ..About::default()
            },
        )
    });
    clips::prepared(folder, "clips", layout, made.collect())
}

fn all(prepared: &Prepared) -> Vec<usize> {
    (0..prepared.len()).collect()
}

/// Everything that the settings offer.
fn rich() -> Data {
    Data {
        sampling: Sampling::Segments,
        centre: Centre::FirstFrame,
        turn: Turn::FirstFrame,
        bones: true,
        motion: true,
        scale: [1.0; 3],
        ..clips::plain(16)
    }
}

fn epoch(loader: &Loader, number: u64, from: usize) -> Vec<Batch> {
    loader.epoch(number, from).map(Result::unwrap).collect()
}

#[test]
fn any_threads_and_any_entrance() {
    let folder = tempfile::tempdir().unwrap();
    let prepared = data(folder.path(), &Layout::ntu25(), true);
    let train = |threads, seed| {
        Loader::train(
            Arc::clone(&prepared),
            &all(&prepared),
            &rich(),
            &clips::everything(),
            (8, seed, threads),
        )
        .unwrap()
    };
    let one = train(1, SEED);
    assert_eq!(
        (one.samples(), one.batches(), one.shape()),
        (45, 6, [16, 25, 9])
    );
    let expected = epoch(&one, 3, 0);
    assert_eq!(
        expected.iter().map(Batch::len).collect::<Vec<_>>(),
        [8, 8, 8, 8, 8, 5]
    );
    for threads in [2, 4, 0, 100] {
        let many = train(threads, SEED);
        assert!(epoch(&many, 3, 0) == expected, "{threads} threads");
        for from in 0..=7 {
            assert!(
                epoch(&many, 3, from) == expected[from.min(6)..],
                "entered at {from} with {threads} threads"
            );
        }
    }
    assert!(epoch(&one, 4, 0) != expected, "another epoch");
    assert!(epoch(&train(1, SEED + 1), 3, 0) != expected, "another seed");
}

#[test]
fn an_epoch_has_every_sample_once() {
    let folder = tempfile::tempdir().unwrap();
    let prepared = data(folder.path(), &Layout::ntu25(), false);
    let clips = [3, 4, 7, 20, 21];
    let loader = Loader::train(
        Arc::clone(&prepared),
        &clips,
        &rich(),
        &clips::everything(),
        (2, SEED, 2),
    )
    .unwrap();
    let mut rows: BTreeMap<usize, usize> = BTreeMap::new();
    let mut order = Vec::new();
    for batch in epoch(&loader, 0, 0) {
        assert_eq!(batch.x.len(), batch.len() * 16 * 25 * 9);
        for (clip, label) in batch.clips.iter().zip(&batch.labels) {
            assert_eq!(*label, clip % 3);
            *rows.entry(*clip).or_default() += 1;
            order.push(*clip);
        }
    }
    assert_eq!(
        rows,
        BTreeMap::from([(3, 2), (4, 1), (7, 2), (20, 1), (21, 2)]),
        "one row a person"
    );
    // One clip alone: its frames and changes differ from epoch to epoch, and come back with the epoch.
    let one = Loader::train(
        Arc::clone(&prepared),
        &[4],
        &rich(),
        &clips::everything(),
        (1, SEED, 1),
    )
    .unwrap();
    let rows: Vec<_> = [0, 1, 2, 0].map(|number| epoch(&one, number, 0)).into();
    assert!(rows[0] != rows[1] && rows[1] != rows[2] && rows[0] == rows[3]);
    let next: Vec<usize> = epoch(&loader, 1, 0)
        .into_iter()
        .flat_map(|b| b.clips)
        .collect();
    assert_ne!(order, next, "another order every epoch");
}

#[test]
fn testing_goes_in_order_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let prepared = data(folder.path(), &Layout::ntu25(), false);
    let data = Data {
        test_clips: 3,
        ..rich()
    };
    let eval = |threads| {
        Loader::eval(Arc::clone(&prepared), &[9, 2, 5], &data, (4, SEED, threads)).unwrap()
    };
    let batches = epoch(&eval(1), 0, 0);
    let rows: Vec<usize> = batches.iter().flat_map(|b| b.clips.clone()).collect();
    assert_eq!(
        rows,
        [9, 9, 9, 9, 9, 9, 2, 2, 2, 5, 5, 5, 5, 5, 5],
        "three samplings of each person"
    );
    assert!(
        epoch(&eval(3), 8, 0) == batches,
        "every epoch and any threads"
    );
    // A single file gives the same rows as the clip among prepared data, apart from what is drawn by its number.
    let data = Data {
        test_clips: 1,
        ..rich()
    };
    let loader = Loader::eval(Arc::clone(&prepared), &[9], &data, (4, SEED, 1)).unwrap();
    let alone = from_clip(&prepared.clip(9).unwrap(), &Layout::ntu25(), &data, SEED).unwrap();
    let batch = epoch(&loader, 0, 0).remove(0);
    assert_eq!(
        (alone.x, alone.labels, alone.clips),
        (batch.x, batch.labels, vec![0, 0])
    );
}

#[test]
fn leaving_early_stops_the_threads() {
    let folder = tempfile::tempdir().unwrap();
    let prepared = data(folder.path(), &Layout::ntu25(), false);
    let loader = Loader::train(
        Arc::clone(&prepared),
        &all(&prepared),
        &rich(),
        &clips::everything(),
        (1, SEED, 4),
    )
    .unwrap();
    for taken in 0..20 {
        let mut batches = loader.epoch(0, 0);
        assert_eq!(batches.by_ref().take(taken).count(), taken);
        drop(batches);
    }
    drop(loader);
    // Background threads hold the data; none is left.
    assert_eq!(Arc::strong_count(&prepared), 1);
}

#[test]
fn a_clip_that_is_not_there_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let prepared = data(folder.path(), &Layout::ntu25(), false);
    // Concatenated people need no counting, so it is found by the background threads.
    let data = Data {
        people: People::Concatenate,
        ..rich()
    };
    let loader = Loader::eval(Arc::clone(&prepared), &[0, 1, 99, 2], &data, (1, SEED, 2)).unwrap();
    let answers: Vec<bool> = loader.epoch(0, 0).map(|batch| batch.is_ok()).collect();
    assert_eq!(answers, [true, true, false], "the error ends it");
    assert!(Loader::eval(prepared, &[99], &clips::plain(8), (1, SEED, 2)).is_err());
}

#[test]
fn what_is_absent_is_zero() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::ntu25();
    let prepared = data(folder.path(), &layout, true);
    for sampling in [
        Sampling::First,
        Sampling::Uniform,
        Sampling::Segments,
        Sampling::Ends,
    ] {
        for centre in [
            Centre::None,
            Centre::Frame,
            Centre::FirstFrame,
            Centre::Reference,
        ] {
            for turn in [Turn::None, Turn::Frame, Turn::FirstFrame] {
                for people in [People::Average, People::Concatenate] {
                    for actors in [Actors::Published, Actors::Reference] {
                        let data = Data {
                            sampling,
                            centre,
                            turn,
                            people,
                            actors,
                            ..rich()
                        };
                        let clips = all(&prepared);
                        let loader = Loader::train(
                            Arc::clone(&prepared),
                            &clips,
                            &data,
                            &clips::everything(),
                            (64, SEED, 1),
                        )
                        .unwrap();
                        for batch in epoch(&loader, 0, 0) {
                            assert!(batch.x.iter().all(|x| x.is_finite()), "{data:?}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn channels_are_where_they_are_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::ntu25();
    let prepared = data(folder.path(), &layout, false);
    let data = Data {
        people: People::Concatenate,
        bones: true,
        motion: true,
        scale: [1.0; 3],
        ..clips::plain(21)
    };
    for (index, second) in [(0, false), (1, true)] {
        let clip = prepared.clip(index).unwrap();
        let length = clip.frames;
        let data = Data {
            frames: length,
            ..data.clone()
        };
        let batch = from_clip(&clip, &layout, &data, SEED).unwrap();
        assert_eq!((batch.len(), batch.channels), (1, 18));
        // The actor with more motion is the first, so which body is which is read off the batch.
        let at = |frame: usize, joint: usize, channel: usize| {
            batch.x[(frame * 25 + joint) * 18 + channel]
        };
        let body = |frame: usize, joint: usize, body: usize, axis: usize| {
            clip.frame(body, frame)[joint * 3 + axis]
        };
        let first = (0..clip.bodies)
            .find(|b| body(0, 0, *b, 0) == at(0, 0, 0))
            .unwrap();
        let people = [Some(first), second.then_some(1 - first)];
        for frame in 0..length {
            for &[joint, parent] in &layout.bones {
                for (person, of) in people.iter().enumerate() {
                    for axis in 0..3 {
                        let channel = 3 * person + axis;
                        let x = |f: usize, j: usize| of.map_or(0.0, |b| body(f, j, b, axis));
                        assert_eq!(at(frame, joint, channel), x(frame, joint));
                        assert_eq!(
                            at(frame, joint, 6 + channel),
                            x(frame, joint) - x(frame, parent)
                        );
                        let motion = if frame == 0 {
                            0.0
                        } else {
                            x(frame, joint) - x(frame - 1, joint)
                        };
                        assert_eq!(at(frame, joint, 12 + channel), motion);
                    }
                }
            }
        }
    }
}

#[test]
fn ends_makes_two_samples_of_a_long_clip_and_skips_short_ones() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::ntu25();
    let mut rng = Rng::new(3, &[]);
    let made = [4, 5, 16, 17, 40].map(|frames| {
        (
            clips::clip(&frames.to_string(), 0, 1, frames, &layout, false, &mut rng),
            About::default(),
        )
    });
    let prepared = clips::prepared(folder.path(), "clips", &layout, made.to_vec());
    let data = Data {
        sampling: Sampling::Ends,
        actors: Actors::Reference,
        test_clips: 10,
        ..clips::plain(16)
    };
    let none = Augment {
        probability: 0.0,
        ..clips::everything()
    };
    let rows = |loader: Loader| {
        let mut rows: Vec<usize> = epoch(&loader, 0, 0)
            .into_iter()
            .flat_map(|b| b.clips)
            .collect();
        rows.sort_unstable();
        rows
    };
    let clips = all(&prepared);
    let train = Loader::train(Arc::clone(&prepared), &clips, &data, &none, (3, SEED, 1)).unwrap();
    assert_eq!(rows(train), [1, 2, 3, 3, 4, 4]);
    let eval = Loader::eval(Arc::clone(&prepared), &clips, &data, (3, SEED, 1)).unwrap();
    assert_eq!(rows(eval), [0, 1, 2, 3, 4], "every clip is tested");
}

#[test]
fn prepared_data_settle_what_is_left_open() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::ntu25();
    let mut rng = Rng::new(4, &[]);
    let open = Data {
        people: People::Auto,
        ..clips::plain(0)
    };
    let mut made = |frames: &[usize], bodies: usize| {
        let clips = frames.iter().map(|&n| {
            (
                clips::clip(&n.to_string(), 0, bodies, n, &layout, false, &mut rng),
                About::default(),
            )
        });
        settle(
            &open,
            &clips::manifest("clips", &layout, clips.collect(), None),
        )
    };
    let settled = made(&[30, 10, 24, 80], 2);
    assert_eq!((settled.frames, settled.people), (24, People::Concatenate));
    assert_eq!(
        made(&[300], 1),
        Data {
            people: People::Average,
            ..clips::plain(100)
        }
    );
    assert_eq!(made(&[1], 1).frames, 4);
    let prepared = data(folder.path(), &layout, false);
    let clip = prepared.clip(0).unwrap();
    assert!(from_clip(&clip, &layout, &open, SEED).is_err());
    assert!(
        from_clip(&clip, &Layout::sbu15(), &rich(), SEED)
            .unwrap_err()
            .to_string()
            .contains("25 joints")
    );
    // A set may hold one side alone: what trains and what tests says so itself.
    let split = Protocol::Split.split(prepared.manifest(), 0.0, SEED);
    assert!(split.unwrap().test.is_empty());
}
