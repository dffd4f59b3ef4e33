//! Prepared data on disk: `manifest.json`, written last, and `shard-NNNNN.safetensors` with one tensor per clip: float32
//! [bodies, frames, joints, 3] in the source's unit, NaN in frames without the body.

mod lines;
mod manifest;
mod reader;
mod writer;

pub use manifest::{ClipEntry, Counts, Manifest, ShardEntry, Skipped};
#[doc(hidden)]
pub use manifest::{FORMAT, MANIFEST, VERSION};
pub use reader::Prepared;
#[doc(hidden)]
pub use writer::{ShardWriter, checksum, shard_name};
