//! The rooms of the program that need no Burn.

#[path = "../../src/error.rs"]
pub mod error;
#[path = "../../src/files/mod.rs"]
pub mod files;
#[path = "../../src/formats/mod.rs"]
pub mod formats;
#[path = "../../src/loader/mod.rs"]
pub mod loader;
#[path = "../../src/recipe/mod.rs"]
pub mod recipe;
#[path = "../../src/rng.rs"]
pub mod rng;
#[path = "../../src/shards/mod.rs"]
pub mod shards;
#[path = "../../src/skeleton/mod.rs"]
pub mod skeleton;
#[path = "../../src/text.rs"]
mod text;
