//! Centring and turning move bodies without bending them; rotations keep lengths; mirrors and swaps undo themselves.

#[path = "common/clips.rs"]
#[allow(dead_code)]
mod clips;

use sinew::loader::augment::{Change, mirror, rotation, swap};
use sinew::loader::{Sequence, people, transforms};
use sinew::recipe::{Augment, Centre, People, Turn};
use sinew::rng::Rng;
use sinew::skeleton::Layout;

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
fn rotations_keep_lengths_and_handedness() {
    let mut rng = Rng::new(10, &[]);
    for _ in 0..100 {
        let m = rotation(std::array::from_fn(|_| rng.range(-3.0, 3.0)));
        for i in 0..3 {
            for j in 0..3 {
                let dot: f32 = (0..3).map(|k| m[i][k] * m[j][k]).sum();
                assert!((dot - f32::from(u8::from(i == j))).abs() < 1e-5);
            }
        }
        let minor = |a: usize, b: usize| m[1][a] * m[2][b] - m[1][b] * m[2][a];
        let determinant = m[0][0] * minor(1, 2) - m[0][1] * minor(0, 2) + m[0][2] * minor(0, 1);
        assert!((determinant - 1.0).abs() < 1e-5);
    }
    let layout = Layout::ntu25();
    let turning = Augment {
        rotation: [0.5; 3],
        scale: 0.0,
        shear: 0.0,
        noise: 0.0,
        mirror: false,
        swap: false,
        probability: 1.0,
    };
    let before = sequence(&layout, 2, true, 11);
    let mut after = before.clone();
    let change = Change::draw(&turning, &mut rng).unwrap();
    change.apply(&mut after, &layout, &mut rng);
    assert_rigid(&before, &after);
    assert_ne!(before.frame(0, 0), after.frame(0, 0));
}

#[test]
fn rotation_turns_about_x_then_y_then_z() {
    let quarter = std::f32::consts::FRAC_PI_2;
    let close = |m: [[f32; 3]; 3], v: [f32; 3], to: [f32; 3]| {
        let turned: [f32; 3] = std::array::from_fn(|i| (0..3).map(|k| m[i][k] * v[k]).sum());
        assert!(distance(turned, to) < 1e-6, "{turned:?} is not {to:?}");
    };
    close(
        rotation([quarter, 0.0, 0.0]),
        [0.0, 1.0, 0.0],
        [0.0, 0.0, 1.0],
    );
    close(
        rotation([0.0, quarter, 0.0]),
        [0.0, 0.0, 1.0],
        [1.0, 0.0, 0.0],
    );
    close(
        rotation([0.0, 0.0, quarter]),
        [1.0, 0.0, 0.0],
        [0.0, 1.0, 0.0],
    );
    // y goes to z by x, and z goes to x by y.
    close(
        rotation([quarter, quarter, 0.0]),
        [0.0, 1.0, 0.0],
        [1.0, 0.0, 0.0],
    );
}

/// Equal, where absent is equal to absent.
fn assert_same(a: &Sequence, b: &Sequence) {
    assert!(
        a.data
            .iter()
            .zip(&b.data)
            .all(|(a, b)| a == b || (a.is_nan() && b.is_nan()))
    );
}

#[test]
fn mirrored_or_swapped_twice_is_nothing() {
    for layout in layouts() {
        let before = sequence(&layout, 2, true, 12);
        let mut after = before.clone();
        mirror(&mut after, &layout);
        let (left, right) = (layout.left_shoulder, layout.right_shoulder);
        let [x, y, z] = before.joint(0, 0, left).unwrap();
        assert_eq!(
            after.joint(0, 0, right),
            Some([-x, y, z]),
            "{}",
            layout.name
        );
        mirror(&mut after, &layout);
        assert_same(&before, &after);
        swap(&mut after);
        assert_eq!(after.joint(0, 0, left), before.joint(1, 0, left));
        swap(&mut after);
        assert_same(&before, &after);
    }
}

#[test]
fn changes_stay_within_their_bounds_and_their_share() {
    let settings = Augment {
        noise: 0.0,
        probability: 0.3,
        rotation: [0.0; 3],
        shear: 0.0,
        ..clips::everything()
    };
    let mut rng = Rng::new(13, &[]);
    let drawn: Vec<_> = (0..10_000)
        .map(|_| Change::draw(&settings, &mut rng))
        .collect();
    let share = drawn.iter().flatten().count() as f64 / 10_000.0;
    assert!((share - 0.3).abs() < 0.02, "{share}");
    for change in drawn.iter().flatten() {
        assert!((0..3).all(|i| (change.matrix[i][i] - 1.0).abs() <= 0.1 + 1e-6));
    }
    let mirrored = drawn.iter().flatten().filter(|c| c.mirror).count() as f64 / (10_000.0 * share);
    assert!((mirrored - 0.5).abs() < 0.05, "{mirrored}");
    let shear = Augment {
        shear: 0.2,
        scale: 0.0,
        ..settings.clone()
    };
    let change = (0..100)
        .find_map(|_| Change::draw(&shear, &mut rng))
        .unwrap();
    for i in 0..3 {
        for j in 0..3 {
            let m = change.matrix[i][j];
            assert!(
                if i == j {
                    m == 1.0
                } else {
                    m != 0.0 && m.abs() <= 0.2
                },
                "{m}"
            );
        }
    }
    let never = Augment {
        probability: 0.0,
        ..clips::everything()
    };
    assert!((0..100).all(|_| Change::draw(&never, &mut rng).is_none()));
}
