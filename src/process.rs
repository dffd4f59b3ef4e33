//! Failures that end a process, each with a one-line message: an allocation that the system refuses, a mapped file that is
//! cut short, a file beyond the size limit. Only `main` installs this; the library changes no process-wide state.

use crate::files::remove_unfinished;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Ends the process with exit code 1. No destructor runs: other threads are in the middle of their work.
pub fn leave() -> ! {
    remove_unfinished();
    signal_hook::low_level::exit(1)
}

/// Lets the first thread on that has something to say before the process ends. Another one waits for the end here, and the
/// first, where it comes again on its way out, ends the process.
fn first_to_leave() {
    thread_local! {
        static LEAVING: Cell<bool> = const { Cell::new(false) };
    }
    static TAKEN: AtomicBool = AtomicBool::new(false);
    if LEAVING.get() {
        signal_hook::low_level::exit(1);
    }
    if TAKEN.swap(true, Ordering::SeqCst) {
        loop {
            std::thread::sleep(Duration::from_secs(1));
        }
    }
    LEAVING.set(true);
}

/// Sets up what a process does at a bus error and at the file size limit.
pub fn install() {
    #[cfg(unix)]
    unix::install();
}

/// The system's allocator, whose refusal ends the process with one line.
pub struct Allocator;

// SAFETY: everything is handed to the system's allocator; what comes back is given on, or the process ends.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those of the system's allocator.
        given(unsafe { System.alloc(layout) }, layout.size())
    }

    #[inline]
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        given(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    #[inline]
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above.
        given(unsafe { System.realloc(at, layout, size) }, size)
    }
}

#[inline]
fn given(at: *mut u8, size: usize) -> *mut u8 {
    if at.is_null() {
        out_of_memory(size);
    }
    at
}

/// Says how much memory was refused, without allocating any.
#[cold]
fn out_of_memory(size: usize) -> ! {
    first_to_leave();
    let mut line = [0; 256];
    let mut rest = &mut line[..];
    let _ = writeln!(
        rest,
        "sinew: out of memory: could not allocate {size} bytes; close other programs, raise the limit \
         (`ulimit -v`, or that of the container), or give it less to do at once"
    );
    let left = rest.len();
    let length = line.len() - left;
    let _ = std::io::stderr().write_all(&line[..length]);
    leave()
}

#[cfg(unix)]
mod unix {
    use super::{first_to_leave, leave};
    use crate::files::mapped_at;
    use std::ffi::{c_int, c_void};
    use std::io::Write;
    use std::mem::{MaybeUninit, zeroed};
    use std::sync::OnceLock;

    /// What was there before, for bus errors of other causes.
    static BEFORE: OnceLock<libc::sigaction> = OnceLock::new();

    pub fn install() {
        // SAFETY: a zeroed sigaction is a valid one, the handler has the signature that SA_SIGINFO asks for, and SIGXFSZ
        // is ignored so that the write that is too long is refused instead.
        unsafe {
            libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
            let mut handler: libc::sigaction = zeroed();
            handler.sa_sigaction = bus_error as *const () as usize;
            handler.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            let mut before = MaybeUninit::uninit();
            if libc::sigaction(libc::SIGBUS, &handler, before.as_mut_ptr()) == 0 {
                let _ = BEFORE.set(before.assume_init());
            }
        }
    }

    /// Names the mapped file that is shorter than it was. The thread that comes here was reading that file, in the middle of
    /// nothing else, so that it may do what any code may.
    extern "C" fn bus_error(signal: c_int, info: *mut libc::siginfo_t, _: *mut c_void) {
        // SAFETY: the system hands over what SA_SIGINFO promises.
        let address = unsafe { (*info).si_addr() }.addr();
        let Some(name) = mapped_at(address) else {
            // Somebody else's fault: it comes again, and finds the handler that was there before.
            if let Some(before) = BEFORE.get() {
                // SAFETY: this handler was in place once already.
                unsafe { libc::sigaction(signal, before, std::ptr::null_mut()) };
            }
            return;
        };
        first_to_leave();
        let mut error = std::io::stderr();
        for part in [
            "sinew: ",
            name,
            ": cut short while it was read, or its disk failed; restore the file, and run the command again\n",
        ] {
            let _ = error.write_all(part.as_bytes());
        }
        leave()
    }
}
