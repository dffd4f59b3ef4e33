//! What tests and `bench check` reach into the engine for. No part of the API.

pub use super::backend::{CellTensors, LstmBackend, LstmKernels, Saved};
pub use super::cpu;
pub use super::gpu::Sizes;
pub use super::kernel::{
    CellOptions, Kernel, OperandLayout, PRODUCT_SQUARES, Pass, Squares, TILES, Tile, TileSize,
};
pub use super::product::product;
pub use super::recurrence::{Spec, recurrence};
pub use super::rewrite::Rewrite;
pub use super::self_test::{ERROR_LIMIT, Path, path_error, usable_paths};
pub use super::twin;
