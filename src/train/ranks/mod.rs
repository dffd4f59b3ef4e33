//! The ranks that train one run together: each a process with the whole model on a device of its own.
//!
//! Every global batch is dealt out among them, their gradients are summed before each update, and as all begin with the
//! same weights, all keep the same ones. The first rank alone writes to the run's folder.

mod buckets;
#[cfg(feature = "mpi")]
mod mpi;

pub use buckets::sum_gradients;

use crate::error::{Error, Result};
use crate::files::Numbers;
use std::collections::BTreeMap;
use std::sync::Arc;
use xxhash_rust::xxh3::Xxh3;

/// Which of the ranks this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rank {
    /// Its number, from 0.
    pub number: usize,
    /// Ranks in all.
    pub of: usize,
    /// Its number among those on this machine, from 0.
    pub local: usize,
    /// Ranks on this machine.
    pub locals: usize,
}

impl Rank {
    /// The one rank that there is otherwise.
    pub const ALONE: Rank = Rank {
        number: 0,
        of: 1,
        local: 0,
        locals: 1,
    };

    /// Whether it is the one that decides, tells and saves.
    #[must_use]
    pub fn leads(&self) -> bool {
        self.number == 0
    }
}

/// What ranks say to each other. All of them make the same calls in the same order; each call waits for the others.
pub trait Ranks: Send + Sync {
    /// Which one this is.
    fn rank(&self) -> Rank;

    /// Replaces each value by its sum over the ranks, which is the same to the last bit at all of them.
    fn sum(&self, values: &mut [f32]);

    /// The same in double precision, for a few numbers.
    fn sum_doubles(&self, values: &mut [f64]);

    /// The message of the first rank, at all of them; what the others bring is dropped.
    fn tell(&self, message: Vec<u8>) -> Vec<u8>;

    /// Ends every rank's process with an exit code, wherever it waits; does nothing where there is one.
    fn abort(&self, code: u8);

    /// Whether any rank says yes.
    fn any(&self, yes: bool) -> bool {
        let mut sum = [f64::from(u8::from(yes))];
        self.sum_doubles(&mut sum);
        sum[0] > 0.0
    }

    /// The values of all ranks behind each other, in their order.
    fn gather(&self, mine: Vec<f64>) -> Vec<f64> {
        let Rank { number, of, .. } = self.rank();
        let mut counts = vec![0.0; of];
        counts[number] = mine.len() as f64;
        self.sum_doubles(&mut counts);
        let [before, all] = [number, of].map(|n| counts[..n].iter().sum::<f64>() as usize);
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

/// One rank, for whom there is nobody to wait.
struct Alone;

impl Ranks for Alone {
    fn rank(&self) -> Rank {
        Rank::ALONE
    }

    fn sum(&self, _values: &mut [f32]) {}

    fn sum_doubles(&self, _values: &mut [f64]) {}

    fn tell(&self, message: Vec<u8>) -> Vec<u8> {
        message
    }

    fn abort(&self, _code: u8) {}
}

/// One rank, which trains by itself.
#[must_use]
pub fn alone() -> Arc<dyn Ranks> {
    Arc::new(Alone)
}

/// The ranks that this process was started among: those of `mpirun`, else itself alone.
///
/// # Errors
/// [`Error::Failed`] where `mpirun` started several and this program cannot reach the others.
pub fn open() -> Result<Arc<dyn Ranks>> {
    #[cfg(feature = "mpi")]
    if launched() > 1 || std::env::var_os("PMIX_RANK").is_some() {
        return mpi::open();
    }
    match launched() {
        0 | 1 => Ok(alone()),
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

/// Refuses parameters that are not the same bits at all ranks, as those of unlike devices become.
///
/// # Errors
/// [`Error::Failed`], at all ranks.
pub fn same_everywhere(ranks: &dyn Ranks, parameters: &BTreeMap<String, Numbers>) -> Result<()> {
    if ranks.rank().of == 1 {
        return Ok(());
    }
    let mut hash = Xxh3::new();
    for (_, values) in parameters.values() {
        hash.update(bytemuck::cast_slice(values));
    }
    let mine = hash.digest().to_le_bytes().to_vec();
    let first = ranks.tell(mine.clone());
    if !ranks.any(mine != first) {
        return Ok(());
    }
    Err(Error::failed(
        "the ranks' weights are not the same any more",
        "give every rank the same kind of device, driver and program, and resume",
    ))
}
