//! The samples that a clip's actors make.

use super::Sequence;
use crate::settings::{Data, People, Sampling};
use crate::skeleton::Clip;
use crate::skeleton::actors::{self, Actor};

/// Shorter clips of a person are left out by [`Sampling::Ends`], as its source does.
const FEWEST: usize = 5;

/// The coordinates that a clip gives to samples, before centring: with [`People::Average`] one sequence an actor,
/// with [`People::Concatenate`] one sequence of the first two actors, the second absent where there is none.
///
/// A sequence runs from the first frame to the last in which any of its people is there; frames without them in
/// between keep their place. A clip in which nobody ever is gives one sequence without frames.
#[must_use]
pub fn sequences(clip: &Clip, data: &Data) -> Vec<Sequence> {
    let actors = actors::choose(clip, data.actors);
    match data.people {
        People::Concatenate => vec![join(&actors, 2, clip.joints)],
        _ if actors.is_empty() => vec![Sequence::absent(1, 0, clip.joints)],
        People::Average => actors
            .chunks(1)
            .map(|actor| join(actor, 1, clip.joints))
            .collect(),
    }
}

/// Which of a clip's sequences, of the given lengths, are samples. With [`Sampling::Ends`] those under five frames are
/// not, but testing keeps the longest of a clip that has no other, so that every clip gets its scores.
#[must_use]
pub fn used(lengths: &[usize], sampling: Sampling, training: bool) -> Vec<usize> {
    let all = 0..lengths.len();
    if sampling != Sampling::Ends {
        return all.collect();
    }
    let long: Vec<usize> = all
        .clone()
        .filter(|&person| lengths.get(person) >= Some(&FEWEST))
        .collect();
    if !long.is_empty() || training {
        return long;
    }
    all.max_by_key(|&person| (lengths.get(person), std::cmp::Reverse(person)))
        .into_iter()
        .collect()
}

/// Up to `people` actors as one sequence, cut to the frames in which any is there.
fn join(actors: &[Actor], people: usize, joints: usize) -> Sequence {
    let size = (joints * 3).max(1);
    let there = |frame: &[f32]| frame.iter().any(|x| x.is_finite());
    let actors = &actors[..actors.len().min(people)];
    let present = |index: usize| {
        actors
            .iter()
            .any(|a| a.data.chunks_exact(size).nth(index).is_some_and(there))
    };
    let frames = actors
        .iter()
        .map(|a| a.data.len() / size)
        .max()
        .unwrap_or(0);
    let first = (0..frames).find(|&frame| present(frame)).unwrap_or(frames);
    let last = (first..frames)
        .rev()
        .find(|&frame| present(frame))
        .map_or(first, |frame| frame + 1);
    let mut sequence = Sequence::absent(people, last - first, joints);
    let length = (last - first) * joints * 3;
    for (slot, actor) in sequence.data.chunks_exact_mut(length.max(1)).zip(actors) {
        let source = actor.data.get(first * joints * 3..).unwrap_or_default();
        slot.iter_mut().zip(source).for_each(|(slot, x)| *slot = *x);
    }
    sequence
}
