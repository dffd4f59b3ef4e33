//! Benchmark of the loader, alone and with a consumer that simulates a device.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::synthetic::prepare_synthetic;
use crate::error::Result;
use crate::files::Scratch;
use crate::loader::{Batches, Loader};
use crate::settings::{Augment, Centre, Data, Preset, Settings};
use crate::shards::Prepared;

/// Options of the benchmark.
#[derive(Debug, Clone)]
pub struct LoaderBench {
    /// Prepared data; `None` generates synthetic data.
    pub data: Option<PathBuf>,
    /// Batch size, in samples.
    pub batch: usize,
    /// Time per batch of the simulated device.
    pub step: Duration,
    /// Duration of each of the three measurements.
    pub time: Duration,
    /// Number of loader threads; 0 uses all cores.
    pub threads: usize,
}

/// Results for the sampling and centring of the preset `reference` (for layouts other than 25 joints, each frame is centred),
/// T = 100, with all augmentations.
#[derive(Debug, Clone, Serialize)]
pub struct LoaderResults {
    /// Number of clips.
    pub clips: usize,
    /// Batch size, in samples.
    pub batch: usize,
    /// Shape of a sample: steps, joints, channels.
    pub shape: [usize; 3],
    /// Number of loader threads.
    pub threads: usize,
    /// Samples per second, without a consumer that slows the loader down.
    pub clips_per_s: f64,
    /// Throughput in MB/s (10⁶ bytes per second).
    pub mb_per_s: f64,
    /// Throughput of a single thread in MB/s.
    pub mb_per_s_core: f64,
    /// Time per batch of the simulated device, in milliseconds.
    pub step_ms: f64,
    /// Fraction of the time that the simulated device waited for batches.
    pub data_wait: f64,
    /// Number of cores at which it would not wait, extrapolated from one thread.
    pub cores_for_none: usize,
}

/// Number of synthetic clips.
const CLIPS: usize = 1024;

/// Measures one thread, all threads, and all threads with a simulated device.
///
/// # Errors
/// If the data cannot be read, or a temporary folder cannot be written.
pub fn measure(options: &LoaderBench) -> Result<LoaderResults> {
    let place = Scratch::create(&std::env::temp_dir(), "sinew-bench-")?;
    let folder = match &options.data {
        Some(folder) => folder.clone(),
        None => prepare_synthetic(&place.path().join("synthetic"), CLIPS)?,
    };
    let prepared = Arc::new(Prepared::open(folder)?);
    let clips: Vec<usize> = (0..prepared.len()).collect();
    let settings = Settings::preset(Preset::Reference)?.data.complete()?;
    let layout = &prepared.manifest().layout;
    // The centring of the reference uses fixed joint numbers of Kinect v2.
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
    let one = consume(&loader(1)?, Duration::ZERO, options.time)?;
    let many = loader(threads)?;
    let all = consume(&many, Duration::ZERO, options.time)?;
    let paced = consume(&many, options.step, options.time)?;
    let shape = many.shape();
    let row = shape.iter().product::<usize>() as f64 * 4.0;
    let wanted = options.batch as f64 / options.step.as_secs_f64();
    Ok(LoaderResults {
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

struct Throughput {
    rows_per_s: f64,
    /// Fraction of the time spent waiting.
    waited: f64,
}

/// Takes batches for a while, over several epochs if necessary, and sleeps for `step` between them.
fn consume(loader: &Loader, step: Duration, time: Duration) -> Result<Throughput> {
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
    // Not timed: no batch is ready at the start.
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
    Ok(Throughput {
        rows_per_s: rows as f64 / seconds,
        waited: waited.as_secs_f64() / seconds,
    })
}
