//! The player of skeletons: what a page puts in it, its style and its script.

use std::fmt::Write;

use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};

use super::colour;
use super::view::View;
use crate::report::html::{escape, fill, script_safe};
use crate::report::{Facts, Found, Source};
use crate::skeleton::Clip;

/// How it looks, over `base.css`.
pub(in crate::report) const STYLE: &str = include_str!("player.css");
/// `makePlayer(root)`, for the element that holds the [`markup`].
pub(in crate::report) const SCRIPT: &str = include_str!("player.js");

/// The player's elements, with these rows for bodies.
pub(in crate::report) fn markup(legend: &str) -> String {
    fill(include_str!("player.html"), &[("legend", legend)])
}

/// What the player reads.
#[derive(Serialize)]
struct Scene<'a> {
    frames: usize,
    joints: &'a [String],
    bones: &'a [[usize; 2]],
    view: [[f32; 3]; 3],
    centre: [f32; 3],
    half: [f32; 3],
    bodies: Vec<Body<'a>>,
}

/// A body: a colour, and its frames.
#[derive(Serialize)]
struct Body<'a> {
    colour: String,
    frames: Frames<'a>,
}

/// The frames of a body: for each its coordinates in the order of the joints, or null where it is absent.
struct Frames<'a> {
    clip: &'a Clip,
    body: usize,
    /// Coordinates are written to one part in this many of a unit.
    parts: f64,
}

/// One frame; a missing coordinate is null.
struct Frame<'a> {
    data: &'a [f32],
    parts: f64,
}

impl Serialize for Frames<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut frames = serializer.serialize_seq(Some(self.clip.frames))?;
        for frame in 0..self.clip.frames {
            let there = self.clip.present(self.body, frame);
            frames.serialize_element(&there.then(|| Frame {
                data: self.clip.frame(self.body, frame),
                parts: self.parts,
            }))?;
        }
        frames.end()
    }
}

impl Serialize for Frame<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = |x: &f32| (f64::from(*x) * self.parts).round() / self.parts;
        serializer.collect_seq(self.data.iter().map(|x| x.is_finite().then(|| number(x))))
    }
}

/// A power of ten so that coordinates are right to a 20,000th of the clip's extent, or finer.
fn parts(facts: &Facts) -> f64 {
    let sides = facts
        .extent
        .high
        .iter()
        .zip(facts.extent.low)
        .map(|(high, low)| f64::from(*high) - f64::from(low));
    let extent = sides.fold(f64::from(f32::MIN_POSITIVE), f64::max);
    10f64.powf((10_000.0 / extent).log10().ceil().clamp(-30.0, 30.0))
}

/// A clip as JSON that may stand in a script element.
pub(in crate::report) fn scene(source: &Source, found: &Found, facts: &Facts) -> String {
    let clip = &found.recording.clip;
    let layout = source.layout();
    let view = View::of(clip, layout, facts);
    let bodies = facts.tracks.iter().enumerate().map(|(body, track)| Body {
        colour: colour(track.actor),
        frames: Frames {
            clip,
            body,
            parts: parts(facts),
        },
    });
    let scene = Scene {
        frames: clip.frames,
        joints: &layout.joints,
        bones: &layout.bones,
        view: view.rows,
        centre: view.centre,
        half: view.half,
        bodies: bodies.collect(),
    };
    // Strings, numbers and lists alone: nothing that JSON cannot hold.
    script_safe(&serde_json::to_string(&scene).unwrap_or_default())
}

/// One row a body: shown or not, and when it is there.
pub(in crate::report) fn legend(facts: &Facts) -> String {
    let mut rows = String::new();
    for (body, track) in facts.tracks.iter().enumerate() {
        let role = match track.actor {
            Some(actor) => format!("actor {}", actor + 1),
            None => "not an actor".into(),
        };
        let when = track.span.map_or("never there".into(), |[first, last]| {
            format!("frames {first} to {last}, there in {}", track.frames)
        });
        // Writing to a string cannot fail.
        let _ = writeln!(
            rows,
            "<li class=\"{}\"><label><input type=\"checkbox\" checked data-body=\"{body}\"> <b>Body {}</b> \
             <span>{role}; id {}; {when}</span></label><div class=\"when\"></div></li>",
            colour(track.actor),
            body + 1,
            escape(&track.id),
        );
    }
    rows
}
