//! What skeletons come in: archives and folders, and the text and array formats inside them.

pub mod archive;
mod catalogue;
mod classes;
mod clips;
pub mod coverage;
mod dataset;
mod layout_beside;
mod npy;
pub mod ntu;
mod number;
mod reader;
mod sbu;
mod spelling;
pub mod synth;

pub use catalogue::{Catalogue, Item};
pub use clips::from_array;
pub use dataset::Dataset;
pub use reader::Reader;

use crate::skeleton::{About, Clip};

/// One clip as its source has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// Coordinates of every tracked body.
    pub clip: Clip,
    /// The source's id of each body.
    pub ids: Vec<String>,
    /// What the source says beside the class.
    pub about: About,
}

/// Most bytes that an entry may inflate to. A real clip has at most a few megabytes.
pub const MOST_BYTES: usize = 64 << 20;

/// Most bytes of a clip's coordinates [bodies, frames, joints, 3]: half an hour of two people. It keeps a clip whose
/// bodies change their id at every frame, which is dense in memory but not in its file, from filling the memory.
pub const MOST_TENSOR: usize = 32 << 20;

/// A coordinate farther from zero than this, in the source's unit, is no position: a kilometre in millimetres. It also
/// keeps every sum and product on the way to an input finite.
pub const MOST_COORDINATE: f32 = 1e6;
