//! What a long-running function reports while it works.

/// A report from [`prepare()`](crate::prepare()), [`evaluate()`](crate::evaluate()), [`predict()`](crate::predict()) and
/// others. Training has events of its own: [`train::Event`](crate::train::Event).
/// Later versions can add variants.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Part of the work is done: clips, or batches of clips.
    Progress {
        /// Units done so far.
        done: usize,
        /// Units in total.
        total: usize,
    },
    /// About how much will be written to disk; sent before anything is written.
    Output {
        /// Bytes.
        bytes: u64,
    },
    /// A choice that was made, such as the device.
    Note(String),
    /// Something that looks wrong but does not stop the work.
    Warning(String),
}
