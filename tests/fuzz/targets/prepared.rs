//! Prepared data, a manifest and its shards.
#![no_main]

#[path = "../checks/mod.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::prepared::check(bytes));
