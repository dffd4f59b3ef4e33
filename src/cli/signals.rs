//! Signals that interrupt the process. At the first signal, training saves a checkpoint and stops; other commands, and
//! training at the second signal, remove unfinished files and exit.

use super::tell;
use crate::error::{Error, Result};
use crate::files::remove_unfinished;
#[cfg(unix)]
use signal_hook::consts::{SIGHUP, SIGUSR1};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};

/// SIGUSR1 is sent by mpirun and by the schedulers of clusters shortly before the time limit.
#[cfg(unix)]
const STOPPING: [i32; 4] = [SIGINT, SIGTERM, SIGHUP, SIGUSR1];
#[cfg(not(unix))]
const STOPPING: [i32; 2] = [SIGINT, SIGTERM];

/// Whether training is running, which is stopped through [`STOP`].
static TRAINING: AtomicBool = AtomicBool::new(false);

/// Tells training to save a checkpoint and stop.
static STOP: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// The second half of the message of an interruption.
static OUTCOME: OnceLock<&str> = OnceLock::new();

/// From this call on, signals end the process with exit code 130, after unfinished files are removed. `outcome` completes the
/// message "interrupted; …".
///
/// # Errors
/// [`Error::Failed`] if the signal handlers cannot be installed.
pub fn install_handlers(outcome: &'static str) -> Result<()> {
    // The handlers are already installed.
    if OUTCOME.set(outcome).is_err() {
        return Ok(());
    }
    let caught = STOPPING.into_iter().filter(|signal| !ignored(*signal));
    listen(&caught.collect::<Vec<_>>())
}

/// Waits for signals on a thread, which is not restricted to async-signal-safe functions as a signal handler is.
#[cfg(unix)]
fn listen(caught: &[i32]) -> Result<()> {
    let failed = |e| {
        Error::failed(
            format!("cannot handle signals: {e}"),
            "report this as a bug",
        )
    };
    let mut signals = signal_hook::iterator::Signals::new(caught).map_err(failed)?;
    let wait = move || signals.forever().for_each(|_| stop());
    let thread = std::thread::Builder::new().name("signals".into());
    thread.spawn(wait).map(drop).map_err(Error::threads)
}

/// On Windows the system runs handlers on a separate thread.
#[cfg(not(unix))]
fn listen(caught: &[i32]) -> Result<()> {
    let failed = |e| Error::failed(format!("cannot handle signals: {e}"), "report this bug");
    for signal in caught {
        // SAFETY: on Windows the handler runs on its own thread and does not interrupt other code.
        unsafe { signal_hook::low_level::register(*signal, stop) }.map_err(failed)?;
    }
    Ok(())
}

/// Handles a signal.
fn stop() {
    if TRAINING.load(Ordering::SeqCst) && !STOP.swap(true, Ordering::SeqCst) {
        return;
    }
    remove_unfinished();
    if std::io::stderr().is_terminal() {
        // Moves below the progress bar.
        tell("");
    }
    let outcome = OUTCOME.get().copied().unwrap_or_default();
    tell(format!("sinew: interrupted; {outcome}"));
    signal_hook::low_level::exit(130);
}

/// The flag that a signal sets while training runs; reset for each training.
pub fn stop_flag() -> Arc<AtomicBool> {
    STOP.store(false, Ordering::SeqCst);
    Arc::clone(&STOP)
}

/// Sets whether training runs. If it does, the first signal sets the flag and a second one ends the process at once;
/// otherwise the first signal ends the process.
pub fn set_training(training: bool) {
    TRAINING.store(training, Ordering::SeqCst);
}

/// Whether the parent process set a signal to be ignored, as `nohup` does with SIGHUP.
#[cfg(unix)]
fn ignored(signal: i32) -> bool {
    // SAFETY: a zeroed sigaction is valid, and a call without a new action only fills it in.
    unsafe {
        let mut now: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &mut now) == 0
            && now.sa_sigaction == libc::SIG_IGN
    }
}

#[cfg(not(unix))]
fn ignored(_signal: i32) -> bool {
    false
}
