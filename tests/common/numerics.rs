//! Comparing numbers, and fresh ones to compare on.
#![allow(dead_code, unused_imports, reason = "each test uses its own part")]

pub use sinew::bench::numerics::{numbers, relative_error};
use sinew::rng::Rng;

/// A stream for this run of this test; printed, so that a failure can be repeated through `SINEW_TEST_SEED`.
pub fn fresh(test: &str) -> Rng {
    let seed = std::env::var("SINEW_TEST_SEED")
        .ok()
        .and_then(|s| s.parse().ok());
    let seed = seed.unwrap_or_else(|| {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(1, |d| d.as_nanos() as u64)
    });
    println!("{test}: SINEW_TEST_SEED={seed}");
    Rng::new(seed, &[])
}
