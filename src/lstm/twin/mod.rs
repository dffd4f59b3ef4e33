//! Every shader again as a plain sequential loop: same name, same buffers in the same order, one number at a time.
//!
//! Tests prove these by finite differences and the shaders by these. The names and index arithmetic follow the
//! shaders on purpose, so that the two read side by side.
#![allow(clippy::too_many_arguments, clippy::needless_range_loop)]

mod cell;
mod largest;
mod previous_hidden;
mod product_units;
mod resident_backward;
mod resident_forward;
mod stepwise_backward;
mod stepwise_forward;
mod stepwise_units_backward;
mod stepwise_units_forward;

pub use largest::largest;
pub use previous_hidden::previous_hidden;
pub use product_units::product_units;
pub use resident_backward::resident_backward;
pub use resident_forward::resident_forward;
pub use stepwise_backward::stepwise_backward;
pub use stepwise_forward::stepwise_forward;
pub use stepwise_units_backward::stepwise_units_backward;
pub use stepwise_units_forward::stepwise_units_forward;

/// The shaders that have a twin here; a test compares this with the folder.
pub const NAMES: [&str; 9] = [
    "largest",
    "previous_hidden",
    "product_units",
    "resident_backward",
    "resident_forward",
    "stepwise_backward",
    "stepwise_forward",
    "stepwise_units_backward",
    "stepwise_units_forward",
];
