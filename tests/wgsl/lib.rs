//! The kernels' text and its tests, without Burn.
#![allow(dead_code, unused_imports, reason = "other modules of sinew use them")]

#[path = "../../src/lstm/kernel/mod.rs"]
mod kernel;
#[path = "../../src/lstm/matrix_units.rs"]
mod matrix_units;
#[path = "../../src/lstm/precision.rs"]
mod precision;
/// The part of `lstm` that makes the text.
mod lstm {
    pub(crate) use crate::{kernel, matrix_units, precision};
}

#[cfg(test)]
#[path = "../common/emulated_text.rs"]
mod emulated_text;
#[cfg(test)]
mod product_translates;
#[cfg(test)]
mod shaders_translate;
