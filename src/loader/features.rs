//! The numbers that an input has for each joint.

use super::Sequence;
use crate::recipe::Data;
use crate::recipe::People;

/// Numbers a joint and step: three for each of one or two people, and as many again for bones and for motion; two for
/// each of two people's distances.
#[must_use]
pub fn channels(data: &Data) -> usize {
    3 * people(data) * (1 + usize::from(data.bones) + usize::from(data.motion)) + distances(data)
}

/// The factor of every channel, by [`Data::scale`].
#[must_use]
pub fn factors(data: &Data) -> Vec<f32> {
    let [joints, bones, motion, between] = data.scale;
    let each = 3 * people(data);
    let mut factors = vec![joints; each];
    factors.extend(vec![bones; if data.bones { each } else { 0 }]);
    factors.extend(vec![motion; if data.motion { each } else { 0 }]);
    factors.extend(vec![between; distances(data)]);
    factors
}

fn distances(data: &Data) -> usize {
    if data.between && people(data) == 2 {
        4
    } else {
        0
    }
}

fn people(data: &Data) -> usize {
    if data.people == People::Concatenate {
        2
    } else {
        1
    }
}

/// Writes a sample as [frames, joints, channels]. The channels of a joint are
/// - its position: x, y, z of the first person, then of the second;
/// - with `bones`, its offset from its parent (zero for the root), likewise;
/// - with `motion`, its position less that of the step before (zero in the first step), likewise;
/// - with `between`, for two people, its distances to the partner's nearest joint and centre, likewise.
///
/// Whatever is not there is zero: an absent person, frame or joint, a bone that lacks an end, a motion that lacks a
/// step. No number that is not finite gets through.
///
/// `parents` are those of each joint, `centre` is the layout's.
pub fn write(
    sequence: &Sequence,
    parents: &[Option<usize>],
    centre: usize,
    data: &Data,
    out: &mut Vec<f32>,
) {
    const NOTHING: [f32; 3] = [0.0; 3];
    let (people, joints) = (sequence.people, sequence.joints);
    for frame in 0..sequence.frames {
        for joint in 0..joints {
            let here = |person| sequence.joint(person, frame, joint);
            for person in 0..people {
                out.extend(here(person).unwrap_or(NOTHING));
            }
            let parent = parents.get(joint).copied().flatten();
            for person in (0..people).filter(|_| data.bones) {
                let from = parent.and_then(|parent| sequence.joint(person, frame, parent));
                out.extend(offset(from, here(person)));
            }
            for person in (0..people).filter(|_| data.motion) {
                let before = frame
                    .checked_sub(1)
                    .and_then(|before| sequence.joint(person, before, joint));
                out.extend(offset(before, here(person)));
            }
            for person in (0..people).filter(|_| data.between && people == 2) {
                let partner = |joint| sequence.joint(1 - person, frame, joint);
                let all = (0..joints).map(|joint| distance(here(person), partner(joint)));
                let nearest = all.flatten().min_by(f32::total_cmp);
                let middle = distance(here(person), partner(centre));
                out.extend([nearest.unwrap_or(0.0), middle.unwrap_or(0.0)]);
            }
        }
    }
}

fn distance(from: Option<[f32; 3]>, to: Option<[f32; 3]>) -> Option<f32> {
    let (from, to) = (from?, to?);
    let square: f32 = (0..3).map(|axis| (to[axis] - from[axis]).powi(2)).sum();
    Some(square.sqrt())
}

fn offset(from: Option<[f32; 3]>, to: Option<[f32; 3]>) -> [f32; 3] {
    match (from, to) {
        (Some(from), Some(to)) => std::array::from_fn(|axis| to[axis] - from[axis]),
        _ => [0.0; 3],
    }
}
