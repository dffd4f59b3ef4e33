//! A clip as a page of its own: a player, the bodies, the strip and the facts. It loads nothing from elsewhere.

use std::fmt::Write;

use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};

use super::colour;
use super::strip::poses;
use super::view::View;
use crate::report::html::{escape, fill, script_safe};
use crate::report::{Facts, Found, Source};
use crate::skeleton::Clip;

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

/// The page of a clip, in HTML: a player that turns, the strip and the facts.
#[must_use]
pub fn page(source: &Source, found: &Found, facts: &Facts) -> String {
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
    let data = serde_json::to_string(&scene).unwrap_or_default();
    let class = facts.class.as_deref().unwrap_or("class unknown");
    fill(
        include_str!("page.html"),
        &[
            ("name", &escape(&facts.clip)),
            ("class", &escape(class)),
            ("style", include_str!("page.css")),
            ("legend", &legend(facts)),
            ("strip", &poses(layout, clip, facts, &view, false)),
            ("facts", &table(facts)),
            ("last", &clip.frames.saturating_sub(1).to_string()),
            ("data", &script_safe(&data)),
            ("script", include_str!("page.js")),
        ],
    )
}

/// One row a body: shown or not, and when it is there.
fn legend(facts: &Facts) -> String {
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

/// The facts that the legend does not say.
fn table(facts: &Facts) -> String {
    let about = &facts.about;
    let point = |[x, y, z]: [f32; 3]| format!("({x:.3}, {y:.3}, {z:.3})");
    let (low, high) = (point(facts.extent.low), point(facts.extent.high));
    let up = serde_json::to_value(facts.up).unwrap_or_default();
    let mut rows = vec![
        (
            "Array",
            format!(
                "[{}, {}, {}, 3] float32: bodies, frames, joints, xyz",
                facts.bodies, facts.frames, facts.joints
            ),
        ),
        ("Unit", facts.unit.clone()),
        ("Up", up.as_str().unwrap_or_default().to_string()),
        ("Extent", format!("{low} to {high}")),
        ("Layout", facts.layout.clone()),
        (
            "Actors",
            format!("{} by the rule “{}”", facts.actors, facts.actor_rule),
        ),
    ];
    let numbers = [
        ("Performer", about.performer),
        ("Camera", about.camera),
        ("Setup", about.setup),
        ("Replication", about.replication),
    ];
    rows.extend(
        numbers
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?.to_string()))),
    );
    rows.extend(about.pair.map(|[a, b]| ("Pair", format!("{a} and {b}"))));
    rows.extend(about.subject.clone().map(|subject| ("Subject", subject)));
    rows.extend(about.split.clone().map(|split| ("Split", split)));
    rows.iter()
        .map(|(key, value)| format!("<dt>{key}</dt><dd>{}</dd>\n", escape(value)))
        .collect()
}
