//! The skeleton player: markup, data, style sheet and script.

use std::fmt::Write;

use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};

use super::colour;
use super::view::View;
use crate::report::html::{escape, fill, script_safe};
use crate::report::{ClipFacts, FoundClip, Source};
use crate::skeleton::Clip;

/// The style sheet, in addition to `base.css`.
pub(in crate::report) const STYLE: &str = include_str!("player.css");
/// Defines `makePlayer(root)`, where `root` is the element that contains the [`markup`].
pub(in crate::report) const SCRIPT: &str = include_str!("player.js");

/// The elements of the player, with the given rows for the bodies.
pub(in crate::report) fn markup(legend: &str) -> String {
    fill(include_str!("player.html"), &[("legend", legend)])
}

/// The data of the player, as JSON.
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

/// A body: its colour and frames.
#[derive(Serialize)]
struct Body<'a> {
    colour: String,
    frames: Frames<'a>,
}

/// The frames of a body: for each frame the coordinates in joint order, or null if the body is absent.
struct Frames<'a> {
    clip: &'a Clip,
    body: usize,
    /// Coordinates are rounded to multiples of `1 / parts`.
    parts: f64,
}

/// One frame; missing coordinates are null.
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

/// A power of ten such that rounding changes coordinates by at most 1/20,000 of the clip's extent.
fn parts(facts: &ClipFacts) -> f64 {
    let sides = facts
        .extent
        .high
        .iter()
        .zip(facts.extent.low)
        .map(|(high, low)| f64::from(*high) - f64::from(low));
    let extent = sides.fold(f64::from(f32::MIN_POSITIVE), f64::max);
    10f64.powf((10_000.0 / extent).log10().ceil().clamp(-30.0, 30.0))
}

/// A clip as JSON for the player, escaped for a script element.
pub(in crate::report) fn scene(source: &Source, found: &FoundClip, facts: &ClipFacts) -> String {
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
    // Strings, numbers and lists always serialise.
    script_safe(&serde_json::to_string(&scene).unwrap_or_default())
}

/// The legend: one row per body, with a checkbox and the frames in which it is present.
pub(in crate::report) fn legend(facts: &ClipFacts) -> String {
    let mut rows = String::new();
    for (body, track) in facts.tracks.iter().enumerate() {
        let role = match track.actor {
            Some(actor) => format!("actor {}", actor + 1),
            None => "not an actor".into(),
        };
        let when = track.presence(facts.frames);
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
