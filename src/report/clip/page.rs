//! A self-contained HTML page of a clip: a player, the bodies, a strip of poses, and a summary.

use super::player;
use super::strip::{POSES, poses};
use crate::report::html::{BASE, escape, fill};
use crate::report::{ClipFacts, FoundClip, Source};

/// A self-contained HTML page of a clip: a rotatable player, a strip of poses, and a summary.
#[must_use]
pub fn clip_page(source: &Source, found: &FoundClip, facts: &ClipFacts) -> String {
    let class = facts.class.as_deref().unwrap_or("class unknown");
    fill(
        include_str!("page.html"),
        &[
            ("name", &escape(&facts.clip)),
            ("class", &escape(class)),
            ("base", BASE),
            ("player style", player::STYLE),
            ("style", include_str!("page.css")),
            ("player", &player::markup(&player::legend(facts))),
            ("strip", &poses(source, found, facts, POSES, false)),
            ("facts", &summary(facts)),
            ("data", &player::scene(source, found, facts)),
            ("script", player::SCRIPT),
        ],
    )
}

/// The summary, without what the legend of the player shows.
fn summary(facts: &ClipFacts) -> String {
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
            format!("{} (rule: {})", facts.actors, facts.actor_rule),
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
