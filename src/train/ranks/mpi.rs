//! Ranks as the processes that `mpirun` starts.

use super::{Rank, Ranks, launched};
use crate::error::{Error, Result};
use mpi::Threading;
use mpi::collective::SystemOperation;
use mpi::datatype::Equivalence;
use mpi::environment::{Universe, initialize_with_threading};
use mpi::traits::{Buffer, BufferMut, Communicator, CommunicatorCollectives, Root};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Values of one call: MPI counts in 32 bits.
const CALL: usize = 1 << 28;

struct Mpi {
    rank: Rank,
    /// One thread at a time may call MPI, which ends when this is dropped. Its own errors end the process.
    universe: Mutex<Universe>,
}

/// Joins the processes that `mpirun` started.
pub fn open() -> Result<Arc<dyn Ranks>> {
    let Some((universe, threading)) = initialize_with_threading(Threading::Serialized) else {
        let what = "MPI was initialised in this process already";
        return Err(Error::failed(what, "open the ranks once"));
    };
    let world = universe.world();
    let here = world.split_shared(world.rank());
    let [index, count, local_index, local_count] =
        [world.rank(), world.size(), here.rank(), here.size()].map(|n| n as usize);
    drop(here);
    if count < launched() {
        let what = format!(
            "mpirun started {} processes, and MPI sees {count}",
            launched()
        );
        let help = "use the mpirun of the MPI library that this sinew was built with";
        return Err(Error::failed(what, help));
    }
    if threading < Threading::Serialized {
        let what = "this MPI library allows no threads beside its own";
        return Err(Error::failed(
            what,
            "use one that has MPI_THREAD_SERIALIZED",
        ));
    }
    Ok(Arc::new(Mpi {
        rank: Rank {
            index,
            count,
            local_index,
            local_count,
        },
        universe: Mutex::new(universe),
    }))
}

impl Mpi {
    fn universe(&self) -> MutexGuard<'_, Universe> {
        self.universe.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every algorithm of Open MPI's all-reduce sums a value in one place or in the same tree everywhere, so that all
    /// ranks get the same bits; [`super::check_same_weights`] checks it.
    fn reduce<T: Equivalence + Clone>(&self, values: &mut [T])
    where
        [T]: Buffer + BufferMut,
    {
        let universe = self.universe();
        for values in values.chunks_mut(CALL) {
            let mine = values.to_vec();
            universe
                .world()
                .all_reduce_into(&mine[..], values, SystemOperation::sum());
        }
    }
}

impl Ranks for Mpi {
    fn rank(&self) -> Rank {
        self.rank
    }

    fn sum(&self, values: &mut [f32]) {
        self.reduce(values);
    }

    fn sum_doubles(&self, values: &mut [f64]) {
        self.reduce(values);
    }

    fn broadcast(&self, mut message: Vec<u8>) -> Vec<u8> {
        let universe = self.universe();
        let world = universe.world();
        let first = world.process_at_rank(0);
        let mut length = message.len() as u64;
        first.broadcast_into(&mut length);
        message.resize(length as usize, 0);
        for part in message.chunks_mut(CALL) {
            first.broadcast_into(part);
        }
        message
    }

    fn abort(&self, code: u8) {
        self.universe().world().abort(code.into());
    }
}

impl Drop for Mpi {
    fn drop(&mut self) {
        // The others wait for a rank that will never come: MPI would wait with them.
        if std::thread::panicking() {
            self.abort(1);
        }
    }
}
