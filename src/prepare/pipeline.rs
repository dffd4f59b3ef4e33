//! Parses clips on many threads and delivers them in order on one, with bounded memory in between.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};
use crate::formats::{Catalogue, Recording};

/// Limit on the size of parsed clips in the queue, in bytes, in addition to one group per thread.
const WAITING: usize = 128 << 20;
/// Number of clips that a thread parses before it takes the lock, and the size in bytes that ends a group earlier.
const GROUP: usize = 16;
const GROUP_BYTES: usize = 4 << 20;

/// Parsed clips that have not been delivered yet.
#[derive(Default)]
struct Queue {
    ready: BTreeMap<usize, Result<Recording>>,
    /// Size of the clips in `ready`, in bytes.
    bytes: usize,
    /// Index of the next clip to deliver.
    turn: usize,
    /// Set when no more clips will be taken.
    stopped: bool,
}

impl Queue {
    /// Takes the next clip in order, if it is ready.
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
        // The queue is consistent after every statement that changes it.
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

/// Stops the other threads if one panics; they would wait forever for its clip.
struct StopOnPanic<'a>(&'a Shared);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop();
        }
    }
}

/// Parses the clips from index `first` on with `threads` threads (0: all cores), and passes each with its index, in order, to
/// `take`, until `take` returns an error. `progress` receives (clips done, total clips).
///
/// # Errors
/// Any error of `take`; [`Error::Failed`] if no threads can be started.
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
                parse_groups(catalogue, &shared);
            });
        }
        let _guard = StopOnPanic(&shared);
        let mut index = first;
        while index < items.len() {
            let Some(recordings) = wait_for_next(&shared) else {
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

/// Waits for the next clip in order, and takes it and those that follow it; `None` if a parsing thread panicked.
fn wait_for_next(shared: &Shared) -> Option<Vec<Result<Recording>>> {
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

/// One thread: parses groups of clips. It waits while the queue is full, unless its own group is the next to be delivered.
fn parse_groups(catalogue: &Catalogue, shared: &Shared) {
    let mut reader = catalogue.reader();
    loop {
        let start = shared.next.fetch_add(GROUP, Ordering::Relaxed);
        let end = catalogue.items.len().min(start.saturating_add(GROUP));
        if start >= end {
            return;
        }
        let (mut group, mut bytes) = (Vec::new(), 0);
        for index in start..end {
            let recording = reader.read(&catalogue.items[index]);
            bytes += size(&recording);
            group.push((index, recording));
            if index + 1 < end && bytes < GROUP_BYTES {
                continue;
            }
            let mut queue = shared.lock();
            let turn = group[0].0;
            while !queue.stopped && queue.turn != turn && queue.bytes + bytes > WAITING {
                queue = shared.wait(queue);
            }
            if queue.stopped {
                return;
            }
            queue.bytes += std::mem::take(&mut bytes);
            queue.ready.extend(group.drain(..));
            shared.changed.notify_all();
        }
    }
}

/// Size of the coordinates, in bytes.
fn size(recording: &Result<Recording>) -> usize {
    recording
        .as_ref()
        .map_or(0, |recording| recording.clip.data.len() * 4)
}
