//! One clip: a summary, an HTML page with a player, and a strip of poses.

mod facts;
mod page;
pub(super) mod player;
mod strip;
mod view;

pub use facts::{ClipFacts, Extent, Track};
pub use page::clip_page;
pub use strip::pose_strip;
pub(super) use strip::poses;

/// Number of colours; further actors reuse them.
const COLOURS: usize = 6;

/// The CSS class of a body: the colour of its actor, or `other`.
fn colour(actor: Option<usize>) -> String {
    actor.map_or_else(|| "other".into(), |actor| format!("a{}", actor % COLOURS))
}
