//! How large the numbers of an input are.

use super::features;
use super::row::from_clip;
use crate::error::Result;
use crate::recipe::Data;
use crate::shards::Prepared;

/// Clips looked at, evenly spaced.
const CLIPS: usize = 200;

/// A smaller root mean square is that of nothing: rounding, or joints that are all in one place.
const SMALLEST: f64 = 1e-9;

/// The settings with every factor of [`Data::scale`] that is 0 filled in: one over the root mean square of the joints,
/// bones or motion of up to 200 of these clips, counting what is there. Kinds of which there is nothing get 1.
///
/// # Errors
/// A clip that cannot be read, settings that are not settled otherwise.
pub fn settle_scale(data: &Data, prepared: &Prepared, clips: &[usize]) -> Result<Data> {
    let mut settled = data.clone();
    if !data.scale.contains(&0.0) {
        return Ok(settled);
    }
    let plain = Data {
        scale: [1.0; 3],
        test_clips: 1,
        ..data.clone()
    };
    // A channel's kind: its factor when the kinds' factors are their numbers.
    let kinds = features::factors(&Data {
        scale: [0.0, 1.0, 2.0],
        ..plain.clone()
    });
    let (mut squares, mut counts) = ([0.0f64; 3], [0usize; 3]);
    for &clip in clips.iter().step_by(clips.len().div_ceil(CLIPS).max(1)) {
        let clip = prepared.clip(clip)?;
        let batch = from_clip(&clip, &prepared.manifest().layout, &plain, 0)?;
        for (x, kind) in batch.x.iter().zip(kinds.iter().cycle()) {
            if *x != 0.0 {
                squares[*kind as usize] += f64::from(*x).powi(2);
                counts[*kind as usize] += 1;
            }
        }
    }
    for (kind, factor) in settled.scale.iter_mut().enumerate() {
        if *factor == 0.0 {
            let size = (squares[kind] / counts[kind].max(1) as f64).sqrt();
            *factor = if size > SMALLEST {
                (1.0 / size) as f32
            } else {
                1.0
            };
        }
    }
    Ok(settled)
}
