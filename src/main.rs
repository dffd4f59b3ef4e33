//! The `sinew` command: parses, calls, and turns an error into one message and an exit code.

use sinew::cli::{exit_code, tell};
use sinew::process;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

#[global_allocator]
static ALLOCATOR: process::Allocator = process::Allocator;

fn main() -> ExitCode {
    quiet_device_selection();
    keep_freed_memory();
    tell_panics();
    process::install();
    match std::panic::catch_unwind(sinew::cli::run) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            tell(format!("sinew: {error}"));
            ExitCode::from(exit_code(&error))
        }
        Err(_) => ExitCode::FAILURE,
    }
}

/// A panic is the device's, or a defect of ours: one line, not a trace, unless a trace is asked for.
fn tell_panics() {
    let traced = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        static DEVICE: AtomicBool = AtomicBool::new(false);
        let said = info.to_string();
        if let Some(error) = sinew::device::failure(&said) {
            tell(format!("sinew: {error}"));
            if sinew::device::out_of_memory(&said) {
                // Whoever waits for the device would wait for ever; what is on disk is whole at any moment.
                process::leave();
            }
            DEVICE.store(true, Ordering::Relaxed);
        } else if let Some(error) = sinew::device::no_threads(&said) {
            tell(format!("sinew: {error}"));
            // Whoever waits for that thread would wait for ever.
            process::leave();
        } else if std::env::var_os("RUST_BACKTRACE").is_some() {
            traced(info);
        } else if !DEVICE.load(Ordering::Relaxed) {
            tell(format!("sinew: internal error: {info}"));
            tell("sinew: please report it, with the command and RUST_BACKTRACE=1's output");
        }
    }));
}

/// Mesa's device-selection layer looks for a desktop to ask, and complains where there is none.
fn quiet_device_selection() {
    let headless = std::env::var_os("XDG_RUNTIME_DIR").is_none();
    if cfg!(target_os = "linux") && headless && std::env::var_os("NODEVICE_SELECT").is_none() {
        // SAFETY: no other thread has been started yet.
        unsafe { std::env::set_var("NODEVICE_SELECT", "1") };
    }
}

/// The CPU engine frees and takes the same buffers of tens of megabytes at every step. Left to itself glibc hands each
/// back to the system and takes it anew, page by page: a fifth of a training step.
fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: both only set numbers that the allocator reads, and no other thread has been started yet.
    unsafe {
        libc::mallopt(libc::M_MMAP_MAX, 0);
        libc::mallopt(libc::M_TRIM_THRESHOLD, libc::c_int::MAX);
    }
}
