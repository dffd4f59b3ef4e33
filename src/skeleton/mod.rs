//! Skeletons: which joints a body has, what a recorded clip is, and which of its bodies are actors.

#[doc(hidden)]
pub mod actors;
mod built_in;
mod check;
mod clip;
mod derive;
mod layout;
mod layout_toml;

pub use built_in::BuiltIn;
pub use clip::{About, Clip};
pub use layout::{Axis, Layout, Part, Zeros};
