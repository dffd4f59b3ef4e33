//! One clip: its facts, a page that plays it and a strip of poses.

mod facts;
mod page;
pub(super) mod player;
mod strip;
mod view;

pub use facts::{Extent, Facts, Track};
pub use page::page;
pub(super) use strip::poses;
pub use strip::strip;

/// Actors that have a colour of their own; more share these.
const COLOURS: usize = 6;

/// The style class of a body: its actor's colour, or that of what is no actor.
fn colour(actor: Option<usize>) -> String {
    actor.map_or_else(|| "other".into(), |actor| format!("a{}", actor % COLOURS))
}
