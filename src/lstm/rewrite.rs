//! Rewrites the text of kernels, for tests: a kernel that the device does not support can run there as other WGSL.

use std::cell::Cell;
use std::sync::{Mutex, PoisonError};

type Text = Box<dyn Fn(String) -> String + Send>;

/// The rewrites of this process, by their numbers.
static ALL: Mutex<Vec<Text>> = Mutex::new(Vec::new());

thread_local! {
    static ACTIVE: Cell<Option<Rewrite>> = const { Cell::new(None) };
}

/// A rewrite of kernels' texts, which is part of a kernel's cache id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rewrite(usize);

impl Rewrite {
    /// Registers a rewrite. Do this once per process: compiled kernels are cached by its number.
    pub fn new(text: impl Fn(String) -> String + Send + 'static) -> Self {
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(Box::new(text));
        Rewrite(all.len() - 1)
    }

    /// Runs `work`, and rewrites every kernel that this thread launches meanwhile.
    pub fn during<T>(self, work: impl FnOnce() -> T) -> T {
        struct Reset(Option<Rewrite>);
        impl Drop for Reset {
            fn drop(&mut self) {
                ACTIVE.set(self.0);
            }
        }
        let _reset = Reset(ACTIVE.replace(Some(self)));
        work()
    }

    pub(super) fn apply(self, text: String) -> String {
        let all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get(self.0) {
            Some(rewrite) => rewrite(text),
            None => text,
        }
    }
}

/// The active rewrite of this thread; always `None` outside of tests.
pub(super) fn active() -> Option<Rewrite> {
    ACTIVE.get()
}
