//! The text of an NTU RGB+D clip.
#![no_main]

#[path = "../checks/mod.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::skeleton_text::check(bytes));
