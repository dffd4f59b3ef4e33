//! All settings of a run, with the same keys on the command line, in files and in a run's `config.toml`.
//!
//! There are two types, made of the same sections. [`Settings`] are as written: a preset, a file, `KEY=VALUE` settings;
//! what they leave open is [`Auto::Auto`], the word `"auto"`. [`ResolvedSettings`] are what a run is trained with; nothing
//! in them is open. [`crate::train::resolve`] makes the second from the first, by the training clips and the device.

// To add a setting, add a field in `sections.rs`, its range in `ranges.rs`, its value in every preset, and, where files of
// earlier versions lack it, the value that they worked by in `earlier.rs`.

mod earlier;
mod ranges;
mod resolved;
mod run_values;
mod sections;
mod stage;
mod table;
mod values;
mod written;

pub use ranges::check_ranges;
pub use resolved::{Difference, SHAPE_KEYS};
pub use run_values::{Dataset, KernelPlan, Preset, Protocol, Threads};
pub use sections::{Augment, Data, Model, RunSettings, Schedule, Sections, Train};
pub use stage::{AUTO, Auto, ByDataset, Resolved, SettingValue, Stage, Written};
pub use values::{
    Actors, Centre, ChainJoints, Fusion, OnDivergence, OptimiserKind, People, Precision, Sampling,
    ScheduleKind, Scores, Spatial, Temporal, Turn,
};
pub use written::SettingsFile;

/// Settings as written, in which values may be left open.
pub type Settings = Sections<Written>;

/// Settings as resolved, in which nothing is open.
pub type ResolvedSettings = Sections<Resolved>;
