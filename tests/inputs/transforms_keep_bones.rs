//! Centring and turning move bodies without bending them, and put them where they are said to be.

use crate::clips;
use sinew::loader::{Sequence, people, transforms};
use sinew::rng::Rng;
use sinew::settings::{Centre, People, Turn};
use sinew::skeleton::{Axis, Layout};

fn layouts() -> [Layout; 3] {
    [Layout::ntu25(), Layout::kinect20(), Layout::sbu15()]
}

/// One sequence with gaps; of two people where `people` is 2.
fn sequence(layout: &Layout, count: usize, gaps: bool, seed: u64) -> Sequence {
    let clip = clips::clip("a", 0, count, 40, layout, gaps, &mut Rng::new(seed, &[]));
    let mut data = clips::plain(40);
    data.people = if count == 2 {
        People::Concatenate
    } else {
        People::Average
    };
    people::sequences(&clip, &data).remove(0)
}

fn distance(a: [f32; 3], b: [f32; 3]) -> f32 {
    (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f32>().sqrt()
}

/// Every pair of present joints of a frame, of any people.
fn distances(sequence: &Sequence, frame: usize) -> Vec<f32> {
    let all: Vec<Option<[f32; 3]>> = (0..sequence.people)
        .flat_map(|p| (0..sequence.joints).map(move |j| (p, j)))
        .map(|(p, j)| sequence.joint(p, frame, j))
        .collect();
    let mut distances = Vec::new();
    for (i, a) in all.iter().enumerate() {
        for b in &all[..i] {
            distances.extend(a.zip(*b).map(|(a, b)| distance(a, b)));
        }
    }
    distances
}

fn assert_rigid(before: &Sequence, after: &Sequence) {
    for frame in 0..before.frames {
        let (a, b) = (distances(before, frame), distances(after, frame));
        assert_eq!(
            a.len(),
            b.len(),
            "nothing appears or vanishes in frame {frame}"
        );
        for (a, b) in a.iter().zip(&b) {
            assert!((a - b).abs() < 1e-4, "frame {frame}: {a} became {b}");
        }
    }
}

/// Equal to within a distance, where absent is equal to absent.
fn assert_close(a: &Sequence, b: &Sequence, far: f32) {
    let near = |(a, b): (&f32, &f32)| (a - b).abs() <= far || (a.is_nan() && b.is_nan());
    assert!(a.data.iter().zip(&b.data).all(near));
}

#[test]
fn centring_and_turning_are_rigid() {
    for layout in layouts() {
        for count in [1, 2] {
            let before = sequence(&layout, count, true, 5);
            assert!(
                before.data.iter().any(|x| x.is_nan()),
                "the sequence has gaps"
            );
            for centre in [Centre::None, Centre::Frame, Centre::FirstFrame] {
                for turn in [Turn::None, Turn::Frame, Turn::FirstFrame] {
                    let mut after = before.clone();
                    transforms::centre(&mut after, &layout, centre).unwrap();
                    transforms::turn(&mut after, &layout, turn);
                    assert_rigid(&before, &after);
                }
            }
        }
    }
}

#[test]
fn centring_puts_the_centre_joint_at_the_origin() {
    for layout in layouts() {
        let before = sequence(&layout, 1, true, 6);
        let (mut each, mut whole) = (before.clone(), before.clone());
        transforms::centre(&mut each, &layout, Centre::Frame).unwrap();
        transforms::centre(&mut whole, &layout, Centre::FirstFrame).unwrap();
        let centres: Vec<_> = (0..each.frames)
            .filter_map(|f| each.joint(0, f, layout.centre))
            .collect();
        assert!(centres.len() > 20);
        assert!(centres.iter().all(|c| *c == [0.0; 3]), "{}", layout.name);
        let first = (0..whole.frames)
            .find(|f| whole.joint(0, *f, layout.centre).is_some())
            .unwrap();
        assert_eq!(whole.joint(0, first, layout.centre), Some([0.0; 3]));
        // All frames move alike.
        let shift = |f: usize, j: usize| {
            let (a, b) = (before.joint(0, f, j)?, whole.joint(0, f, j)?);
            Some([a[0] - b[0], a[1] - b[1], a[2] - b[2]])
        };
        let shifts: Vec<_> = (0..before.frames)
            .flat_map(|f| (0..before.joints).filter_map(move |j| shift(f, j)))
            .collect();
        assert!(shifts.iter().all(|s| distance(*s, shifts[0]) < 1e-5));
    }
}

#[test]
fn two_people_share_an_origin() {
    let layout = Layout::ntu25();
    let mut both = sequence(&layout, 2, false, 7);
    let apart = distance(both.joint(0, 0, 1).unwrap(), both.joint(1, 0, 1).unwrap());
    transforms::centre(&mut both, &layout, Centre::Frame).unwrap();
    assert_eq!(both.joint(0, 0, 1), Some([0.0; 3]));
    assert!((distance(both.joint(1, 0, 1).unwrap(), [0.0; 3]) - apart).abs() < 1e-5);
    assert!(apart > 0.3);
}

#[test]
fn turning_lays_shoulders_along_x_and_the_spine_along_y() {
    for layout in layouts() {
        let mut turned = sequence(&layout, 1, false, 8);
        transforms::turn(&mut turned, &layout, Turn::Frame);
        for frame in 0..turned.frames {
            let joint = |j| turned.joint(0, frame, j).unwrap();
            let [low, high] = layout.spine.map(joint);
            assert!(
                (high[0] - low[0]).abs() < 1e-5
                    && (high[2] - low[2]).abs() < 1e-5
                    && high[1] > low[1]
            );
            let (left, right) = (joint(layout.left_shoulder), joint(layout.right_shoulder));
            assert!(
                right[0] > left[0] && (right[2] - left[2]).abs() < 1e-5,
                "{} {left:?} {right:?}",
                layout.name
            );
        }
        let mut once = sequence(&layout, 1, false, 8);
        transforms::turn(&mut once, &layout, Turn::FirstFrame);
        assert_eq!(
            once.frame(0, 0),
            turned.frame(0, 0),
            "the first frame is turned by itself"
        );
        assert_ne!(
            once.frame(0, 9),
            turned.frame(0, 9),
            "the others by the first"
        );
    }
}

#[test]
fn a_body_without_a_direction_is_left_as_it_is() {
    let layout = Layout::ntu25();
    let mut zero = sequence(&layout, 1, false, 9);
    zero.data.fill(0.5);
    let before = zero.clone();
    transforms::turn(&mut zero, &layout, Turn::Frame);
    assert_eq!(zero, before);
    let mut absent = Sequence::absent(2, 10, 25);
    transforms::centre(&mut absent, &layout, Centre::FirstFrame).unwrap();
    transforms::turn(&mut absent, &layout, Turn::FirstFrame);
    assert!(absent.data.iter().all(|x| x.is_nan()));
}

#[test]
fn doing_it_twice_is_doing_it_once() {
    for layout in layouts() {
        for count in [1, 2] {
            for (centre, turn) in [
                (Centre::Frame, Turn::Frame),
                (Centre::FirstFrame, Turn::FirstFrame),
                (Centre::FirstFrame, Turn::Frame),
            ] {
                let mut once = sequence(&layout, count, true, 14);
                transforms::centre(&mut once, &layout, centre).unwrap();
                let mut twice = once.clone();
                transforms::centre(&mut twice, &layout, centre).unwrap();
                assert_close(&once, &twice, 0.0);
                if count == 2 && layout.up != Axis::PlusY {
                    // Turned, up is along y, and the layout still says where it was.
                    continue;
                }
                transforms::turn(&mut once, &layout, turn);
                let mut twice = once.clone();
                transforms::turn(&mut twice, &layout, turn);
                assert_close(&once, &twice, 1e-4);
            }
        }
    }
}

#[test]
fn a_frame_that_lacks_its_joints_goes_with_the_frame_before() {
    let layout = Layout::ntu25();
    let whole = sequence(&layout, 1, false, 15);
    let mut lacking = whole.clone();
    // The centre joint and a shoulder are lost in frame 5, and in the first two.
    for frame in [0, 1, 5] {
        for joint in [layout.centre, layout.left_shoulder] {
            let at = (frame * 25 + joint) * 3;
            lacking.data[at..at + 3].fill(f32::NAN);
        }
    }
    let shift = |before: &Sequence, after: &Sequence, frame: usize| -> [f32; 3] {
        let [a, b] = [before, after].map(|s| s.joint(0, frame, 10).unwrap());
        std::array::from_fn(|axis| a[axis] - b[axis])
    };
    let mut centred = lacking.clone();
    transforms::centre(&mut centred, &layout, Centre::Frame).unwrap();
    for (frame, like) in [(0, 2), (1, 2), (2, 2), (4, 4), (5, 4), (6, 6)] {
        let expected = whole.joint(0, like, layout.centre).unwrap();
        let found = shift(&lacking, &centred, frame);
        assert!(
            distance(found, expected) < 1e-5,
            "frame {frame} goes with {like}"
        );
    }
    // A turn keeps a joint's length; that of a frame is told by where it takes one direction.
    let mut marked = lacking.clone();
    for frame in 0..marked.frames {
        let at = (frame * 25 + 10) * 3;
        marked.data[at..at + 3].copy_from_slice(&[1.0, 2.0, 3.0]);
    }
    transforms::turn(&mut marked, &layout, Turn::Frame);
    let to = |frame| marked.joint(0, frame, 10).unwrap();
    assert_eq!((to(0), to(1), to(5)), (to(2), to(2), to(4)));
    assert!(to(4) != to(6) && to(2) != to(3));
}

#[test]
fn two_people_turn_about_the_vertical_onto_one_line() {
    for layout in layouts() {
        let before = sequence(&layout, 2, false, 16);
        let mut turned = before.clone();
        transforms::turn(&mut turned, &layout, Turn::Frame);
        let up = layout.up.vector();
        let height = |point: [f32; 3]| (0..3).map(|axis| point[axis] * up[axis]).sum::<f32>();
        for frame in 0..turned.frames {
            let [a, b] = [0, 1].map(|p| turned.joint(p, frame, layout.centre).unwrap());
            assert!(
                (a[2] - b[2]).abs() < 1e-5 && b[0] > a[0],
                "{} {a:?} {b:?}",
                layout.name
            );
            for person in 0..2 {
                for joint in 0..layout.len() {
                    // What was up is along y, and no longer or shorter.
                    let [was, is] =
                        [&before, &turned].map(|s| s.joint(person, frame, joint).unwrap());
                    assert!((height(was) - is[1]).abs() < 1e-5);
                }
            }
        }
    }
    // One whose partner never comes turns by the own body.
    let layout = Layout::ntu25();
    let mut alone = sequence(&layout, 2, false, 17);
    let half = alone.data.len() / 2;
    alone.data[half..].fill(f32::NAN);
    let mut single = Sequence::absent(1, alone.frames, 25);
    single.data.copy_from_slice(&alone.data[..half]);
    for sequence in [&mut alone, &mut single] {
        transforms::turn(sequence, &layout, Turn::FirstFrame);
    }
    assert_eq!(alone.data[..half], single.data);
}
