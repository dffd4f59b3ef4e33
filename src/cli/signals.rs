//! Signals that end a training: the first saves, the second leaves at once.

use crate::error::{Error, Result};
#[cfg(unix)]
use signal_hook::consts::{SIGHUP, SIGUSR1};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What mpirun and clusters' queues hand on to every process before its time is up is SIGUSR1.
#[cfg(unix)]
const STOPPING: [i32; 4] = [SIGINT, SIGTERM, SIGHUP, SIGUSR1];
#[cfg(not(unix))]
const STOPPING: [i32; 2] = [SIGINT, SIGTERM];

/// Does work that a signal stops through the flag; a second signal leaves at once. So does the first one that comes after
/// the work, of which a process has one.
pub fn with_signals(work: impl FnOnce(&AtomicBool) -> Result<()>) -> Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in STOPPING.into_iter().filter(|signal| !ignored(*signal)) {
        // This handler comes first, so that it finds the flag set only at the second signal.
        for handler in [
            signal_hook::flag::register_conditional_shutdown(signal, 130, stop.clone()),
            signal_hook::flag::register(signal, stop.clone()),
        ] {
            let failed = |e| Error::failed(format!("signals cannot be caught: {e}"), "report this");
            handler.map_err(failed)?;
        }
    }
    let ended = work(&stop);
    // A handler that is taken off would leave the signal without any effect.
    stop.store(true, Ordering::Relaxed);
    ended
}

/// Whether whoever started this process had a signal ignored, as `nohup` does with SIGHUP.
#[cfg(unix)]
fn ignored(signal: i32) -> bool {
    // Safe: a zeroed sigaction is a valid one, and a call without a new one only fills it in.
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
