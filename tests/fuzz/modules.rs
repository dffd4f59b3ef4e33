//! The modules of sinew that do not need Burn.
#![allow(unused_imports, reason = "other modules of the crate use them")]

#[path = "../../src/device/name.rs"]
mod device_name;
/// The part of `device` that settings use.
pub mod device {
    pub use super::device_name::DeviceName;
}
#[path = "../../src/error/mod.rs"]
pub mod error;
#[path = "../../src/files/mod.rs"]
pub mod files;
#[path = "../../src/formats/mod.rs"]
pub mod formats;
#[path = "../../src/limits.rs"]
pub mod limits;
#[path = "../../src/loader/mod.rs"]
pub mod loader;
#[path = "../../src/lstm/precision.rs"]
mod precision;
#[path = "../../src/settings/mod.rs"]
pub mod settings;
/// The part of `lstm` that settings use.
pub mod lstm {
    pub use super::precision::Precision;
}
#[path = "../../src/rng.rs"]
pub mod rng;
#[path = "../../src/shards/mod.rs"]
pub mod shards;
#[path = "../../src/skeleton/mod.rs"]
pub mod skeleton;
#[path = "../../src/text.rs"]
mod text;
