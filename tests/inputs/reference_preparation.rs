//! The superseded re-implementation's preparation, against a plain second writing of its description.

use crate::clips;
use sinew::loader::{Sequence, people, transforms};
use sinew::rng::Rng;
use sinew::settings::Centre;
use sinew::skeleton::Layout;

/// Mean over 1-based joints.
fn mean(frame: &[[f64; 3]], joints: &[usize]) -> [f64; 3] {
    std::array::from_fn(|axis| {
        joints.iter().map(|j| frame[j - 1][axis]).sum::<f64>() / joints.len() as f64
    })
}

/// With 1-based joint numbers, frame by frame, in double precision.
fn described(frames: &[Vec<[f64; 3]>]) -> Vec<Vec<[f64; 3]>> {
    let arms = [24, 25, 12, 11, 10, 9, 5, 6, 7, 8, 23, 22];
    let mut moved = Vec::new();
    for frame in frames {
        let (first, second) = (mean(frame, &[3, 9, 5, 21]), mean(frame, &[2, 1, 17, 13]));
        let new: Vec<[f64; 3]> = (1..=25)
            .map(|j| {
                let from = if arms.contains(&j) { first } else { second };
                std::array::from_fn(|axis| frame[j - 1][axis] - from[axis])
            })
            .collect();
        moved.push(new);
    }
    let (mut width, mut height) = (f64::MIN, f64::MIN);
    for frame in &moved {
        let (first, second) = (mean(frame, &[3, 9, 5, 21]), mean(frame, &[2, 1, 17, 13]));
        for j in [24, 23] {
            width = width.max((frame[j - 1][0] - first[0]).abs());
        }
        for j in [20, 16] {
            height = height.max((frame[j - 1][1] - second[1]).abs());
        }
        height = height.max(frame[4 - 1][1] - second[1]);
    }
    for point in moved.iter_mut().flatten() {
        point[0] *= 0.36026082 / width;
        point[1] *= 0.61363413 / height;
    }
    moved
}

#[test]
fn as_described() {
    let layout = Layout::ntu25();
    for seed in 0..5 {
        let clip = clips::clip("a", 0, 1, 30, &layout, false, &mut Rng::new(seed, &[]));
        let mut sequence = people::sequences(&clip, &clips::plain(30)).remove(0);
        transforms::centre(&mut sequence, &layout, Centre::Reference).unwrap();
        let frames: Vec<Vec<[f64; 3]>> = (0..30)
            .map(|f| {
                clip.frame(0, f)
                    .chunks_exact(3)
                    .map(|p| [0, 1, 2].map(|axis| f64::from(p[axis])))
                    .collect()
            })
            .collect();
        for (f, frame) in described(&frames).iter().enumerate() {
            for (j, expected) in frame.iter().enumerate() {
                let found = sequence.joint(0, f, j).unwrap();
                for axis in 0..3 {
                    assert!(
                        (f64::from(found[axis]) - expected[axis]).abs() < 1e-5,
                        "frame {f} joint {j} axis {axis}"
                    );
                }
            }
        }
    }
}

#[test]
fn other_skeletons_are_refused() {
    let layout = Layout::sbu15();
    let mut sequence = Sequence::absent(1, 5, layout.len());
    let error = transforms::centre(&mut sequence, &layout, Centre::Reference)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("data.centre") && error.contains("15"),
        "{error}"
    );
}
