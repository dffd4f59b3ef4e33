//! The `sinew` command: parses, calls, and turns an error into one message and an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    quiet_device_selection();
    // A panic is a defect of ours: one line, not a trace, unless a trace is asked for.
    if std::env::var_os("RUST_BACKTRACE").is_none() {
        std::panic::set_hook(Box::new(|info| {
            eprintln!("sinew: internal error: {info}");
            eprintln!("sinew: please report it, with the command and RUST_BACKTRACE=1's output");
        }));
    }
    match std::panic::catch_unwind(sinew::cli::run) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            eprintln!("sinew: {error}");
            ExitCode::from(error.exit_code())
        }
        Err(_) => ExitCode::FAILURE,
    }
}

/// Mesa's device-selection layer looks for a desktop to ask, and complains where there is none.
fn quiet_device_selection() {
    let headless = std::env::var_os("XDG_RUNTIME_DIR").is_none();
    if cfg!(target_os = "linux") && headless && std::env::var_os("NODEVICE_SELECT").is_none() {
        // Safe: no other thread has been started yet.
        unsafe { std::env::set_var("NODEVICE_SELECT", "1") };
    }
}
