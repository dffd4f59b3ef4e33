//! The same seed gives the same batches: with any number of threads, entered anywhere, left at any time.

use crate::clips;
use crate::settings;
use std::collections::BTreeMap;
use std::sync::Arc;

use sinew::loader::{Batch, Loader, Protocol, from_clip};
use sinew::rng::Rng;
use sinew::settings::{Actors, Augment, Centre, Data, People, Preset, Sampling, Turn};
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
        test_turn: 0.0,
        test_swap: false,
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
fn a_row_is_the_same_in_any_company() {
    let folder = tempfile::tempdir().unwrap();
    let prepared = data(folder.path(), &Layout::ntu25(), true);
    let rows = |clips: &[usize], batch: usize| {
        let how = (batch, SEED, 2);
        let some = clips::everything();
        let loader = Loader::train(Arc::clone(&prepared), clips, &rich(), &some, how).unwrap();
        let size: usize = loader.shape().iter().product();
        let mut rows: BTreeMap<usize, Vec<Vec<f32>>> = BTreeMap::new();
        for batch in epoch(&loader, 3, 0) {
            for (clip, x) in batch.clips.iter().zip(batch.x.chunks_exact(size)) {
                rows.entry(*clip).or_default().push(x.to_vec());
            }
        }
        // A clip's people come in the epoch's order.
        rows.values_mut()
            .for_each(|people| people.sort_by(|a, b| a.partial_cmp(b).unwrap()));
        rows
    };
    let all = rows(&all(&prepared), 8);
    for (clips, batch) in [(&[3, 7, 21][..], 8), (&[21, 7, 3], 1), (&[7], 100)] {
        for (clip, found) in rows(clips, batch) {
            assert!(
                found == all[&clip],
                "clip {clip} among {clips:?} by {batch}"
            );
        }
    }
}

#[test]
fn people_of_a_clip_are_changed_apart_and_tested_alike() {
    let layout = Layout::ntu25();
    let mut rng = Rng::new(8, &[]);
    let mut twins = clips::clip("twins", 0, 1, 40, &layout, false, &mut rng);
    twins.bodies = 2;
    twins.data.extend_from_within(..);
    let folder = tempfile::tempdir().unwrap();
    let one = vec![(twins, About::default())];
    let prepared = clips::prepared(folder.path(), "clips", &layout, one);
    let data = Data {
        sampling: Sampling::Segments,
        test_clips: 3,
        ..clips::plain(16)
    };
    let how = (6, SEED, 1);
    let some = clips::everything();
    let train = Loader::train(Arc::clone(&prepared), &[0], &data, &some, how).unwrap();
    let batch = epoch(&train, 0, 0).remove(0);
    let (first, second) = batch.x.split_at(batch.x.len() / 2);
    assert!(batch.len() == 2 && first != second);
    // A draw of testing takes the same moments of both; the draws differ.
    let eval = Loader::eval(prepared, &[0], &data, how).unwrap();
    let batch = epoch(&eval, 0, 0).remove(0);
    let rows: Vec<&[f32]> = batch.x.chunks_exact(batch.x.len() / 6).collect();
    assert!(rows[..3] == rows[3..] && rows[0] != rows[1] && rows[1] != rows[2]);
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
fn open_settings_follow_from_the_clips() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::ntu25();
    let mut rng = Rng::new(4, &[]);
    let open = ["data.frames=auto", "data.people=auto"];
    let mut made = |frames: &[usize], bodies: usize| {
        let clips = frames.iter().map(|&n| {
            (
                clips::clip(&n.to_string(), 0, bodies, n, &layout, false, &mut rng),
                About::default(),
            )
        });
        let all: Vec<usize> = (0..frames.len()).collect();
        let out = tempfile::tempdir().unwrap();
        let prepared = clips::prepared(out.path(), "clips", &layout, clips.collect());
        let written = settings::written(Preset::Reference, &open);
        let data = settings::resolved_for_clips(&written, &prepared, &all)
            .unwrap()
            .data;
        (data.frames, data.people)
    };
    assert_eq!(made(&[30, 10, 24, 80], 2), (24, People::Concatenate));
    assert_eq!(made(&[300], 1), (100, People::Average));
    assert_eq!(made(&[1], 1), (4, People::Average));
    let prepared = data(folder.path(), &layout, false);
    let clip = prepared.clip(0).unwrap();
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
