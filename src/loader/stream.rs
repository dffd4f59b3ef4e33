//! Batches assembled in the background.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use rayon::prelude::*;

use super::row::{Batch, Maker, Sample};
use super::{Sequence, features, people, purpose, sampling};
use crate::error::{Error, Result};
use crate::rng::Rng;
use crate::settings::{Augment, Data, People, Sampling};
use crate::shards::Prepared;

/// The samples of a set of clips, in batches.
///
/// A loader of training clips gives each epoch another order and other random changes; one of test clips gives its
/// clips in order, every time alike. The last batch of either holds what is left and can be smaller.
#[derive(Debug)]
pub struct Loader {
    work: Arc<Work>,
    threads: usize,
    share: Share,
}

/// A rank's share of every batch: neighbouring rows, as many as the other ranks have or one more or less.
#[derive(Debug, Clone, Copy)]
struct Share {
    rank: usize,
    ranks: usize,
}

impl Share {
    /// Where it lies in a batch of `rows`. The first rank's is the largest.
    fn of(self, rows: usize) -> std::ops::Range<usize> {
        let end = |ranks: usize| ranks * (rows / self.ranks) + ranks.min(rows % self.ranks);
        end(self.rank)..end(self.rank + 1)
    }
}

#[derive(Debug)]
struct Work {
    prepared: Arc<Prepared>,
    maker: Maker,
    samples: Vec<Sample>,
    batch: usize,
}

impl Loader {
    /// A loader for training: shuffled, augmented.
    ///
    /// Clips whose number of samples the manifest does not tell are read once, in parallel, to count them. `threads`
    /// is that of the background threads, 0 for as many as compute; the batches are the same for any.
    ///
    /// # Errors
    /// A clip that cannot be read, or that the settings do not suit.
    pub fn train(
        prepared: Arc<Prepared>,
        clips: &[usize],
        data: &Data,
        augment: &Augment,
        (batch, seed, threads): (usize, u64, usize),
    ) -> Result<Self> {
        Loader::new(prepared, clips, data, Some(augment), (batch, seed, threads))
    }

    /// A loader for testing: in the order of `clips`, each with all its people and `data.test_clips` samplings, its
    /// rows side by side.
    ///
    /// # Errors
    /// As for [`Loader::train`].
    pub fn eval(
        prepared: Arc<Prepared>,
        clips: &[usize],
        data: &Data,
        (batch, seed, threads): (usize, u64, usize),
    ) -> Result<Self> {
        Loader::new(prepared, clips, data, None, (batch, seed, threads))
    }

    fn new(
        prepared: Arc<Prepared>,
        clips: &[usize],
        data: &Data,
        augment: Option<&Augment>,
        (batch, seed, threads): (usize, u64, usize),
    ) -> Result<Self> {
        let layout = prepared.manifest().layout.clone();
        let maker = Maker::new(layout, data.clone(), augment.cloned(), seed);
        let each: Vec<Vec<Sample>> = clips
            .par_iter()
            .map(|&clip| samples(&prepared, &maker, clip))
            .collect::<Result<_>>()?;
        let threads = match threads {
            // More lanes than this would only hold more batches.
            0 => rayon::current_num_threads().min(8),
            some => some,
        };
        let work = Work {
            prepared,
            maker,
            samples: each.concat(),
            batch: batch.max(1),
        };
        Ok(Loader {
            work: Arc::new(work),
            threads,
            share: Share { rank: 0, ranks: 1 },
        })
    }

    /// The same batches dealt out: of each, this loader makes only the rows of rank number `rank` of `ranks`. A batch of
    /// fewer rows than ranks leaves some of them without.
    #[must_use]
    pub fn dealt(mut self, rank: usize, ranks: usize) -> Self {
        let ranks = ranks.max(1);
        let rank = rank.min(ranks - 1);
        self.share = Share { rank, ranks };
        self
    }

    /// Samples of an epoch.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.work.samples.len()
    }

    /// Batches of an epoch.
    #[must_use]
    pub fn batches(&self) -> usize {
        self.samples().div_ceil(self.work.batch)
    }

    /// Steps, joints and channels of every row.
    #[must_use]
    pub fn shape(&self) -> [usize; 3] {
        let maker = &self.work.maker;
        [
            maker.data.frames,
            maker.layout.len(),
            features::channels(&maker.data),
        ]
    }

    /// The batches of an epoch from number `from` on, the same as those of the whole epoch. A loader for testing has
    /// the same epoch every time.
    #[must_use]
    pub fn epoch(&self, epoch: u64, from: usize) -> Batches {
        let work = &self.work;
        let training = work.maker.augment.is_some();
        let mut order: Vec<u32> = (0..work.samples.len() as u32).collect();
        if training {
            Rng::new(work.maker.seed, &[purpose::ORDER, epoch]).shuffle(&mut order);
        }
        let order: Arc<[u32]> = order.into();
        let count = self.batches().saturating_sub(from);
        let threads = self.threads.min(count);
        // With few threads each may finish a batch beyond the one that it offers; more would only take memory.
        let ahead = usize::from(threads < 3);
        let epoch = training.then_some(epoch);
        let lanes = (0..threads).map(|lane| {
            let (sender, receiver) = sync_channel(ahead);
            let (work, order, share) = (Arc::clone(work), Arc::clone(&order), self.share);
            let numbers = (from + lane..from + count).step_by(threads);
            let run = move || work.run(&order, epoch, share, numbers, &sender);
            match std::thread::Builder::new().spawn(run) {
                Ok(thread) => Lane {
                    receiver: Some(receiver),
                    thread: Some(thread),
                },
                Err(error) => Lane::failed(Error::threads(error)),
            }
        });
        Batches {
            lanes: lanes.collect(),
            next: 0,
            count,
        }
    }
}

/// The samples of one clip.
fn samples(prepared: &Prepared, maker: &Maker, clip: usize) -> Result<Vec<Sample>> {
    let data = &maker.data;
    let training = maker.augment.is_some();
    let bodies = prepared
        .manifest()
        .clips
        .get(clip)
        .map(|entry| entry.bodies);
    let known = data.people == People::Concatenate || bodies == Some(1);
    let lengths: Vec<usize> = if known && data.sampling != Sampling::Ends {
        vec![0]
    } else {
        people::sequences(&prepared.clip(clip)?, data)
            .iter()
            .map(|s| s.frames)
            .collect()
    };
    let mut samples = Vec::new();
    for person in people::used(&lengths, data.sampling, training) {
        let length = lengths.get(person).copied().unwrap_or(0);
        let numbers = if training {
            sampling::windows(data.sampling, length, data.frames)
        } else {
            sampling::draws(data.sampling, data.test_clips)
        };
        samples.extend((0..numbers).map(|number| Sample {
            clip,
            person,
            number,
        }));
    }
    Ok(samples)
}

impl Work {
    /// Assembles the batches of one lane until all are sent or nobody listens.
    fn run(
        &self,
        order: &[u32],
        epoch: Option<u64>,
        share: Share,
        numbers: impl Iterator<Item = usize>,
        sender: &SyncSender<Result<Batch>>,
    ) {
        for number in numbers {
            let start = (number * self.batch).min(order.len());
            let end = (start + self.batch).min(order.len());
            let global = order.get(start..end).unwrap_or_default();
            let mine = share.of(global.len());
            let (before, after) = (mine.start, global.len() - mine.end);
            let batch = self.assemble(&global[mine], epoch).map(|batch| Batch {
                before,
                after,
                ..batch
            });
            let failed = batch.is_err();
            if sender.send(batch).is_err() || failed {
                return;
            }
        }
    }

    fn assemble(&self, order: &[u32], epoch: Option<u64>) -> Result<Batch> {
        let mut batch = self.maker.batch();
        batch
            .x
            .reserve_exact(order.len() * batch.frames * batch.joints * batch.channels);
        // In testing a clip's rows follow each other, so it is read once for all of them.
        let mut open: Option<(usize, usize, Vec<Sequence>)> = None;
        for sample in order
            .iter()
            .filter_map(|&index| self.samples.get(index as usize))
        {
            let (label, sequences) = match &open {
                Some((clip, label, sequences)) if *clip == sample.clip => (*label, sequences),
                _ => {
                    let clip = self.prepared.clip(sample.clip)?;
                    let sequences = self.maker.sequences(&clip)?;
                    let (_, label, sequences) = open.insert((sample.clip, clip.label, sequences));
                    (*label, &*sequences)
                }
            };
            if let Some(sequence) = sequences.get(sample.person) {
                self.maker
                    .write(sequence, *sample, label, epoch, &mut batch);
            }
        }
        Ok(batch)
    }
}

/// The batches of an epoch in order, made ahead by background threads, which stop when this is dropped.
#[derive(Debug)]
pub struct Batches {
    /// Batch n comes from lane n modulo their number.
    lanes: Vec<Lane>,
    next: usize,
    count: usize,
}

#[derive(Debug)]
struct Lane {
    receiver: Option<Receiver<Result<Batch>>>,
    thread: Option<JoinHandle<()>>,
}

impl Lane {
    /// A lane without a thread, which gives the reason in the place of its first batch.
    fn failed(error: Error) -> Self {
        let (sender, receiver) = sync_channel(1);
        // There is room for one, and the receiver is here.
        let _ = sender.send(Err(error));
        Lane {
            receiver: Some(receiver),
            thread: None,
        }
    }
}

impl Iterator for Batches {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.count {
            return None;
        }
        let lanes = self.lanes.len().max(1);
        let lane = self.lanes.get_mut(self.next % lanes)?;
        match lane.receiver.as_ref()?.recv() {
            Ok(batch) => {
                self.next = if batch.is_ok() {
                    self.next + 1
                } else {
                    self.count
                };
                Some(batch)
            }
            // The thread is gone without an answer: it panicked, and so must whoever waits for it.
            Err(_) => match lane.thread.take().map(JoinHandle::join) {
                Some(Err(panic)) => std::panic::resume_unwind(panic),
                _ => None,
            },
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.count - self.next))
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        // All receivers first: a lane that waits to send then ends at once.
        self.lanes.iter_mut().for_each(|lane| lane.receiver = None);
        for thread in self.lanes.iter_mut().filter_map(|lane| lane.thread.take()) {
            // A panic here was either seen by `next` already or concerns a batch that nobody wants.
            let _ = thread.join();
        }
    }
}
