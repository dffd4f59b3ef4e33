//! Random changes do what their settings say and no more: rotation, scale, shear, mirror, swap and noise.

use crate::clips;
use sinew::loader::augment::{
    Change, crop, mirror, noise, rotation, scaling, shearing, swap, test_copy,
};
use sinew::loader::{Sequence, people};
use sinew::rng::Rng;
use sinew::settings::{Augment, Data, People};
use sinew::skeleton::Layout;

type Matrix = [[f32; 3]; 3];

fn layouts() -> [Layout; 3] {
    [Layout::ntu25(), Layout::kinect20(), Layout::sbu15()]
}

/// Two people with gaps.
fn sequence(layout: &Layout, seed: u64) -> Sequence {
    let clip = clips::clip("a", 0, 2, 40, layout, true, &mut Rng::new(seed, &[]));
    let mut data = clips::plain(40);
    data.people = People::Concatenate;
    people::sequences(&clip, &data).remove(0)
}

/// No change at all.
fn none() -> Augment {
    Augment {
        rotation: [0.0; 3],
        scale: 0.0,
        shear: 0.0,
        noise: 0.0,
        mirror: false,
        swap: false,
        crop: 0.0,
        probability: 1.0,
    }
}

fn times(m: Matrix, v: [f32; 3]) -> [f32; 3] {
    std::array::from_fn(|i| (0..3).map(|k| m[i][k] * v[k]).sum())
}

fn distance(a: [f32; 3], b: [f32; 3]) -> f32 {
    (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f32>().sqrt()
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
        ..none()
    };
    let before = sequence(&layout, 11);
    let mut after = before.clone();
    let change = Change::draw(&turning, &mut rng).unwrap();
    change.apply(&mut after, &layout, &mut rng);
    assert_ne!(before.frame(0, 0), after.frame(0, 0));
    // People and joints alike: every distance to the first joint stays.
    for frame in 0..before.frames {
        for (person, joint) in (0..2).flat_map(|p| (0..25).map(move |j| (p, j))) {
            let far = |s: &Sequence| {
                Some(distance(
                    s.joint(0, frame, 0)?,
                    s.joint(person, frame, joint)?,
                ))
            };
            let (a, b) = (far(&before), far(&after));
            assert_eq!(a.is_some(), b.is_some());
            assert!(a.zip(b).is_none_or(|(a, b)| (a - b).abs() < 1e-4));
        }
    }
}

#[test]
fn rotation_turns_about_x_then_y_then_z() {
    let quarter = std::f32::consts::FRAC_PI_2;
    let close = |m: Matrix, v: [f32; 3], to: [f32; 3]| {
        let turned = times(m, v);
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

#[test]
fn scaling_is_linear_and_one_factor_an_axis() {
    let (a, b) = ([1.0, -2.0, 0.5], [0.25, 4.0, -8.0]);
    let m = scaling([2.0, 0.5, -1.0]);
    assert_eq!(times(m, a), [2.0, -1.0, -0.5]);
    let sum = std::array::from_fn(|axis| a[axis] + 4.0 * b[axis]);
    let parts: [f32; 3] = std::array::from_fn(|axis| times(m, a)[axis] + 4.0 * times(m, b)[axis]);
    assert_eq!(times(m, sum), parts);
    assert_eq!(times(scaling([1.0; 3]), a), a);
}

#[test]
fn shearing_keeps_its_diagonal_and_its_order() {
    // Row by row: what y and z give to x, x and z to y, x and y to z.
    let m = shearing([2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
    assert_eq!(times(m, [1.0, 0.0, 0.0]), [1.0, 4.0, 6.0]);
    assert_eq!(times(m, [0.0, 1.0, 0.0]), [2.0, 1.0, 7.0]);
    assert_eq!(times(m, [0.0, 0.0, 1.0]), [3.0, 5.0, 1.0]);
    assert_eq!(times(shearing([0.0; 6]), [1.0, 2.0, 3.0]), [1.0, 2.0, 3.0]);
}

#[test]
fn a_matrix_rotates_then_scales_then_shears() {
    let settings = Augment {
        rotation: [0.7, 0.5, 0.3],
        scale: 0.4,
        shear: 0.2,
        ..none()
    };
    for seed in 0..20 {
        let m = Change::draw(&settings, &mut Rng::new(seed, &[]))
            .unwrap()
            .matrix;
        // The same draws by hand: whether, three angles, three factors, six shears.
        let mut rng = Rng::new(seed, &[]);
        assert!(rng.chance(1.0));
        let angles = [0.7, 0.5, 0.3].map(|a| rng.range(-a, a));
        let factors = [0.4; 3].map(|a| 1.0 + rng.range(-a, a));
        let shears = [0.2; 6].map(|a| rng.range(-a, a));
        let point = [1.0, -0.5, 2.0];
        let expected = times(
            shearing(shears),
            times(scaling(factors), times(rotation(angles), point)),
        );
        assert!(distance(times(m, point), expected) < 1e-5);
    }
}

#[test]
fn noise_has_its_standard_deviation_and_no_drift() {
    let layout = Layout::ntu25();
    for deviation in [0.01, 0.25] {
        let before = sequence(&layout, 18);
        let mut after = before.clone();
        noise(&mut after, deviation, &mut Rng::new(19, &[]));
        let added: Vec<f64> = (before.data.iter().zip(&after.data))
            .filter(|(a, _)| !a.is_nan())
            .map(|(a, b)| f64::from(*b) - f64::from(*a))
            .collect();
        let count = added.len() as f64;
        assert!(count > 4_000.0);
        let (mean, square) = added
            .iter()
            .fold((0.0, 0.0), |(m, s), x| (m + x / count, s + x * x / count));
        assert!(mean.abs() < 0.06 * f64::from(deviation), "{mean}");
        assert!(
            (square.sqrt() / f64::from(deviation) - 1.0).abs() < 0.03,
            "{}",
            square.sqrt()
        );
        // Neighbours are drawn apart: x and y of a joint, and a joint and the next.
        for step in [1, 2, 3] {
            let together: f64 = added.windows(step + 1).map(|w| w[0] * w[step]).sum();
            assert!((together / count / square).abs() < 0.06, "{step} apart");
        }
        // What is absent stays so.
        assert!(
            before
                .data
                .iter()
                .zip(&after.data)
                .all(|(a, b)| a.is_nan() == b.is_nan())
        );
    }
    let settings = Augment {
        noise: 0.5,
        ..none()
    };
    let before = sequence(&layout, 18);
    let (mut after, mut by_hand) = (before.clone(), before);
    let mut rng = Rng::new(20, &[]);
    let change = Change::draw(&settings, &mut rng).unwrap();
    noise(&mut by_hand, 0.5, &mut rng.clone());
    change.apply(&mut after, &layout, &mut rng);
    assert_same(&after, &by_hand);
}

#[test]
fn settings_of_zero_change_nothing() {
    let layout = Layout::ntu25();
    let before = sequence(&layout, 21);
    let mut after = before.clone();
    let mut rng = Rng::new(22, &[]);
    let change = Change::draw(&none(), &mut rng).unwrap();
    change.apply(&mut after, &layout, &mut rng);
    assert_same(&before, &after);
}

#[test]
fn mirrored_or_swapped_twice_is_nothing() {
    for layout in layouts() {
        let before = sequence(&layout, 12);
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

#[test]
fn a_crop_lies_inside_and_cuts_no_more_than_its_share() {
    let mut rng = Rng::new(14, &[]);
    let of = |share, probability| Augment {
        crop: share,
        probability,
        ..none()
    };
    assert_eq!(crop(&of(0.0, 1.0), 37, &mut rng), (0, 37));
    let seldom: Vec<_> = (0..1_000)
        .map(|_| crop(&of(0.9, 0.2), 1_000, &mut rng))
        .collect();
    let whole = seldom.iter().filter(|part| **part == (0, 1_000)).count();
    assert!((750..850).contains(&whole), "{whole}");
    for frames in [1, 2, 10, 100] {
        let drawn: Vec<_> = (0..1_000)
            .map(|_| crop(&of(0.4, 1.0), frames, &mut rng))
            .collect();
        for &(start, length) in &drawn {
            assert!(start + length <= frames);
            assert!(length as f64 >= 0.6 * frames as f64 && length > 0);
        }
        if frames == 100 {
            assert!(drawn.iter().any(|(start, _)| *start == 0));
            assert!(
                drawn
                    .iter()
                    .any(|(start, length)| start + length == 100 && *start > 0)
            );
            assert!(drawn.iter().any(|(_, length)| *length < 65));
        }
    }
}

#[test]
fn test_copies_turn_evenly_about_the_vertical_and_swap_in_turn() {
    let layout = Layout::ntu25();
    let before = sequence(&layout, 17);
    let data = Data {
        test_turn: 0.4,
        test_swap: true,
        ..clips::plain(40)
    };
    for number in 0..5 {
        let mut after = before.clone();
        test_copy(&mut after, &layout, &data, (number, 5));
        if number % 2 == 1 {
            swap(&mut after);
        }
        let angle = 0.2 * number as f32 - 0.4;
        for (a, b) in before.data.chunks_exact(3).zip(after.data.chunks_exact(3)) {
            if a.iter().any(|x| x.is_nan()) {
                continue;
            }
            // NTU's vertical is y.
            let turned = [
                a[0] * angle.cos() + a[2] * angle.sin(),
                a[1],
                a[2] * angle.cos() - a[0] * angle.sin(),
            ];
            assert!(distance(turned, [b[0], b[1], b[2]]) < 1e-5);
        }
    }
    // One copy alone is the clip.
    let mut alone = before.clone();
    test_copy(&mut alone, &layout, &data, (0, 1));
    assert_same(&before, &alone);
}
