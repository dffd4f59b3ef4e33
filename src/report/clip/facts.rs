//! What there is to say about a clip.

use serde::Serialize;

use crate::report::{Found, Source};
use crate::settings::{Actors, Dataset};
use crate::skeleton::actors::{self, Actor};
use crate::skeleton::{About, Axis, Clip};

/// A clip in words and numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Facts {
    /// Its name.
    pub clip: String,
    /// Name of its class, where known.
    pub class: Option<String>,
    /// What else the source says.
    #[serde(flatten)]
    pub about: About,
    /// Tracked bodies.
    pub bodies: usize,
    /// Frames.
    pub frames: usize,
    /// Joints of a body.
    pub joints: usize,
    /// Name of the layout.
    pub layout: String,
    /// Unit of the coordinates.
    pub unit: String,
    /// Which way is up.
    pub up: Axis,
    /// The space that the bodies take.
    pub extent: Extent,
    /// How actors were chosen: `published`, or `all` for sets whose bodies are people already.
    pub actor_rule: &'static str,
    /// Actors chosen.
    pub actors: usize,
    /// The bodies, in the clip's order.
    pub tracks: Vec<Track>,
}

/// One tracked body.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Track {
    /// The source's id.
    pub id: String,
    /// First and last frame in which it is there, 0-based; none for a body that never is.
    pub span: Option<[usize; 2]>,
    /// Frames in which it is there.
    pub frames: usize,
    /// The actor that it belongs to, 0-based; several tracks may be one actor. None where the rule drops it.
    pub actor: Option<usize>,
}

/// A box that holds all joints, in the clip's unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Extent {
    /// Least x, y and z.
    pub low: [f32; 3],
    /// Greatest x, y and z.
    pub high: [f32; 3],
}

impl Facts {
    /// The facts of a clip that was found in a source.
    #[must_use]
    pub fn of(source: &Source, found: &Found) -> Self {
        let clip = &found.recording.clip;
        // A tracker's bodies are people, chairs and fragments; those of the other sets are people.
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
        Facts {
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

/// True where an actor as long as the clip has any frame of a body: the rule copies frames whole.
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
            // `min` and `max` pass over NaN.
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
