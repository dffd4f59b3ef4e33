//! Clips parsed on many threads, taken in their order on one, with a bound on what waits in between.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};
use crate::formats::{Catalogue, Recording};

/// Bytes of parsed clips that may wait for their turn, beside one run a thread.
const WAITING: usize = 128 << 20;
/// Clips that a thread parses in a run before it hands them over, since each time costs a lock and a wake-up, and the
/// bytes that end a run before.
const RUN: usize = 16;
const RUN_BYTES: usize = 4 << 20;

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

impl Queue {
    /// The clip whose turn it is, if it is ready; the next one's turn follows.
    fn take(&mut self) -> Option<Result<Recording>> {
        let recording = self.ready.remove(&self.turn)?;
        self.bytes -= size(&recording);
        self.turn += 1;
        Some(recording)
    }
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
pub(super) fn parse_in_order(
    catalogue: &Catalogue,
    first: usize,
    threads: usize,
    progress: &mut dyn FnMut(usize, usize),
    mut take: impl FnMut(usize, Result<Recording>) -> Result<()>,
) -> Result<()> {
    let items = &catalogue.items;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = if threads == 0 { cores } else { threads }.clamp(1, items.len().max(1));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.map_err(Error::threads)?;
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
        let mut index = first;
        while index < items.len() {
            let Some(recordings) = next(&shared) else {
                break;
            };
            for recording in recordings {
                if let Err(error) = take(index, recording) {
                    shared.stop();
                    return Err(error);
                }
                index += 1;
                progress(index, items.len());
            }
        }
        Ok(())
    })
}

/// Waits for the clip whose turn it is, and takes it and those that follow; none when a parsing thread is lost.
fn next(shared: &Shared) -> Option<Vec<Result<Recording>>> {
    let mut queue = shared.lock();
    loop {
        let taken: Vec<_> = std::iter::from_fn(|| queue.take()).collect();
        if !taken.is_empty() {
            shared.changed.notify_all();
            return Some(taken);
        }
        if queue.stopped {
            return None;
        }
        queue = shared.wait(queue);
    }
}

/// One thread: parses run after run, and waits while too much is ready, unless the turn of its own has come.
fn parse(catalogue: &Catalogue, shared: &Shared) {
    let mut reader = catalogue.reader();
    loop {
        let start = shared.next.fetch_add(RUN, Ordering::Relaxed);
        let end = catalogue.items.len().min(start.saturating_add(RUN));
        if start >= end {
            return;
        }
        let (mut run, mut bytes) = (Vec::new(), 0);
        for index in start..end {
            let recording = reader.read(&catalogue.items[index]);
            bytes += size(&recording);
            run.push((index, recording));
            if index + 1 < end && bytes < RUN_BYTES {
                continue;
            }
            let mut queue = shared.lock();
            let turn = run[0].0;
            while !queue.stopped && queue.turn != turn && queue.bytes + bytes > WAITING {
                queue = shared.wait(queue);
            }
            if queue.stopped {
                return;
            }
            queue.bytes += std::mem::take(&mut bytes);
            queue.ready.extend(run.drain(..));
            shared.changed.notify_all();
        }
    }
}

fn size(recording: &Result<Recording>) -> usize {
    recording
        .as_ref()
        .map_or(0, |recording| recording.clip.data.len() * 4)
}
