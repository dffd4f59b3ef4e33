//! The ranks that train one run together: each a process with the whole model on a device of its own.
//!
//! Every global batch is divided among them and their gradients are summed before each update; as all start with the same
//! weights, all keep the same ones. Only the first rank writes to the run's folder. `messages.rs` lists what they exchange.

mod buckets;
mod messages;
#[cfg(feature = "mpi")]
mod mpi;

pub use buckets::sum_gradients;
pub use messages::{
    check_same_weights, receive_checkpoint, receive_settings, send_checkpoint, send_settings,
    sum_validation,
};

use crate::error::{Error, Result};
use std::sync::Arc;

/// Which of the ranks this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rank {
    /// Its index among all ranks.
    pub index: usize,
    /// Number of ranks.
    pub count: usize,
    /// Its index among the ranks on this machine.
    pub local_index: usize,
    /// Number of ranks on this machine.
    pub local_count: usize,
}

impl Rank {
    /// The only rank, where one process trains.
    pub const SINGLE: Rank = Rank {
        index: 0,
        count: 1,
        local_index: 0,
        local_count: 1,
    };

    /// Whether it is the first rank, which decides, reports and saves.
    #[must_use]
    pub fn leads(&self) -> bool {
        self.index == 0
    }
}

/// The connection between ranks. All of them make the same calls in the same order; each call waits for the others.
pub trait Ranks: Send + Sync {
    /// Which one this is.
    fn rank(&self) -> Rank;

    /// Replaces each value by its sum over the ranks, which is the same to the last bit at all of them.
    fn sum(&self, values: &mut [f32]);

    /// The same in double precision, for a few numbers.
    fn sum_doubles(&self, values: &mut [f64]);

    /// The message of the first rank, at all of them; what the others pass is ignored.
    fn broadcast(&self, message: Vec<u8>) -> Vec<u8>;

    /// Ends every rank's process with an exit code, wherever it waits; does nothing where there is only one.
    fn abort(&self, code: u8);

    /// Whether any rank says yes.
    fn any(&self, yes: bool) -> bool {
        let mut sum = [f64::from(u8::from(yes))];
        self.sum_doubles(&mut sum);
        sum[0] > 0.0
    }

    /// The values of all ranks behind each other, in their order.
    fn gather(&self, mine: Vec<f64>) -> Vec<f64> {
        let Rank { index, count, .. } = self.rank();
        let mut counts = vec![0.0; count];
        counts[index] = mine.len() as f64;
        self.sum_doubles(&mut counts);
        let [before, all] = [index, count].map(|n| counts[..n].iter().sum::<f64>() as usize);
        let mut values = vec![0.0; all];
        values[before..][..mine.len()].copy_from_slice(&mine);
        self.sum_doubles(&mut values);
        values
    }

    /// Waits until all ranks are here.
    fn wait(&self) {
        self.any(false);
    }
}

/// The only rank, which waits for no other.
struct Single;

impl Ranks for Single {
    fn rank(&self) -> Rank {
        Rank::SINGLE
    }

    fn sum(&self, _values: &mut [f32]) {}

    fn sum_doubles(&self, _values: &mut [f64]) {}

    fn broadcast(&self, message: Vec<u8>) -> Vec<u8> {
        message
    }

    fn abort(&self, _code: u8) {}
}

/// A single rank: this process trains by itself.
#[must_use]
pub fn single() -> Arc<dyn Ranks> {
    Arc::new(Single)
}

/// The ranks that this process belongs to: those that `mpirun` started, otherwise this process alone.
///
/// # Errors
/// [`Error::Failed`] where `mpirun` started several and this program was built without MPI or cannot reach the others.
pub fn open() -> Result<Arc<dyn Ranks>> {
    #[cfg(feature = "mpi")]
    if launched() > 1 || std::env::var_os("PMIX_RANK").is_some() {
        return mpi::open();
    }
    match launched() {
        0 | 1 => Ok(single()),
        several => Err(Error::failed(
            format!("mpirun started {several} processes, and this sinew was built without MPI"),
            "build it with `cargo build --release --features mpi`, or start one process",
        )),
    }
}

/// Refuses to be one of several processes that would all do the same work.
///
/// # Errors
/// [`Error::Usage`] where `mpirun` started several.
pub fn refuse_several() -> Result<()> {
    match launched() {
        0 | 1 => Ok(()),
        several => Err(Error::usage(
            format!("mpirun started {several} processes, and only `sinew train` works on several"),
            "run this command without mpirun",
        )),
    }
}

/// Processes of which the launcher says that it started them together: Open MPI's, or one that follows MPICH.
fn launched() -> usize {
    ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"]
        .iter()
        .filter_map(|name| std::env::var(name).ok()?.parse().ok())
        .max()
        .unwrap_or(1)
}
