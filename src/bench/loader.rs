//! The loader in front of a consumer that plays a fast device.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::made::made;
use crate::error::Result;
use crate::files::Scratch;
use crate::loader::{Batches, Loader};
use crate::settings::{Augment, Centre, Data, Preset, Settings};
use crate::shards::Prepared;

/// What to measure.
#[derive(Debug, Clone)]
pub struct Options {
    /// Prepared data; none makes some.
    pub data: Option<PathBuf>,
    /// Rows of a batch.
    pub batch: usize,
    /// Time that the consumer takes over a batch.
    pub step: Duration,
    /// Time of each of the three measurements.
    pub time: Duration,
    /// Threads of the loader; 0 for all cores.
    pub threads: usize,
}

/// What was measured: `reference` sampling and centring (that of each frame for another skeleton than Kinect v2's 25
/// joints), T 100, every augmentation on.
#[derive(Debug, Clone, Serialize)]
pub struct Table {
    /// Clips of the data.
    pub clips: usize,
    /// Rows of a batch.
    pub batch: usize,
    /// Steps, joints and channels of a row.
    pub shape: [usize; 3],
    /// Threads of the loader.
    pub threads: usize,
    /// Finished rows a second, nobody making the loader wait.
    pub clips_per_s: f64,
    /// Bytes of them, in millions a second.
    pub mb_per_s: f64,
    /// The same with one thread: what a core gives.
    pub mb_per_s_core: f64,
    /// Milliseconds that the consumer takes over a batch.
    pub step_ms: f64,
    /// Share of its time that the consumer waited for a batch.
    pub data_wait: f64,
    /// Cores with which it would not wait, from what one core gives.
    pub cores_for_none: usize,
}

/// Most clips that are made where no data are given.
const CLIPS: usize = 1024;

/// Measures one thread alone, all threads, and all threads before the consumer.
///
/// # Errors
/// Data that cannot be read, or a temporary folder that cannot be written.
pub fn measure(options: &Options) -> Result<Table> {
    let place = Scratch::create(&std::env::temp_dir(), "sinew-bench-")?;
    let folder = match &options.data {
        Some(folder) => folder.clone(),
        None => made(&place.path().join("made"), CLIPS)?,
    };
    let prepared = Arc::new(Prepared::open(folder)?);
    let clips: Vec<usize> = (0..prepared.len()).collect();
    let settings = Settings::preset(Preset::Reference)?.data.complete()?;
    let layout = &prepared.manifest().layout;
    // The reference's own centring names the joints of Kinect v2.
    let centre = match layout.len() {
        25 => settings.centre,
        _ => Centre::Frame,
    };
    let data = Data { centre, ..settings };
    let augment = Augment {
        rotation: [0.3; 3],
        scale: 0.1,
        shear: 0.1,
        noise: 0.01,
        mirror: true,
        swap: true,
        crop: 0.0,
        probability: 1.0,
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = if options.threads == 0 {
        cores
    } else {
        options.threads
    };
    let loader = |threads: usize| {
        let how = (options.batch, 0, threads);
        Loader::train(Arc::clone(&prepared), &clips, &data, &augment, how)
    };
    let one = played(&loader(1)?, Duration::ZERO, options.time)?;
    let many = loader(threads)?;
    let all = played(&many, Duration::ZERO, options.time)?;
    let paced = played(&many, options.step, options.time)?;
    let shape = many.shape();
    let row = shape.iter().product::<usize>() as f64 * 4.0;
    let wanted = options.batch as f64 / options.step.as_secs_f64();
    Ok(Table {
        clips: clips.len(),
        batch: options.batch,
        shape,
        threads,
        clips_per_s: all.rows_per_s,
        mb_per_s: all.rows_per_s * row / 1e6,
        mb_per_s_core: one.rows_per_s * row / 1e6,
        step_ms: options.step.as_secs_f64() * 1e3,
        data_wait: paced.waited,
        cores_for_none: (wanted / one.rows_per_s).ceil() as usize,
    })
}

struct Played {
    rows_per_s: f64,
    /// Share of the time spent waiting.
    waited: f64,
}

/// Takes batches of epoch after epoch for a while, each `step` after the one before was there.
fn played(loader: &Loader, step: Duration, time: Duration) -> Result<Played> {
    let mut epoch = 0;
    let mut batches: Batches = loader.epoch(epoch, 0);
    let mut next = || -> Result<usize> {
        loop {
            if let Some(batch) = batches.next() {
                return Ok(batch?.labels.len());
            }
            epoch += 1;
            batches = loader.epoch(epoch, 0);
        }
    };
    // The first batch finds nothing made ahead, as at the start of any run.
    next()?;
    let started = Instant::now();
    let (mut rows, mut waited) = (0, Duration::ZERO);
    while started.elapsed() < time {
        std::thread::sleep(step);
        let asked = Instant::now();
        rows += next()?;
        waited += asked.elapsed();
    }
    let seconds = started.elapsed().as_secs_f64();
    Ok(Played {
        rows_per_s: rows as f64 / seconds,
        waited: waited.as_secs_f64() / seconds,
    })
}
