//! sinew trains the Two-Stream RNN for skeleton action recognition on any GPU that wgpu reaches.

pub mod bench;
pub mod cli;
pub mod device;
pub mod error;
pub mod evaluate;
pub mod export;
pub mod files;
pub mod formats;
pub mod loader;
pub mod lstm;
pub mod model;
pub mod prepare;
pub mod recipe;
pub mod report;
pub mod rng;
pub mod shards;
pub mod skeleton;
mod text;
pub mod train;

pub use error::{Error, Result};
