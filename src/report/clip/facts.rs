//! A summary of a clip.

use serde::Serialize;

use crate::report::{FoundClip, Source};
use crate::settings::{Actors, Dataset};
use crate::skeleton::actors::{self, Actor};
use crate::skeleton::{About, Axis, Clip};
use crate::text::counted;

/// A summary of a clip.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClipFacts {
    /// Name of the clip.
    pub clip: String,
    /// Name of its class, if known.
    pub class: Option<String>,
    /// Metadata from the source.
    #[serde(flatten)]
    pub about: About,
    /// Number of tracked bodies.
    pub bodies: usize,
    /// Number of frames.
    pub frames: usize,
    /// Number of joints per body.
    pub joints: usize,
    /// Name of the layout.
    pub layout: String,
    /// Unit of the coordinates.
    pub unit: String,
    /// The direction of up.
    pub up: Axis,
    /// Bounding box of all bodies.
    pub extent: Extent,
    /// How actors were chosen: `published`, or `all` for datasets whose bodies are known to be people.
    pub actor_rule: &'static str,
    /// Number of actors.
    pub actors: usize,
    /// The bodies, in the order of the clip.
    pub tracks: Vec<Track>,
}

/// One tracked body.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Track {
    /// The source's id of the body.
    pub id: String,
    /// First and last frame in which the body is present, 0-based; `None` if it never is.
    pub span: Option<[usize; 2]>,
    /// Number of frames in which the body is present.
    pub frames: usize,
    /// The actor that it belongs to, 0-based; several tracks may be one actor. `None` if the rule drops it.
    pub actor: Option<usize>,
}

impl Track {
    /// The frames in which the body is present, in words, for a clip of `frames` frames.
    #[must_use]
    pub fn presence(&self, frames: usize) -> String {
        match self.span {
            None => "never present".into(),
            _ if self.frames == frames => format!("present in all {}", counted(frames, "frame")),
            Some([first, last]) if last - first + 1 == self.frames => {
                format!("present in frames {first} to {last}")
            }
            Some([first, last]) => {
                let present = counted(self.frames, "frame");
                format!("present in {present} from {first} to {last}")
            }
        }
    }
}

/// Bounding box of all joints, in the clip's unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Extent {
    /// Minimum x, y and z.
    pub low: [f32; 3],
    /// Maximum x, y and z.
    pub high: [f32; 3],
}

impl ClipFacts {
    /// Summarises a clip of a source.
    #[must_use]
    pub fn of(source: &Source, found: &FoundClip) -> Self {
        let clip = &found.recording.clip;
        // Only the tracker of NTU also reports chairs and fragments of people.
        let (actor_rule, actors) = if source.dataset() == Dataset::Ntu {
            ("published", actors::choose(clip, Actors::Published))
        } else {
            ("all", actors::all(clip))
        };
        let track = |body: usize| Track {
            id: found.recording.ids.get(body).cloned().unwrap_or_default(),
            span: clip.span(body),
            frames: (0..clip.frames)
                .filter(|frame| clip.present(body, *frame))
                .count(),
            actor: actors.iter().position(|actor| has(actor, clip, body)),
        };
        let layout = source.layout();
        ClipFacts {
            clip: clip.name.clone(),
            class: found.class.clone(),
            about: found.recording.about.clone(),
            bodies: clip.bodies,
            frames: clip.frames,
            joints: clip.joints,
            layout: layout.name.clone(),
            unit: layout.unit.clone(),
            up: layout.up,
            extent: extent(clip),
            actor_rule,
            actors: actors.len(),
            tracks: (0..clip.bodies).map(track).collect(),
        }
    }
}

/// Whether an actor contains any frame of a body. Both rules copy frames unchanged, at the same index.
fn has(actor: &Actor, clip: &Clip, body: usize) -> bool {
    let same = |a: &[f32], b: &[f32]| {
        a.iter()
            .map(|x| x.to_bits())
            .eq(b.iter().map(|x| x.to_bits()))
    };
    let frames = actor.data.chunks_exact(clip.stride().max(1));
    frames
        .enumerate()
        .take(clip.frames)
        .any(|(frame, data)| clip.present(body, frame) && same(data, clip.frame(body, frame)))
}

fn extent(clip: &Clip) -> Extent {
    let mut extent = Extent {
        low: [f32::INFINITY; 3],
        high: [f32::NEG_INFINITY; 3],
    };
    for joint in clip.data.chunks_exact(3) {
        let ends = extent.low.iter_mut().zip(&mut extent.high);
        for ((low, high), x) in ends.zip(joint) {
            // `min` and `max` ignore NaN.
            *low = low.min(*x);
            *high = high.max(*x);
        }
    }
    if extent.low.iter().chain(&extent.high).all(|x| x.is_finite()) {
        extent
    } else {
        Extent {
            low: [0.0; 3],
            high: [0.0; 3],
        }
    }
}
