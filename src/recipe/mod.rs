//! All settings of a run: one struct a concern, the same keys on the command line, in files and in defaults.

mod check;
mod resolve;
mod settings;

pub use check::check;
pub use resolve::{File, PRESETS, SHAPE_KEYS, parse_config, resolve};
pub use settings::*;
