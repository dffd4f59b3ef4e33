//! Choice of actors among the tracked bodies of a clip. Trackers also report chairs, and people under several ids.

use super::Clip;
use crate::settings::Actors;

/// One person over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Actor {
    /// Number of frames.
    pub frames: usize,
    /// Coordinates [frames, joints, 3]; NaN in frames without the actor.
    pub data: Vec<f32>,
}

/// Published rule: tracks of at most this many frames are noise.
const NOISE_LENGTH: usize = 11;
/// Published rule: a frame is noise if its spread in x exceeds this fraction of its spread in y.
const NOISE_SPREAD: f64 = 0.8;
/// Published rule: a track with at least this fraction of noisy frames is noise.
const NOISE_SHARE: f64 = 0.69754;
/// Reference rule: a body moves if the standard deviation of its frame-to-frame change in x or y exceeds this, in metres.
const MOVES: f64 = 0.1;

/// Chooses a clip's actors.
///
/// `Published` (as in CTR-GCN, VA-NN and SGN): one or two actors, the one with more motion first, each as long as the clip.
/// `Reference` (as in the re-implementation that sinew supersedes): every body that moves, each as long as it was tracked,
/// its frames concatenated. `All` and `Auto`: [`all`].
#[must_use]
pub fn choose(clip: &Clip, rule: Actors) -> Vec<Actor> {
    match rule {
        Actors::Published => published(clip),
        Actors::Reference => reference(clip),
        Actors::All => all(clip),
    }
}

/// Every body, each as long as the clip, in the order of the clip: for datasets whose bodies are known to be people. The
/// published rule would drop people of short clips.
#[must_use]
pub fn all(clip: &Clip) -> Vec<Actor> {
    (0..clip.bodies)
        .map(|body| Actor {
            frames: clip.frames,
            data: clip.body(body).to_vec(),
        })
        .collect()
}

/// A tracked body with the quantities of the published rule.
struct Track {
    body: usize,
    /// Frames in which the body is present.
    frames: Vec<usize>,
    motion: f64,
}

fn published(clip: &Clip) -> Vec<Actor> {
    let mut tracks: Vec<Track> = (0..clip.bodies)
        .map(|body| Track {
            body,
            frames: present_frames(clip, body),
            motion: 0.0,
        })
        .filter(|track| !track.frames.is_empty())
        .collect();
    if tracks.len() > 1 {
        drop_short(&mut tracks);
    }
    if tracks.len() > 1 {
        for track in &mut tracks {
            track.motion = variance(clip, track.body, &track.frames);
        }
        drop_spread(clip, &mut tracks);
        // Stable: with equal motion the order of appearance is kept.
        tracks.sort_by(|a, b| b.motion.total_cmp(&a.motion));
    }
    stitch(clip, &tracks)
}

/// Drops short tracks. If all are short, only the longest is kept.
fn drop_short(tracks: &mut Vec<Track>) {
    let longest = tracks
        .iter()
        .map(|track| track.frames.len())
        .max()
        .unwrap_or(0);
    if longest > NOISE_LENGTH {
        tracks.retain(|track| track.frames.len() > NOISE_LENGTH);
    } else if let Some(at) = tracks
        .iter()
        .position(|track| track.frames.len() == longest)
    {
        tracks.swap(0, at);
        tracks.truncate(1);
    }
}

/// Drops tracks that are wider than people, but never the last one. The motion of the others is limited to that of their
/// valid frames.
fn drop_spread(clip: &Clip, tracks: &mut Vec<Track>) {
    let mut left = tracks.len();
    tracks.retain_mut(|track| {
        if left == 1 {
            return true;
        }
        let valid: Vec<usize> = track
            .frames
            .iter()
            .copied()
            .filter(|f| !is_wide(clip.frame(track.body, *f)))
            .collect();
        let noisy = track.frames.len() - valid.len();
        if noisy as f64 / track.frames.len() as f64 >= NOISE_SHARE {
            left -= 1;
            return false;
        }
        if noisy > 0 {
            track.motion = track.motion.min(variance(clip, track.body, &valid));
        }
        true
    });
}

/// Merges tracks into one or two actors: a track joins the first actor that it does not overlap in time, or is dropped.
fn stitch(clip: &Clip, tracks: &[Track]) -> Vec<Actor> {
    let stride = clip.stride();
    let mut actors: Vec<(Actor, usize, usize)> = Vec::new();
    for track in tracks {
        let (Some(&start), Some(&end)) = (track.frames.first(), track.frames.last()) else {
            continue;
        };
        // As published, tracks that share a single frame do not overlap.
        let free = actors
            .iter()
            .position(|(_, first, last)| end.min(*last) <= start.max(*first));
        let actor = match free {
            Some(actor) => actor,
            None if actors.len() < 2 => {
                let data = vec![f32::NAN; clip.frames * stride];
                actors.push((
                    Actor {
                        frames: clip.frames,
                        data,
                    },
                    start,
                    end,
                ));
                actors.len() - 1
            }
            None => continue,
        };
        let (actor, first, last) = &mut actors[actor];
        (*first, *last) = (start.min(*first), end.max(*last));
        for &frame in &track.frames {
            actor.data[frame * stride..(frame + 1) * stride]
                .copy_from_slice(clip.frame(track.body, frame));
        }
    }
    actors.into_iter().map(|(actor, ..)| actor).collect()
}

fn reference(clip: &Clip) -> Vec<Actor> {
    let mut bodies: Vec<(Vec<usize>, [f64; 2], usize)> = (0..clip.bodies)
        .map(|body| (present_frames(clip, body), body))
        .filter(|(frames, _)| !frames.is_empty())
        .map(|(frames, body)| {
            let deviation = [0, 1].map(|axis| deviation(&changes(clip, body, &frames, axis)));
            (frames, deviation, body)
        })
        .collect();
    if bodies.iter().any(|(_, [x, y], _)| *x > MOVES || *y > MOVES) {
        bodies.retain(|(_, [x, y], _)| *x > MOVES || *y > MOVES);
    } else {
        let most = bodies
            .iter()
            .map(|(_, [x, y], _)| x + y)
            .max_by(f64::total_cmp);
        let most = bodies.iter().position(|(_, [x, y], _)| Some(x + y) == most);
        bodies = most.map(|at| bodies.swap_remove(at)).into_iter().collect();
    }
    let joined = |(frames, _, body): &(Vec<usize>, [f64; 2], usize)| Actor {
        frames: frames.len(),
        data: frames
            .iter()
            .flat_map(|frame| clip.frame(*body, *frame))
            .copied()
            .collect(),
    };
    bodies.iter().map(joined).collect()
}

fn present_frames(clip: &Clip, body: usize) -> Vec<usize> {
    (0..clip.frames)
        .filter(|frame| clip.present(body, *frame))
        .collect()
}

/// Sum of the variances of x, y and z over all joints of some frames.
fn variance(clip: &Clip, body: usize, frames: &[usize]) -> f64 {
    let axis = |axis: usize| {
        let joints = frames
            .iter()
            .flat_map(|frame| clip.frame(body, *frame).chunks_exact(3));
        let numbers: Vec<f64> = joints
            .map(|joint| f64::from(joint[axis]))
            .filter(|x| !x.is_nan())
            .collect();
        deviation(&numbers).powi(2)
    };
    axis(0) + axis(1) + axis(2)
}

/// Whether a frame is wider than a person can be.
fn is_wide(frame: &[f32]) -> bool {
    let spread = |axis: usize| {
        let all = frame
            .chunks_exact(3)
            .map(|joint| joint[axis])
            .filter(|x| !x.is_nan());
        let (low, high) = all.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), x| {
            (low.min(x), high.max(x))
        });
        f64::from(high) - f64::from(low)
    };
    spread(0) > NOISE_SPREAD * spread(1)
}

/// The absolute change along an axis from each frame to the next, summed over joints.
fn changes(clip: &Clip, body: usize, frames: &[usize], axis: usize) -> Vec<f64> {
    let change = |pair: &[usize]| {
        let (a, b) = (clip.frame(body, pair[0]), clip.frame(body, pair[1]));
        let joints = a
            .chunks_exact(3)
            .zip(b.chunks_exact(3))
            .map(|(a, b)| f64::from((b[axis] - a[axis]).abs()));
        joints.filter(|x| !x.is_nan()).sum()
    };
    frames.windows(2).map(change).collect()
}

/// Population standard deviation; 0 for an empty slice.
fn deviation(numbers: &[f64]) -> f64 {
    if numbers.is_empty() {
        return 0.0;
    }
    let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
    (numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / numbers.len() as f64).sqrt()
}
