//! A clip as a strip of poses, in SVG.

use std::fmt::Write;

use super::colour;
use super::view::View;
use crate::report::html::escape;
use crate::report::{ClipFacts, FoundClip, Source};
use crate::skeleton::Layout;
use crate::text::counted;

/// Number of poses in a strip of full width.
pub(super) const POSES: usize = 8;
/// Height of a pose in pixels; its width follows from the view.
const HEIGHT: f32 = 200.0;
const HEADER: f32 = 46.0;
const FOOTER: f32 = 26.0;
const GAP: f32 = 8.0;

/// The strip of a clip as an SVG file: up to eight poses at regular intervals, seen from the camera, with actors in colour and
/// other bodies in grey.
#[must_use]
pub fn pose_strip(source: &Source, found: &FoundClip, facts: &ClipFacts) -> String {
    let svg = poses(source, found, facts, POSES, true);
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{svg}")
}

/// The `svg` element of at most `count` poses. With `standalone` it has a namespace, a title and a background.
pub(in crate::report) fn poses(
    source: &Source,
    found: &FoundClip,
    facts: &ClipFacts,
    count: usize,
    standalone: bool,
) -> String {
    let (layout, clip) = (source.layout(), &found.recording.clip);
    let view = View::of(clip, layout, facts);
    let frames = moments(clip.frames, count);
    // All poses have the same scale; the width of a pose is half to twice its height.
    let [across, up, _] = view.half.map(|half| half * 2.0 * 1.12);
    let aspect = (across / up).clamp(0.5, 2.0);
    let scale = (HEIGHT * aspect / across).min(HEIGHT / up);
    let panel = HEIGHT * aspect;
    let header = if standalone { HEADER } else { 0.0 };
    let width = GAP + frames.len() as f32 * (panel + GAP);
    let height = header + HEIGHT + FOOTER;
    let name_space = if standalone {
        " xmlns=\"http://www.w3.org/2000/svg\""
    } else {
        ""
    };
    let label = format!("{} of {}", counted(frames.len(), "pose"), facts.clip);
    let label = escape(&label);
    let mut svg = format!(
        "<svg{name_space} class=\"strip\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
         height=\"{height:.0}\" role=\"img\" aria-label=\"{label}\">\n<style>{}</style>\n",
        include_str!("strip.css")
    );
    // Writing to a string cannot fail.
    if standalone {
        let class = facts.class.as_deref().unwrap_or("class unknown");
        let frames = counted(facts.frames, "frame");
        let about = format!("{class}; {frames}; camera view");
        let _ = writeln!(
            svg,
            "<rect class=\"paper\" width=\"{width:.0}\" height=\"{height:.0}\"/>\n\
             <text class=\"name\" x=\"{GAP}\" y=\"20\">{}</text>\n<text x=\"{GAP}\" y=\"38\">{}</text>",
            escape(&facts.clip),
            escape(&about),
        );
    }
    for (index, frame) in frames.iter().enumerate() {
        let left = GAP + index as f32 * (panel + GAP);
        let _ = writeln!(
            svg,
            "<rect class=\"panel\" x=\"{left:.1}\" y=\"{header}\" width=\"{panel:.1}\" height=\"{HEIGHT}\" rx=\"6\"/>\n\
             <svg x=\"{left:.1}\" y=\"{header}\" width=\"{panel:.1}\" height=\"{HEIGHT}\">",
        );
        let middle = [panel / 2.0, HEIGHT / 2.0];
        for body in draw_order(facts) {
            let joints = clip.frame(body, *frame).chunks_exact(3);
            let places: Vec<[f32; 2]> = joints
                .map(|joint| view.place(joint))
                .map(|[x, y, _]| [middle[0] + x * scale, middle[1] - y * scale])
                .collect();
            let actor = facts.tracks.get(body).and_then(|track| track.actor);
            figure(&mut svg, layout, &places, &colour(actor));
        }
        let _ = writeln!(
            svg,
            "</svg>\n<text class=\"when\" x=\"{:.1}\" y=\"{:.1}\">frame {frame}</text>",
            left + panel / 2.0,
            header + HEIGHT + 17.0,
        );
    }
    svg.push_str("</svg>\n");
    svg
}

/// The bodies with actors last, so that they are drawn on top.
fn draw_order(facts: &ClipFacts) -> Vec<usize> {
    let mut order: Vec<usize> = (0..facts.tracks.len()).collect();
    order.sort_by_key(|body| {
        facts
            .tracks
            .get(*body)
            .is_some_and(|track| track.actor.is_some())
    });
    order
}

/// Bones and joints of one body, without missing joints.
fn figure(svg: &mut String, layout: &Layout, places: &[[f32; 2]], class: &str) {
    // An outlier could give coordinates that viewers cannot handle.
    let place = |joint: usize| {
        places
            .get(joint)
            .filter(|place| place.iter().all(|x| x.is_finite() && x.abs() < 1e5))
    };
    let mut path = String::new();
    for &[child, parent] in &layout.bones {
        if let (Some([a, b]), Some([c, d])) = (place(child), place(parent)) {
            let _ = write!(path, "M{a:.1} {b:.1}L{c:.1} {d:.1}");
        }
    }
    if !path.is_empty() {
        let _ = writeln!(svg, "<path class=\"bone {class}\" d=\"{path}\"/>");
    }
    let dots: String = (0..places.len())
        .filter_map(place)
        .map(|[x, y]| format!("M{x:.1} {y:.1}h0"))
        .collect();
    if !dots.is_empty() {
        let _ = writeln!(svg, "<path class=\"joint {class}\" d=\"{dots}\"/>");
    }
}

/// Frames at regular intervals, including the first and the last.
fn moments(frames: usize, most: usize) -> Vec<usize> {
    let count = frames.min(most);
    let last = frames.saturating_sub(1);
    (0..count)
        .map(|index| (index * last + (count - 1) / 2) / (count - 1).max(1))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{POSES, moments};

    #[test]
    fn moments_span_the_clip() {
        assert!(moments(0, POSES).is_empty());
        assert_eq!(moments(1, POSES), [0]);
        assert_eq!(moments(3, POSES), [0, 1, 2]);
        assert_eq!(moments(71, POSES), [0, 10, 20, 30, 40, 50, 60, 70]);
    }
}
