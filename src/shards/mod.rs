//! Prepared data on disk: `manifest.json`, written last, and `shard-NNNNN.safetensors` with one tensor per clip: float32
//! [bodies, frames, joints, 3] in the source's unit, NaN in frames without the body.

mod lines;
mod manifest;
mod reader;
mod writer;

pub use manifest::{ClipEntry, Counts, FORMAT, MANIFEST, Manifest, ShardEntry, Skipped, VERSION};
pub use reader::Prepared;
pub use writer::{ShardWriter, checksum, shard_name};
