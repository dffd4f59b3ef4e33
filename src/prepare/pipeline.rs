//! Clips parsed on many threads, taken in their order on one, with a bound on what waits in between.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};
use crate::formats::{Catalogue, Recording};

/// Bytes of parsed clips that may wait for their turn, beside one clip a thread.
const WAITING: usize = 128 << 20;

/// Clips between the threads that parse and the one that takes them.
#[derive(Default)]
struct Queue {
    ready: BTreeMap<usize, Result<Recording>>,
    /// Bytes of the clips that are ready.
    bytes: usize,
    /// The clip whose turn it is.
    turn: usize,
    /// Nobody takes clips any more.
    stopped: bool,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
    next: AtomicUsize,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // The queue is sound after every statement that changes it.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, guard: MutexGuard<'a, Queue>) -> MutexGuard<'a, Queue> {
        self.changed
            .wait(guard)
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }
}

/// Wakes the others when a thread ends by a panic, which would otherwise leave them waiting for its clip.
struct StopOnPanic<'a>(&'a Shared);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop();
        }
    }
}

/// Parses the clips from number `first` on, on `threads` threads (0: all cores), and hands each, in order, with its
/// number to `take`, until that fails.
pub(super) fn run(
    catalogue: &Catalogue,
    first: usize,
    threads: usize,
    progress: &(dyn Fn(usize, usize) + Sync),
    mut take: impl FnMut(usize, Result<Recording>) -> Result<()> + Send,
) -> Result<()> {
    let items = &catalogue.items;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = if threads == 0 { cores } else { threads }.clamp(1, items.len().max(1));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.map_err(|error| {
        Error::setting(
            format!("{threads} threads cannot be had: {error}"),
            "ask for fewer",
        )
    })?;
    let shared = Shared {
        next: AtomicUsize::new(first),
        ..Shared::default()
    };
    shared.lock().turn = first;
    pool.in_place_scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|_| {
                let _guard = StopOnPanic(&shared);
                parse(catalogue, &shared);
            });
        }
        let _guard = StopOnPanic(&shared);
        for index in first..items.len() {
            let Some(recording) = next(&shared, index) else {
                break;
            };
            if let Err(error) = take(index, recording) {
                shared.stop();
                return Err(error);
            }
            progress(index + 1, items.len());
        }
        Ok(())
    })
}

/// Waits for the clip whose turn it is; none when a parsing thread is lost.
fn next(shared: &Shared, index: usize) -> Option<Result<Recording>> {
    let mut queue = shared.lock();
    loop {
        if let Some(recording) = queue.ready.remove(&index) {
            queue.bytes -= size(&recording);
            queue.turn = index + 1;
            shared.changed.notify_all();
            return Some(recording);
        }
        if queue.stopped {
            return None;
        }
        queue = shared.wait(queue);
    }
}

/// One thread: parses clip after clip, and waits while too much is ready, unless its own clip's turn has come.
fn parse(catalogue: &Catalogue, shared: &Shared) {
    let mut reader = catalogue.reader();
    loop {
        let index = shared.next.fetch_add(1, Ordering::Relaxed);
        let Some(item) = catalogue.items.get(index) else {
            return;
        };
        let recording = reader.read(item);
        let bytes = size(&recording);
        let mut queue = shared.lock();
        while !queue.stopped && queue.turn != index && queue.bytes + bytes > WAITING {
            queue = shared.wait(queue);
        }
        if queue.stopped {
            return;
        }
        queue.bytes += bytes;
        queue.ready.insert(index, recording);
        shared.changed.notify_all();
    }
}

fn size(recording: &Result<Recording>) -> usize {
    recording
        .as_ref()
        .map_or(0, |recording| recording.clip.data.len() * 4)
}
