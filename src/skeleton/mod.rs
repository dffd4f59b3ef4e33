//! Skeletons: which joints a body has, what a recorded clip is, and which of its bodies are actors.

pub mod actors;
mod check;
mod clip;
mod derive;
mod layout;
mod layout_toml;

pub use clip::{About, Clip};
pub use layout::{Axis, Layout, Part};
