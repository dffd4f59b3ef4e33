//! sinew trains the Two-Stream RNN for skeleton action recognition on any GPU that wgpu reaches.

pub mod device;
pub mod error;
pub mod files;
pub mod formats;
pub mod lstm;
pub mod model;
pub mod recipe;
pub mod rng;
pub mod shards;
pub mod skeleton;

pub use error::{Error, Result};
