//! The numbers of an input are the clip's: positions, bones that add up along the body, motions that add up over time.

use crate::clips;
use crate::settings;
use sinew::loader::{Batch, from_clip};
use sinew::rng::Rng;
use sinew::settings::{Actors, Auto, Data, People, Preset, ResolvedSettings, Sampling};
use sinew::skeleton::{About, Clip, Layout};

const SEED: u64 = 5;

/// All that an input can have, of every frame.
fn all(clip: &Clip, people: People) -> Data {
    Data {
        people,
        actors: Actors::All,
        bones: true,
        motion: true,
        ..clips::plain(clip.frames)
    }
}

/// A channel of a batch's first row.
fn at(batch: &Batch, frame: usize, joint: usize, channel: usize) -> f32 {
    batch.x[(frame * batch.joints + joint) * batch.channels + channel]
}

fn layouts() -> [Layout; 2] {
    // Of the built-in layouts whose axes share a unit.
    [Layout::ntu25(), Layout::kinect20()]
}

#[test]
fn channels_are_where_they_are_said_to_be() {
    let layout = Layout::ntu25();
    for second in [false, true] {
        let bodies = 1 + usize::from(second);
        let clip = clips::clip("a", 0, bodies, 20, &layout, false, &mut Rng::new(1, &[]));
        let length = clip.frames;
        let data = Data {
            actors: Actors::Published,
            ..all(&clip, People::Concatenate)
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
fn bones_add_up_along_the_body() {
    for layout in layouts() {
        let clip = clips::clip("a", 0, 1, 9, &layout, false, &mut Rng::new(2, &[]));
        let batch = from_clip(&clip, &layout, &all(&clip, People::Average), SEED).unwrap();
        let parents = layout.parents();
        for frame in 0..clip.frames {
            for tip in 0..layout.len() {
                let mut sum = [0.0; 3];
                let mut joint = tip;
                while let Some(parent) = parents[joint] {
                    (0..3).for_each(|axis| sum[axis] += at(&batch, frame, joint, 3 + axis));
                    joint = parent;
                }
                for (axis, sum) in sum.into_iter().enumerate() {
                    let ends = at(&batch, frame, tip, axis) - at(&batch, frame, joint, axis);
                    assert!((sum - ends).abs() < 1e-5, "joint {tip} of {}", layout.name);
                }
            }
        }
    }
}

#[test]
fn motions_add_up_over_time() {
    for layout in layouts() {
        let clip = clips::clip("a", 0, 1, 30, &layout, false, &mut Rng::new(3, &[]));
        // Of frames that are skipped or repeated too.
        for steps in [30, 7, 64] {
            let data = Data {
                frames: steps,
                ..all(&clip, People::Average)
            };
            let batch = from_clip(&clip, &layout, &data, SEED).unwrap();
            for joint in 0..layout.len() {
                for axis in 0..3 {
                    let sum: f32 = (0..steps).map(|f| at(&batch, f, joint, 6 + axis)).sum();
                    let ends = at(&batch, steps - 1, joint, axis) - at(&batch, 0, joint, axis);
                    assert!((sum - ends).abs() < 1e-5);
                }
            }
        }
    }
}

#[test]
fn what_lacks_an_end_or_a_step_is_zero() {
    let layout = Layout::ntu25();
    let mut clip = clips::clip("a", 0, 1, 9, &layout, false, &mut Rng::new(4, &[]));
    // The elbow is missing in frame 4: its bone, the wrist's bone, and its motion there and after.
    let (shoulder, elbow, wrist) = (4, 5, 6);
    clip.data[(4 * 25 + elbow) * 3 + 1] = f32::NAN;
    let batch = from_clip(&clip, &layout, &all(&clip, People::Average), SEED).unwrap();
    let of = |frame: usize, joint: usize| -> [bool; 3] {
        std::array::from_fn(|kind| {
            (0..3).all(|axis| at(&batch, frame, joint, 3 * kind + axis) == 0.0)
        })
    };
    // Position, bone, motion.
    assert_eq!(of(4, elbow), [true, true, true]);
    assert_eq!(of(5, elbow), [false, false, true]);
    assert_eq!(of(6, elbow), [false, false, false]);
    assert_eq!(of(4, wrist), [false, true, false]);
    assert_eq!(of(4, shoulder), [false, false, false]);
}

#[test]
fn factors_multiply_joints_bones_and_motions() {
    let layout = Layout::ntu25();
    let clip = clips::clip("a", 0, 2, 12, &layout, true, &mut Rng::new(5, &[]));
    for people in [People::Average, People::Concatenate] {
        let plain = all(&clip, people);
        let scaled = Data {
            scale: [2.0, 0.5, 8.0],
            ..plain.clone()
        };
        let [one, other] = [plain, scaled].map(|d| from_clip(&clip, &layout, &d, SEED).unwrap());
        let each = one.channels / 3;
        for (index, (a, b)) in one.x.iter().zip(&other.x).enumerate() {
            let kind = index % one.channels / each;
            assert_eq!(a * [2.0, 0.5, 8.0][kind], *b);
        }
    }
}

#[test]
fn factors_that_are_filled_in_make_every_kind_of_size_one() {
    let layout = Layout::ntu25();
    let mut rng = Rng::new(6, &[]);
    let made: Vec<_> = (0..9)
        .map(|i| {
            (
                clips::clip(&i.to_string(), 0, 1, 20, &layout, true, &mut rng),
                About::default(),
            )
        })
        .collect();
    let all_of_them: Vec<Clip> = made.iter().map(|(clip, _)| clip.clone()).collect();
    let folder = tempfile::tempdir().unwrap();
    let prepared = clips::prepared(folder.path(), "clips", &layout, made);
    let data = all(&all_of_them[0], People::Average);
    let run = settings::resolved(Preset::Reference, &[]);
    let mut written = ResolvedSettings { data, ..run }.written().unwrap();
    written.data.scale = [Auto::Auto, 3.0.into(), Auto::Auto];
    let resolved = settings::resolved_for_clips(&written, &prepared, &[0, 1, 2, 3, 4, 5, 6, 7, 8]);
    let data = resolved.unwrap().data;
    assert_eq!(data.scale[1], 3.0, "one that is named stays");
    let (mut squares, mut counts) = ([0.0; 3], [0.0; 3]);
    for clip in &all_of_them {
        let batch = from_clip(clip, &layout, &data, SEED).unwrap();
        for (index, x) in batch.x.iter().enumerate().filter(|(_, x)| **x != 0.0) {
            squares[index % 9 / 3] += f64::from(*x).powi(2);
            counts[index % 9 / 3] += 1.0;
        }
    }
    for kind in [0, 2] {
        let size: f64 = squares[kind] / counts[kind];
        assert!((size - 1.0).abs() < 1e-3, "{size}");
    }
}

#[test]
fn axes_of_other_units_are_made_alike() {
    // SBU's x, y and z are shares of 2560, 1920 and 1280.
    let layout = Layout::sbu15();
    let clip = clips::clip("a", 0, 1, 6, &layout, false, &mut Rng::new(7, &[]));
    let data = Data {
        sampling: Sampling::First,
        actors: Actors::All,
        ..clips::plain(6)
    };
    let batch = from_clip(&clip, &layout, &data, SEED).unwrap();
    for (found, given) in batch.x.chunks_exact(3).zip(clip.data.chunks_exact(3)) {
        for (axis, share) in [1.0, 0.75, 0.5].into_iter().enumerate() {
            assert!((found[axis] - given[axis] * share).abs() < 1e-6);
        }
    }
}
