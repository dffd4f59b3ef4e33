//! Which frames of a clip become the T steps of an input.

use crate::rng::Rng;
use crate::settings::Sampling;

/// Samples that training makes of one person's clip of `length` frames: two of a clip longer than T with
/// [`Sampling::Ends`], one otherwise.
#[must_use]
pub fn windows(sampling: Sampling, length: usize, steps: usize) -> usize {
    if sampling == Sampling::Ends && length > steps {
        2
    } else {
        1
    }
}

/// Samples that testing makes of one person's clip: `test_clips`, but one where a further one would be the same.
#[must_use]
pub fn draws(sampling: Sampling, test_clips: usize) -> usize {
    match sampling {
        Sampling::Uniform | Sampling::Segments => test_clips.max(1),
        Sampling::First | Sampling::Ends => 1,
    }
}

/// The frame of each of `steps` steps, in order and never going back; none for a step of padding.
///
/// `number` of `of` is the window in training and the draw in testing; `random` is what segments draw from, their
/// middle being taken without. A clip shorter than T repeats frames in [`Sampling::Uniform`] and
/// [`Sampling::Segments`], and is padded in front in [`Sampling::First`] and [`Sampling::Ends`].
///
/// With `of` draws, uniform sampling shifts draw k by (k + ½) / of of the distance between two frames, so that the
/// draws interleave and a single one lies in the middle.
#[must_use]
pub fn indices(
    sampling: Sampling,
    length: usize,
    steps: usize,
    (number, of): (usize, usize),
    random: Option<&mut Rng>,
) -> Vec<Option<usize>> {
    if length == 0 {
        return vec![None; steps];
    }
    let segment = |step: usize, part: f64| {
        // f64 holds every frame count exactly; the product can still round up to the segment's end.
        let frame = ((step as f64 + part) * length as f64 / steps as f64) as usize;
        Some(frame.min(length - 1))
    };
    match (sampling, random) {
        (Sampling::First | Sampling::Ends, _) => {
            let pad = steps.saturating_sub(length);
            let skip = if sampling == Sampling::Ends && number == 1 {
                length.saturating_sub(steps)
            } else {
                0
            };
            (0..steps)
                .map(|step| step.checked_sub(pad).map(|frame| skip + frame))
                .collect()
        }
        (Sampling::Uniform, _) => {
            let part = (number as f64 + 0.5) / of.max(1) as f64;
            (0..steps)
                .map(|step| segment(step, part.min(1.0)))
                .collect()
        }
        (Sampling::Segments, Some(rng)) => (0..steps)
            .map(|step| segment(step, rng.unit_f64()))
            .collect(),
        (Sampling::Segments, None) => (0..steps).map(|step| segment(step, 0.5)).collect(),
    }
}
