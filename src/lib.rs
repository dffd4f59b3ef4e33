//! sinew trains the Two-Stream RNN for skeleton action recognition on any GPU that wgpu reaches.
//!
//! A program trains on arrays of its own in three steps: [`prepare::Collection`] takes them in, [`settings::Settings`] are
//! the settings, [`train()`] trains. `examples/own_data` in full:
//!
//! ```ignore
#![doc = include_str!("../examples/own_data/main.rs")]
//! ```
#![warn(missing_docs)]

#[doc(hidden)]
pub mod bench;
pub mod check;
#[doc(hidden)]
pub mod cli;
pub mod device;
pub mod error;
pub mod evaluate;
mod event;
pub mod export;
#[doc(hidden)]
pub mod files;
#[doc(hidden)]
pub mod formats;
#[doc(hidden)]
pub mod limits;
#[doc(hidden)]
pub mod loader;
pub mod lstm;
pub mod model;
pub mod predict;
pub mod prepare;
#[doc(hidden)]
pub mod process;
pub mod report;
#[doc(hidden)]
pub mod rng;
#[doc(hidden)]
pub mod scores;
pub mod settings;
pub mod shards;
pub mod skeleton;
mod text;
pub mod train;
pub mod weights;

pub use error::{Error, Result, Warning};
pub use evaluate::evaluate;
pub use event::Event;
pub use export::export;
pub use predict::predict;
pub use prepare::prepare;
pub use train::{resume, train};
