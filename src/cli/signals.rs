//! Signals that ask the process to stop. A training saves its step at the first one; everything else, and a training at the
//! second, removes what it has not finished and leaves.

use super::tell;
use crate::error::{Error, Result};
use crate::files::remove_unfinished;
#[cfg(unix)]
use signal_hook::consts::{SIGHUP, SIGUSR1};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};

/// What mpirun and clusters' queues hand on to every process before its time is up is SIGUSR1.
#[cfg(unix)]
const STOPPING: [i32; 4] = [SIGINT, SIGTERM, SIGHUP, SIGUSR1];
#[cfg(not(unix))]
const STOPPING: [i32; 2] = [SIGINT, SIGTERM];

/// A training is running, which the flag below stops.
static TRAINING: AtomicBool = AtomicBool::new(false);

/// Tells the training to save and stop.
static STOP: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// What the command leaves when it is interrupted.
static LEAVES: OnceLock<&str> = OnceLock::new();

/// Has signals end the process with exit code 130 and without unfinished files, from here on. `leaves` says in the message
/// what there is then.
///
/// # Errors
/// [`Error::Failed`] where signals cannot be caught.
pub fn catch(leaves: &'static str) -> Result<()> {
    // A second call finds the handlers in place.
    if LEAVES.set(leaves).is_err() {
        return Ok(());
    }
    let caught = STOPPING.into_iter().filter(|signal| !ignored(*signal));
    listen(&caught.collect::<Vec<_>>())
}

/// Has a thread wait for signals: it may do what a signal's handler must not.
#[cfg(unix)]
fn listen(caught: &[i32]) -> Result<()> {
    let failed = |e| Error::failed(format!("signals cannot be caught: {e}"), "report this");
    let mut signals = signal_hook::iterator::Signals::new(caught).map_err(failed)?;
    let wait = move || signals.forever().for_each(|_| stop());
    let thread = std::thread::Builder::new().name("signals".into());
    thread.spawn(wait).map(drop).map_err(Error::threads)
}

/// Elsewhere the system runs a handler on a thread of its own.
#[cfg(not(unix))]
fn listen(caught: &[i32]) -> Result<()> {
    let failed = |e| Error::failed(format!("signals cannot be caught: {e}"), "report this");
    for signal in caught {
        // SAFETY: on Windows the handler interrupts no code of this process.
        unsafe { signal_hook::low_level::register(*signal, stop) }.map_err(failed)?;
    }
    Ok(())
}

/// What a signal does.
fn stop() {
    if TRAINING.load(Ordering::SeqCst) && !STOP.swap(true, Ordering::SeqCst) {
        return;
    }
    remove_unfinished();
    if std::io::stderr().is_terminal() {
        // The message stands below the progress bar.
        tell("");
    }
    let leaves = LEAVES.get().copied().unwrap_or_default();
    tell(format!("sinew: interrupted; {leaves}"));
    signal_hook::low_level::exit(130);
}

/// The flag that a signal sets while a training runs; reset for a new one.
pub fn stop_flag() -> Arc<AtomicBool> {
    STOP.store(false, Ordering::SeqCst);
    Arc::clone(&STOP)
}

/// Says whether a training runs, which the first signal stops through the flag; a second signal ends the process at once.
/// Otherwise the first one does.
pub fn set_training(training: bool) {
    TRAINING.store(training, Ordering::SeqCst);
}

/// Whether whoever started this process had a signal ignored, as `nohup` does with SIGHUP.
#[cfg(unix)]
fn ignored(signal: i32) -> bool {
    // SAFETY: a zeroed sigaction is a valid one, and a call without a new one only fills it in.
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
