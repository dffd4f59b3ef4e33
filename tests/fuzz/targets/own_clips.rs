//! Sets of own clips, a table, a layout and arrays.
#![no_main]

#[path = "../checks/mod.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::own_clips::check(bytes));
