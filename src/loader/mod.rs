//! From prepared clips to batches: training and test clips, frames, coordinates and order.
//!
//! The steps for one clip: its actors ([`people`]) → centred and turned ([`transforms`]) → T of its frames
//! ([`sampling`]) → changed at random in training ([`augment`]) → numbers of the input ([`features`]) → a row of a
//! [`Batch`]. Everything random comes from a stream keyed by (seed, epoch, clip), so neither threads nor the place
//! where an epoch is entered change a batch.

pub mod augment;
mod coverage;
pub mod features;
pub mod people;
pub mod protocol;
mod row;
pub mod sampling;
mod sequence;
mod stream;
pub mod transforms;

pub use coverage::check_training;
pub use protocol::{Protocol, Split};
pub use row::{Batch, from_clip};
pub use sequence::Sequence;
pub use stream::{Batches, Loader};

/// Purposes of the random streams, the first word of their keys.
mod purpose {
    /// Order of an epoch's samples: (seed, epoch).
    pub const ORDER: u64 = 101;
    /// Frames and changes of a training sample: (seed, epoch, clip, person, window).
    pub const TRAIN: u64 = 102;
    /// Frames of a test sample: (seed, clip, number).
    pub const TEST: u64 = 103;
    /// Who is held out: (seed).
    pub const VALIDATION: u64 = 104;
}
