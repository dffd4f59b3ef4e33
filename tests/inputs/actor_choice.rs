//! Actors are chosen from tracks by the published rule, and by the superseded re-implementation's.

use sinew::settings::Actors;
use sinew::skeleton::Clip;
use sinew::skeleton::actors::{all, choose};

/// A track: the frames it is present in, how far it moves, and whether it is wider than it is high.
#[derive(Clone)]
struct Track {
    frames: Vec<usize>,
    motion: f32,
    wide: bool,
}

fn track(frames: std::ops::Range<usize>, motion: f32) -> Track {
    Track {
        frames: frames.collect(),
        motion,
        wide: false,
    }
}

/// Bodies of three joints: one at the side, one above. The body's number is the z of its first joint.
fn clip(frames: usize, tracks: &[Track]) -> Clip {
    let mut data = vec![f32::NAN; tracks.len() * frames * 9];
    for (body, track) in tracks.iter().enumerate() {
        for &frame in &track.frames {
            let x = if frame % 2 == 0 {
                track.motion
            } else {
                -track.motion
            };
            let side = if track.wide { 2.0 } else { 0.5 };
            let joints = [
                x,
                0.0,
                body as f32,
                x + side,
                0.0,
                body as f32,
                x,
                1.0,
                body as f32,
            ];
            data[(body * frames + frame) * 9..][..9].copy_from_slice(&joints);
        }
    }
    Clip {
        name: "made".into(),
        label: 0,
        bodies: tracks.len(),
        frames,
        joints: 3,
        data,
    }
}

/// For each actor, the body that it is in every frame.
fn bodies(clip: &Clip, rule: Actors) -> Vec<Vec<Option<usize>>> {
    let body = |frame: &[f32]| (!frame[2].is_nan()).then_some(frame[2] as usize);
    choose(clip, rule)
        .iter()
        .map(|actor| actor.data.chunks_exact(9).map(body).collect())
        .collect()
}

fn published(frames: usize, tracks: &[Track]) -> Vec<Vec<Option<usize>>> {
    bodies(&clip(frames, tracks), Actors::Published)
}

/// The bodies of an actor in order of time.
fn order(actor: &[Option<usize>]) -> Vec<usize> {
    let mut bodies: Vec<usize> = actor.iter().flatten().copied().collect();
    bodies.dedup();
    bodies
}

#[test]
fn one_body_is_taken_as_it_is() {
    let found = published(
        8,
        &[Track {
            wide: true,
            ..track(2..5, 0.0)
        }],
    );
    assert_eq!(
        found,
        [[None, None, Some(0), Some(0), Some(0), None, None, None]]
    );
}

#[test]
fn short_tracks_are_noise() {
    let found = published(
        40,
        &[track(0..11, 9.0), track(0..12, 1.0), track(12..40, 2.0)],
    );
    assert_eq!(found.len(), 1);
    assert_eq!(order(&found[0]), [1, 2]);
    // The longest stays where all are short, alone.
    let found = published(20, &[track(0..4, 9.0), track(5..14, 1.0), track(2..8, 5.0)]);
    assert_eq!(
        found.iter().map(|actor| order(actor)).collect::<Vec<_>>(),
        [[1]]
    );
}

#[test]
fn wide_tracks_are_noise_but_never_the_last() {
    let wide = |motion| Track {
        wide: true,
        ..track(0..30, motion)
    };
    let found = published(30, &[wide(9.0), track(0..30, 1.0)]);
    assert_eq!(
        found.iter().map(|actor| order(actor)).collect::<Vec<_>>(),
        [[1]]
    );
    let found = published(30, &[wide(9.0), wide(1.0)]);
    assert_eq!(
        found.iter().map(|actor| order(actor)).collect::<Vec<_>>(),
        [[1]]
    );
    // Dropped at a share of 0.69754 and kept below it: 698 and 697 of 1000 frames.
    for (noisy, actors) in [(698, 1), (697, 2)] {
        let mut mixed = clip(
            1000,
            &[
                track(0..1000, 1.0),
                Track {
                    wide: true,
                    ..track(0..1000, 1.0)
                },
            ],
        );
        for frame in noisy..1000 {
            // The second joint moves in, so that the frame is high rather than wide.
            mixed.data[(1000 + frame) * 9 + 3] -= 1.5;
        }
        assert_eq!(
            bodies(&mixed, Actors::Published).len(),
            actors,
            "{noisy} noisy frames"
        );
    }
}

#[test]
fn a_frame_is_wide_beyond_four_fifths_of_its_height() {
    // Wider than high by the rule: the second joint stands aside by this much, the third above by 1.
    let actors = |side: f32| {
        let mut made = clip(30, &[track(0..30, 1.0), track(0..30, 1.0)]);
        for frame in 30..60 {
            made.data[frame * 9] = 0.0;
            made.data[frame * 9 + 3] = side;
            made.data[frame * 9 + 6] = 0.0;
        }
        bodies(&made, Actors::Published).len()
    };
    // 0.8 itself lies between two of f32's numbers.
    assert_eq!([0.5, 0.799_999, 0.800_001, 0.9].map(actors), [2, 2, 1, 1]);
    // At half the height the bound is half as far.
    let flat = |side: f32| {
        let mut made = clip(30, &[track(0..30, 1.0), track(0..30, 0.0)]);
        for frame in 30..60 {
            made.data[frame * 9 + 3] = side;
            made.data[frame * 9 + 7] = 0.5;
        }
        bodies(&made, Actors::Published).len()
    };
    assert_eq!([0.25, 0.375, 0.5].map(flat), [2, 2, 1]);
}

#[test]
fn motion_is_the_variance_along_every_axis() {
    // The first body moves by 2 along x; the second by 3 along one axis.
    for axis in 0..3 {
        let mut made = clip(20, &[track(0..20, 2.0), track(0..20, 0.0)]);
        for frame in (20..40).step_by(2) {
            (0..3).for_each(|joint| made.data[frame * 9 + joint * 3 + axis] += 6.0);
        }
        let first = &choose(&made, Actors::Published)[0];
        assert_eq!(first.data, made.body(1), "axis {axis}");
    }
}

#[test]
fn more_motion_comes_first() {
    let found = published(
        20,
        &[track(0..20, 1.0), track(0..20, 3.0), track(0..20, 2.0)],
    );
    assert_eq!(
        found.iter().map(|actor| order(actor)).collect::<Vec<_>>(),
        [[1], [2]]
    );
    let tie = published(20, &[track(0..20, 1.0), track(0..20, 1.0)]);
    assert_eq!(
        tie.iter().map(|actor| order(actor)).collect::<Vec<_>>(),
        [[0], [1]]
    );
}

#[test]
fn motion_counts_no_more_than_in_valid_frames() {
    // Nearly all of the first body's motion is in its few wide frames.
    let mut made = clip(40, &[track(0..40, 0.1), track(0..40, 1.0)]);
    for frame in 0..10 {
        made.data[frame * 9 + 3] = 50.0;
    }
    assert_eq!(bodies(&made, Actors::Published)[0][0], Some(1));
}

#[test]
fn tracks_that_do_not_overlap_become_one_actor() {
    let tracks = [
        track(0..20, 5.0),
        track(22..50, 4.0),
        track(10..30, 3.0),
        track(5..45, 2.0),
        track(35..50, 1.0),
    ];
    let found = published(50, &tracks);
    // The fourth overlaps both actors and is left out; the last follows the third.
    assert_eq!(
        found.iter().map(|actor| order(actor)).collect::<Vec<_>>(),
        [vec![0, 1], vec![2, 4]]
    );
    assert_eq!(
        (found[0][20], found[0][21], found[0][22]),
        (None, None, Some(1))
    );
    assert_eq!((found[1][9], found[1][10]), (None, Some(2)));
    // One shared frame is no overlap, two are; in the shared one the later track stands.
    let met = published(40, &[track(0..20, 5.0), track(19..40, 4.0)]);
    assert_eq!((met.len(), met[0][18], met[0][19]), (1, Some(0), Some(1)));
    let crossed = published(40, &[track(0..20, 5.0), track(18..40, 4.0)]);
    assert_eq!(crossed.len(), 2);
}

#[test]
fn the_reference_keeps_every_body_that_moves() {
    // Still for 20 frames, then to and fro: three joints change by 2 m a frame, which deviates by about 3 m.
    let kept = |motions: [f32; 2]| {
        let mut made = clip(40, &motions.map(|motion| track(0..40, motion)));
        for (at, joint) in made.data.chunks_exact_mut(3).enumerate() {
            if at / 3 % 40 < 20 {
                joint[0] = if at % 3 == 1 { 0.5 } else { 0.0 };
            }
        }
        let body = |actor: &sinew::skeleton::actors::Actor| (actor.data[2] as usize, actor.frames);
        choose(&made, Actors::Reference)
            .iter()
            .map(body)
            .collect::<Vec<_>>()
    };
    assert_eq!(kept([0.05, 0.04]), [(0, 40), (1, 40)]);
    assert_eq!(kept([0.03, 0.04]), [(1, 40)]);
    // None moves enough: the one that moves most.
    assert_eq!(kept([0.02, 0.03]), [(1, 40)]);
    assert_eq!(kept([0.0, 0.0]), [(0, 40)]);
}

#[test]
fn the_reference_looks_at_x_and_y_and_not_at_z() {
    // Still for 20 frames, then its three joints to and fro along one axis.
    let moving = |moves: &[(usize, f32)]| {
        let mut made = clip(40, &vec![track(0..40, 0.0); moves.len()]);
        for (body, (axis, far)) in moves.iter().enumerate() {
            for frame in (20..40).step_by(2) {
                let start = (body * 40 + frame) * 9;
                (0..3).for_each(|joint| made.data[start + joint * 3 + axis] += far);
            }
        }
        let actors = choose(&made, Actors::Reference);
        let body = |actor: &sinew::skeleton::actors::Actor| {
            (0..moves.len()).find(|body| actor.data == made.body(*body))
        };
        actors.iter().filter_map(body).collect::<Vec<_>>()
    };
    assert_eq!(moving(&[(0, 1.0), (1, 1.0), (2, 1.0)]), [0, 1]);
    assert_eq!(moving(&[(2, 1.0), (1, 1.0), (1, 2.0)]), [1, 2]);
    // None moves enough: the largest sum of both deviations stays.
    assert_eq!(moving(&[(0, 0.01), (1, 0.02), (2, 1.0)]), [1]);
}

#[test]
fn the_reference_joins_the_frames_of_a_body() {
    let gaps = Track {
        frames: vec![1, 2, 5, 9],
        motion: 0.0,
        wide: false,
    };
    let found = choose(&clip(12, &[gaps]), Actors::Reference);
    assert_eq!(
        (found.len(), found[0].frames, found[0].data.len()),
        (1, 4, 36)
    );
    assert!(found[0].data.iter().all(|x| !x.is_nan()));
}

#[test]
fn all_bodies_can_be_taken_as_they_are() {
    // Ten frames of two people: the published rule takes both for noise and keeps one.
    let short = clip(10, &[track(0..10, 1.0), track(0..10, 2.0)]);
    assert_eq!(choose(&short, Actors::Published).len(), 1);
    let people = all(&short);
    assert_eq!((people.len(), people[0].frames), (2, 10));
    assert_eq!(
        (people[0].data.as_slice(), people[1].data.as_slice()),
        (short.body(0), short.body(1))
    );
}
