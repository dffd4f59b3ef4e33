//! Which of a clip's tracked bodies are actors: trackers also see chairs, lose people and find them again.

use super::Clip;
use crate::settings::Actors;

/// One person of a clip over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Actor {
    /// Frames.
    pub frames: usize,
    /// Coordinates [frames, joints, 3]; NaN where the actor is absent.
    pub data: Vec<f32>,
}

/// The published rule: tracks of up to this many frames are noise.
const NOISE_LENGTH: usize = 11;
/// The published rule: a frame is noise when its x-spread exceeds this share of its y-spread.
const NOISE_SPREAD: f64 = 0.8;
/// The published rule: a track with at least this share of noisy frames is noise.
const NOISE_SHARE: f64 = 0.69754;
/// The reference rule: a body moves when the frame-to-frame change in x or y deviates by more than this, in metres.
const MOVES: f64 = 0.1;

/// Chooses a clip's actors.
///
/// `Published` (CTR-GCN, VA-NN, SGN): one or two actors, the one with more motion first, each as long as the clip.
/// `Reference` (the superseded re-implementation): every body that moves, each a sample of its own, as long as the
/// body was tracked, its frames joined in order.
#[must_use]
pub fn choose(clip: &Clip, rule: Actors) -> Vec<Actor> {
    match rule {
        Actors::Published => published(clip),
        Actors::Reference => reference(clip),
        Actors::All => all(clip),
    }
}

/// Every body as it is, each as long as the clip, in the clip's order: for sets whose bodies are people already and
/// in a meaningful order, where a rule against a tracker's noise would drop a person of a short clip.
#[must_use]
pub fn all(clip: &Clip) -> Vec<Actor> {
    (0..clip.bodies)
        .map(|body| Actor {
            frames: clip.frames,
            data: clip.body(body).to_vec(),
        })
        .collect()
}

/// A tracked body with what the published rule asks of it.
struct Track {
    body: usize,
    /// Frames in which it is present.
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
        // Stable, so that equal motion keeps the order of appearance.
        tracks.sort_by(|a, b| b.motion.total_cmp(&a.motion));
    }
    stitch(clip, &tracks)
}

/// Drops short tracks; the longest stays if all are short.
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

/// Drops tracks that are wider than people are, but never the last; bounds the motion of the others by that of
/// their valid frames.
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

/// Fills one or two actors: a track joins the first actor whose time it does not overlap, or is left out.
fn stitch(clip: &Clip, tracks: &[Track]) -> Vec<Actor> {
    let stride = clip.stride();
    let mut actors: Vec<(Actor, usize, usize)> = Vec::new();
    for track in tracks {
        let (Some(&start), Some(&end)) = (track.frames.first(), track.frames.last()) else {
            continue;
        };
        // Tracks that share a single frame count as one after the other, as published.
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

/// Summed variance of x, y and z over all joints of some frames.
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

/// True where a frame is wider than a person is.
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

/// Summed over joints, how far an axis changes from each frame to the next.
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

/// Standard deviation, dividing by the count; 0 for nothing.
fn deviation(numbers: &[f64]) -> f64 {
    if numbers.is_empty() {
        return 0.0;
    }
    let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
    (numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / numbers.len() as f64).sqrt()
}
