//! The numbers that an input has for each joint.

use super::Sequence;
use crate::settings::Data;
use crate::settings::People;

/// Numbers a joint and step: three for each of one or two people, and as many again for bones and for motion.
#[must_use]
pub fn channels(data: &Data) -> usize {
    3 * people(data) * (1 + usize::from(data.bones) + usize::from(data.motion))
}

/// The factor of every channel, by [`Data::scale`].
#[must_use]
pub fn factors(data: &Data) -> Vec<f32> {
    let [joints, bones, motion] = data.scale;
    let each = 3 * people(data);
    let mut factors = vec![joints; each];
    factors.extend(vec![bones; if data.bones { each } else { 0 }]);
    factors.extend(vec![motion; if data.motion { each } else { 0 }]);
    factors
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
/// - with `motion`, its position less that of the step before (zero in the first step), likewise.
///
/// Whatever is not there is zero: an absent person, frame or joint, a bone that lacks an end, a motion that lacks a
/// step. No number that is not finite gets through.
pub fn write(
    sequence: &Sequence,
    parents: &[Option<usize>],
    bones: bool,
    motion: bool,
    out: &mut Vec<f32>,
) {
    const NOTHING: [f32; 3] = [0.0; 3];
    let (people, joints) = (sequence.people, sequence.joints);
    for frame in 0..sequence.frames {
        for joint in 0..joints {
            for person in 0..people {
                out.extend(sequence.joint(person, frame, joint).unwrap_or(NOTHING));
            }
            let parent = parents.get(joint).copied().flatten();
            for person in (0..people).filter(|_| bones) {
                let from = parent.and_then(|parent| sequence.joint(person, frame, parent));
                out.extend(offset(from, sequence.joint(person, frame, joint)));
            }
            for person in (0..people).filter(|_| motion) {
                let before = frame
                    .checked_sub(1)
                    .and_then(|before| sequence.joint(person, before, joint));
                out.extend(offset(before, sequence.joint(person, frame, joint)));
            }
        }
    }
}

fn offset(from: Option<[f32; 3]>, to: Option<[f32; 3]>) -> [f32; 3] {
    match (from, to) {
        (Some(from), Some(to)) => std::array::from_fn(|axis| to[axis] - from[axis]),
        _ => [0.0; 3],
    }
}
