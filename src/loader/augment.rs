//! Random changes of a training sample.

use super::Sequence;
use super::transforms::apply;
use crate::rng::Rng;
use crate::settings::{Augment, Data};
use crate::skeleton::{Axis, Layout};

/// One drawn change, the same for every frame and person of a sample; noise alone differs by coordinate.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// What every position is multiplied by, rows first.
    pub matrix: [[f32; 3]; 3],
    /// Standard deviation of the noise.
    pub noise: f32,
    /// Left and right change places.
    pub mirror: bool,
    /// The two people change places.
    pub swap: bool,
}

impl Change {
    /// Draws a change as the settings say; none where they say none, or with the probability that they leave.
    #[must_use]
    pub fn draw(settings: &Augment, rng: &mut Rng) -> Option<Self> {
        if !rng.chance(settings.probability) {
            return None;
        }
        let angles = settings
            .rotation
            .map(|largest| rng.range(-largest, largest));
        let scale: [f32; 3] =
            std::array::from_fn(|_| 1.0 + rng.range(-settings.scale, settings.scale));
        let shear: [f32; 6] = std::array::from_fn(|_| rng.range(-settings.shear, settings.shear));
        let change = Change {
            matrix: product(
                &shearing(shear),
                &product(&scaling(scale), &rotation(angles)),
            ),
            noise: settings.noise,
            mirror: settings.mirror && rng.chance(0.5),
            swap: settings.swap && rng.chance(0.5),
        };
        Some(change)
    }

    /// Changes a sample in place: mirror, swap, matrix, noise.
    pub fn apply(&self, sequence: &mut Sequence, layout: &Layout, rng: &mut Rng) {
        if self.mirror {
            mirror(sequence, layout);
        }
        if self.swap {
            swap(sequence);
        }
        sequence
            .all_mut()
            .for_each(|point| *point = apply(&self.matrix, *point));
        if self.noise > 0.0 {
            noise(sequence, self.noise, rng);
        }
    }
}

/// A random part of a clip of `frames` frames: where it starts and how many frames it has. With the settings'
/// probability up to their largest share is cut off.
#[must_use]
pub fn crop(settings: &Augment, frames: usize, rng: &mut Rng) -> (usize, usize) {
    let sure = settings.probability >= 1.0;
    if settings.crop <= 0.0 || !(sure || rng.chance(settings.probability)) {
        return (0, frames);
    }
    let cut = (f64::from(settings.crop) * rng.unit_f64() * frames as f64) as usize;
    let start = (rng.unit_f64() * (cut + 1) as f64) as usize;
    (start.min(cut), frames - cut.min(frames))
}

/// What sets copy `number` of `of` copies of a test clip apart, in place: turned about the vertical by an angle of its
/// own, every second one with its people swapped.
pub fn test_copy(
    sequence: &mut Sequence,
    layout: &Layout,
    data: &Data,
    (number, of): (usize, usize),
) {
    if data.test_swap && number % 2 == 1 {
        swap(sequence);
    }
    if data.test_turn != 0.0 && of > 1 {
        let angle = data.test_turn * (2.0 * number as f32 / (of - 1) as f32 - 1.0);
        let matrix = rotation(layout.up.vector().map(|v| v * angle));
        sequence
            .all_mut()
            .for_each(|point| *point = apply(&matrix, *point));
    }
}

/// The rotation by three angles in radians, about x first, then y, then z. It keeps lengths.
#[must_use]
pub fn rotation(angles: [f32; 3]) -> [[f32; 3]; 3] {
    let [(sx, cx), (sy, cy), (sz, cz)] = angles.map(f32::sin_cos);
    let x = [[1.0, 0.0, 0.0], [0.0, cx, -sx], [0.0, sx, cx]];
    let y = [[cy, 0.0, sy], [0.0, 1.0, 0.0], [-sy, 0.0, cy]];
    let z = [[cz, -sz, 0.0], [sz, cz, 0.0], [0.0, 0.0, 1.0]];
    product(&z, &product(&y, &x))
}

/// A change of size by a factor along each axis.
#[must_use]
pub fn scaling([x, y, z]: [f32; 3]) -> [[f32; 3]; 3] {
    [[x, 0.0, 0.0], [0.0, y, 0.0], [0.0, 0.0, z]]
}

/// The shear of Wang and Wang 2017: six factors, row by row, beside a diagonal of ones.
#[must_use]
pub fn shearing([xy, xz, yx, yz, zx, zy]: [f32; 6]) -> [[f32; 3]; 3] {
    [[1.0, xy, xz], [yx, 1.0, yz], [zx, zy, 1.0]]
}

fn product(a: &[[f32; 3]; 3], b: &[[f32; 3]; 3]) -> [[f32; 3]; 3] {
    std::array::from_fn(|i| std::array::from_fn(|j| (0..3).map(|k| a[i][k] * b[k][j]).sum()))
}

/// Adds normal noise of a standard deviation to every coordinate.
pub fn noise(sequence: &mut Sequence, deviation: f32, rng: &mut Rng) {
    for pair in sequence.data.chunks_mut(2) {
        let numbers = rng.normals();
        pair.iter_mut()
            .zip(numbers)
            .for_each(|(x, n)| *x += deviation * n);
    }
}

/// Turns x around, or y where x is up, and gives every joint the place of its counterpart on the other side. Twice is
/// nothing.
pub fn mirror(sequence: &mut Sequence, layout: &Layout) {
    let mut before = vec![[0.0; 3]; sequence.joints];
    for person in 0..sequence.people {
        for frame in 0..sequence.frames {
            before
                .iter_mut()
                .zip(sequence.points_mut(person, frame))
                .for_each(|(copy, point)| *copy = *point);
            for (point, &other) in sequence.points_mut(person, frame).zip(&layout.mirror) {
                if let Some([x, y, z]) = before.get(other) {
                    *point = match layout.up {
                        Axis::PlusX | Axis::MinusX => [*x, -y, *z],
                        _ => [-x, *y, *z],
                    };
                }
            }
        }
    }
}

/// The two people change places; one alone stays. Twice is nothing.
pub fn swap(sequence: &mut Sequence) {
    if sequence.people == 2 {
        let half = sequence.data.len() / 2;
        sequence.data.rotate_left(half);
    }
}
