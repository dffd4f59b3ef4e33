//! Input formats: archives and folders, and the text and array formats of the skeletons in them.

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
pub use clips::{from_array, is_own_clips};
pub use dataset::Dataset;
pub use reader::Reader;

use crate::skeleton::{About, Clip};

/// One clip as read from its source.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// Coordinates of every tracked body.
    pub clip: Clip,
    /// The source's id of each body.
    pub ids: Vec<String>,
    /// Everything else that the source states, apart from the class.
    pub about: About,
}

/// Limit on the uncompressed size of an entry, in bytes. Real clips have at most a few megabytes.
pub const MOST_BYTES: usize = 64 << 20;

/// Limit on the size of a clip's coordinates [bodies, frames, joints, 3], in bytes: half an hour of two people. A clip whose
/// bodies change their id in every frame is small as a file but dense in memory; the limit keeps it from filling the memory.
pub const MOST_TENSOR: usize = 32 << 20;

/// Limit on the magnitude of a coordinate, in the source's unit: a kilometre in millimetres. Larger values are rejected; this
/// also keeps every later sum and product finite.
pub const MOST_COORDINATE: f32 = 1e6;
