//! Skeletons: layouts, clips, and the choice of actors among tracked bodies.

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
