//! Where the origin lies and where the axes point.

use super::Sequence;
use crate::error::{Error, Result};
use crate::settings::{Centre, Turn};
use crate::skeleton::Layout;

/// Moves the coordinates as [`Centre`] says, in place. Absent frames stay absent.
///
/// Two people share one origin, so that how they stand to each other is kept: the centre joint of the first, and of
/// the second where the first is absent. A frame in which the centre joint alone is absent keeps the origin of the
/// frame before it.
///
/// # Errors
/// [`Centre::Reference`] on a layout other than the 25 joints that it names.
pub fn centre(sequence: &mut Sequence, layout: &Layout, rule: Centre) -> Result<()> {
    match rule {
        Centre::None => {}
        Centre::Frame => {
            let mut origin = first(sequence, |s, person, frame| {
                s.joint(person, frame, layout.centre)
            });
            for frame in 0..sequence.frames {
                origin = (0..sequence.people)
                    .find_map(|p| sequence.joint(p, frame, layout.centre))
                    .or(origin);
                if let Some(origin) = origin {
                    (0..sequence.people)
                        .for_each(|person| shift(sequence.points_mut(person, frame), origin));
                }
            }
        }
        Centre::FirstFrame => {
            if let Some(origin) = first(sequence, |s, person, frame| {
                s.joint(person, frame, layout.centre)
            }) {
                shift(sequence.all_mut(), origin);
            }
        }
        Centre::Reference => reference(sequence, layout)?,
    }
    Ok(())
}

/// Gives x, y and z one common unit, the largest of the three, by the layout's [`Layout::aspect`].
pub fn equalise(sequence: &mut Sequence, aspect: [u32; 3]) {
    let largest = aspect.into_iter().max().unwrap_or(1).max(1);
    if aspect == [largest; 3] {
        return;
    }
    let scale = aspect.map(|a| a as f32 / largest as f32);
    for point in sequence.all_mut() {
        *point = std::array::from_fn(|axis| point[axis] * scale[axis]);
    }
}

/// Turns the coordinates about the origin as [`Turn`] says, in place: the shoulders, from left to right, come to lie
/// along x (as near as the body axis allows) and the body axis, from its lower end, along y. A frame that lacks one of
/// the four joints keeps the turn of the frame before it.
///
/// Two people turn together, about the vertical alone: the line from the first one's centre to the second's comes to
/// lie along x. One whose partner is absent in all frames turns by its own body.
pub fn turn(sequence: &mut Sequence, layout: &Layout, rule: Turn) {
    let mut axes = match rule {
        Turn::None => return,
        Turn::Frame | Turn::FirstFrame => first(sequence, |s, person, frame| {
            (person == 0).then(|| pair_axes(s, layout, frame)).flatten()
        })
        .or_else(|| {
            first(sequence, |s, person, frame| {
                body_axes(s, layout, person, frame)
            })
        }),
    };
    let paired = (0..sequence.frames).any(|frame| pair_axes(sequence, layout, frame).is_some());
    for frame in 0..sequence.frames {
        if rule == Turn::Frame {
            let found = if paired {
                pair_axes(sequence, layout, frame)
            } else {
                (0..sequence.people).find_map(|p| body_axes(sequence, layout, p, frame))
            };
            axes = found.or(axes);
        }
        let Some(axes) = axes else { return };
        for person in 0..sequence.people {
            sequence
                .points_mut(person, frame)
                .for_each(|point| *point = apply(&axes, *point));
        }
    }
}

/// What `find` gives for the first frame, and in it the first person, for which it gives anything.
fn first<T>(sequence: &Sequence, find: impl Fn(&Sequence, usize, usize) -> Option<T>) -> Option<T> {
    let places = (0..sequence.frames)
        .flat_map(|frame| (0..sequence.people).map(move |person| (person, frame)));
    places
        .into_iter()
        .find_map(|(person, frame)| find(sequence, person, frame))
}

fn shift<'a>(points: impl Iterator<Item = &'a mut [f32; 3]>, origin: [f32; 3]) {
    points.for_each(|point| *point = minus(*point, origin));
}

/// The product of a matrix, by rows, and a vector.
pub(super) fn apply(matrix: &[[f32; 3]; 3], point: [f32; 3]) -> [f32; 3] {
    matrix.map(|row| dot(row, point))
}

fn minus(a: [f32; 3], b: [f32; 3]) -> [f32; 3] {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

fn dot(a: [f32; 3], b: [f32; 3]) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross(a: [f32; 3], b: [f32; 3]) -> [f32; 3] {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

/// The vector at length 1; none where it is too short to have a direction.
fn unit(a: [f32; 3]) -> Option<[f32; 3]> {
    let length = dot(a, a).sqrt();
    (length > 1e-6).then(|| a.map(|x| x / length))
}

/// The body's own axes as rows: right, up along the spine, and their cross product.
fn body_axes(
    sequence: &Sequence,
    layout: &Layout,
    person: usize,
    frame: usize,
) -> Option<[[f32; 3]; 3]> {
    let joint = |joint| sequence.joint(person, frame, joint);
    let y = unit(minus(joint(layout.spine[1])?, joint(layout.spine[0])?))?;
    let across = minus(joint(layout.right_shoulder)?, joint(layout.left_shoulder)?);
    let x = unit(minus(across, y.map(|v| v * dot(across, y))))?;
    Some([x, y, cross(x, y)])
}

/// The axes of two people as rows: from one to the other without the vertical part, up, and their cross product.
fn pair_axes(sequence: &Sequence, layout: &Layout, frame: usize) -> Option<[[f32; 3]; 3]> {
    let centre = |person| sequence.joint(person, frame, layout.centre);
    let y = layout.up.vector();
    let across = minus(centre(1)?, centre(0)?);
    let x = unit(minus(across, y.map(|v| v * dot(across, y))))?;
    Some([x, y, cross(x, y)])
}

/// Joints of both arms, 0-based, whose positions the reference's preparation takes about the chest.
const ARMS: [usize; 12] = [23, 24, 11, 10, 9, 8, 4, 5, 6, 7, 22, 21];
/// Neck, shoulders and upper spine: their mean is the arms' origin.
const CHEST: [usize; 4] = [2, 8, 4, 20];
/// Lower spine and hips: their mean is the origin of all other joints.
const PELVIS: [usize; 4] = [1, 0, 16, 12];

/// The preparation of the superseded PyTorch re-implementation (RNN-for-skeleton-pytorch), each person by itself:
/// arms about the mean of [`CHEST`], the rest about the mean of [`PELVIS`], then one scale for x and one for y, from
/// the largest reach of the hands and the largest height of the feet and the head over the whole clip.
fn reference(sequence: &mut Sequence, layout: &Layout) -> Result<()> {
    if sequence.joints != 25 || layout.len() != 25 {
        let what = format!(
            "data.centre = reference is for the 25 joints of Kinect v2, and {} has {}",
            layout.name,
            layout.len()
        );
        return Err(Error::setting(what, "choose none, frame or first-frame"));
    }
    for person in 0..sequence.people {
        let (mut width, mut height) = (0.0f32, 0.0f32);
        for frame in 0..sequence.frames {
            let (Some(chest), Some(pelvis)) = (
                mean(sequence, person, frame, CHEST),
                mean(sequence, person, frame, PELVIS),
            ) else {
                continue;
            };
            for (joint, point) in sequence.points_mut(person, frame).enumerate() {
                *point = minus(*point, if ARMS.contains(&joint) { chest } else { pelvis });
            }
            let (Some(chest), Some(pelvis)) = (
                mean(sequence, person, frame, CHEST),
                mean(sequence, person, frame, PELVIS),
            ) else {
                continue;
            };
            let reach = |joint, axis: usize| {
                sequence
                    .joint(person, frame, joint)
                    .map(|point| point[axis])
            };
            for hand in [22, 23].into_iter().filter_map(|joint| reach(joint, 0)) {
                width = width.max((hand - chest[0]).abs());
            }
            for foot in [15, 19].into_iter().filter_map(|joint| reach(joint, 1)) {
                height = height.max((foot - pelvis[1]).abs());
            }
            height = reach(3, 1).map_or(height, |head| height.max(head - pelvis[1]));
        }
        let scale = |target: f32, size: f32| if size > 0.0 { target / size } else { 1.0 };
        let (x, y) = (scale(0.360_260_8, width), scale(0.613_634_1, height));
        for frame in 0..sequence.frames {
            for point in sequence.points_mut(person, frame) {
                *point = [point[0] * x, point[1] * y, point[2]];
            }
        }
    }
    Ok(())
}

/// The mean position of four joints; none unless all are there.
fn mean(sequence: &Sequence, person: usize, frame: usize, joints: [usize; 4]) -> Option<[f32; 3]> {
    let mut sum = [0.0; 3];
    for joint in joints {
        let point = sequence.joint(person, frame, joint)?;
        sum = std::array::from_fn(|axis| sum[axis] + point[axis]);
    }
    Some(sum.map(|x| x / 4.0))
}
