//! Runs kernels with their matrix units emulated.

use crate::emulated_text::emulate;
use sinew::lstm::testing::Rewrite;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Does some work with emulated matrix units whose subgroups have so many threads; they divide the square of a fragment's
/// side.
pub fn emulated<T>(lanes: u32, work: impl FnOnce() -> T) -> T {
    static KNOWN: Mutex<BTreeMap<u32, Rewrite>> = Mutex::new(BTreeMap::new());
    let rewrite = *KNOWN
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .entry(lanes)
        .or_insert_with(|| Rewrite::new(move |text| emulate(&text, lanes)));
    rewrite.during(work)
}
