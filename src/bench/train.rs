//! Benchmark of the training step: loading a batch, forward, loss, backward, gradient clipping and the optimiser's update.

use super::kernels::floor::operations;
use super::kernels::shapes::of_architecture;
use super::synthetic::prepare_synthetic;
use super::times::Times;
use super::{Machine, guarded};
use crate::device::Compute;
use crate::error::{Error, Result};
use crate::files::Scratch;
use crate::loader::{Batch, Batches, Loader};
use crate::settings::{Preset, Protocol, ResolvedSettings, Settings, Spatial, Temporal};
use crate::shards::Prepared;
use crate::text::counted;
use crate::train::{Target, Trainee, rate, resolve_for_clips};
use burn::module::Module;
use serde::Serialize;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Number of untimed steps at the start, in which kernels are compiled, memory is allocated and the loader starts.
const WARM_UP: usize = 3;

/// Minimum number of synthetic clips: with few steps per epoch the benchmark would measure the start of the loader.
const CLIPS: usize = 512;

/// Synthetic training clips in a temporary folder.
pub struct SyntheticData {
    _folder: Scratch,
    prepared: Arc<Prepared>,
    clips: Vec<usize>,
}

impl SyntheticData {
    /// Generates enough clips for a batch of this size.
    ///
    /// # Errors
    /// If the temporary folder cannot be written.
    pub fn generate(batch: usize) -> Result<Self> {
        let place = Scratch::create(&std::env::temp_dir(), "sinew-bench-")?;
        let folder = prepare_synthetic(&place.path().join("synthetic"), batch.max(CLIPS))?;
        let prepared = Arc::new(Prepared::open(folder)?);
        Ok(SyntheticData {
            _folder: place,
            clips: (0..prepared.len()).collect(),
            prepared,
        })
    }

    /// Resolves settings as a training run does, with all clips as training clips. `note` receives a line if a kernel plan
    /// is chosen by benchmark.
    ///
    /// # Errors
    /// As [`resolve_for_clips`].
    pub fn resolve(
        &self,
        settings: &Settings,
        compute: &Compute,
        note: &mut dyn FnMut(String),
    ) -> Result<ResolvedSettings> {
        let mut settings = settings.clone();
        settings.run.protocol = Protocol::Xsub.into();
        let target = Target {
            prepared: &self.prepared,
            compute,
            ranks: 1,
            folder: self.prepared.folder(),
        };
        resolve_for_clips(&settings, &target, &self.clips, note)
    }
}

/// Results for one model variant.
#[derive(Debug, Clone, Serialize)]
pub struct VariantResult {
    /// `sinew`.
    pub name: &'static str,
    /// Temporal and spatial stream, such as `hierarchical+traversal`.
    pub variant: String,
    /// Kernel plan; `cpu` for the CPU engine.
    pub plan: String,
    /// Number format of the operands of matrix products.
    pub dtype: &'static str,
    /// Features of that format that the device's self-test disabled.
    pub notes: Vec<String>,
    /// Clips per step.
    pub batch: usize,
    /// T, the frames of a sample.
    pub frames: usize,
    /// Hidden units of the stacked, body and spatial layers.
    pub hidden: usize,
    /// Hidden units of the layer of a body part.
    pub part_hidden: usize,
    /// Number of trainable parameters.
    pub parameters: usize,
    /// Number of timed steps.
    pub steps: usize,
    /// Clips per second at the median step time.
    pub clips_per_s: f64,
    /// Clips per second at the ninetieth and the tenth percentile of the step times.
    pub clips_per_s_spread: [f64; 2],
    /// Median wall time of a step, in milliseconds.
    pub step_ms: f64,
    /// Tenth and ninetieth percentile of the step times.
    pub step_spread: [f64; 2],
    /// Fraction of the time spent waiting for the loader.
    pub data_wait: f64,
    /// GFLOP/s of the matrix products in the LSTM layers, forward and backward.
    pub gflops: f64,
    /// Training loss of the last step.
    pub loss: f64,
}

/// A variant that was not measured.
#[derive(Debug, Clone, Serialize)]
pub struct SkippedVariant {
    /// Temporal and spatial stream.
    pub variant: String,
    /// Reason.
    pub reason: String,
}

/// All results. The first row is repeated at the top level of the JSON.
#[derive(Debug, Clone, Serialize)]
pub struct TrainResults {
    /// The device.
    #[serde(flatten)]
    pub machine: Machine,
    /// Preset of the settings.
    pub preset: Preset,
    /// The first row.
    #[serde(flatten)]
    pub first: Option<VariantResult>,
    /// One row per variant.
    pub rows: Vec<VariantResult>,
    /// The variants that could not be measured.
    pub left_out: Vec<SkippedVariant>,
}

/// The name of a model variant, such as `hierarchical+traversal`.
pub fn variant(settings: &ResolvedSettings) -> String {
    let temporal = match settings.model.temporal {
        Temporal::Stacked => "stacked",
        Temporal::Hierarchical => "hierarchical",
    };
    let spatial = match settings.model.spatial {
        Spatial::Chain => "chain",
        Spatial::Traversal => "traversal",
    };
    format!("{temporal}+{spatial}")
}

/// Measures each variant in turn, for `steps` steps or as many as the time allows. `report` receives each result or skipped
/// variant.
///
/// # Errors
/// Any error of `report`. A variant that fails is skipped with the reason.
pub fn measure(
    compute: &Compute,
    data: &SyntheticData,
    variants: &[ResolvedSettings],
    (steps, time): (usize, Option<Duration>),
    report: &mut dyn FnMut(std::result::Result<&VariantResult, &SkippedVariant>) -> Result<()>,
) -> Result<TrainResults> {
    let begun = Instant::now();
    let (mut rows, mut left_out) = (Vec::new(), Vec::new());
    for (number, settings) in variants.iter().enumerate() {
        // Each variant gets an equal share of the remaining time.
        let share = time
            .map(|time| time.saturating_sub(begun.elapsed()) / (variants.len() - number) as u32);
        match guarded(|| measure_variant(compute, data, settings, steps, share)) {
            Ok(row) => {
                report(Ok(&row))?;
                rows.push(row);
            }
            Err(error) => {
                let left = SkippedVariant {
                    variant: variant(settings),
                    reason: error.to_string(),
                };
                report(Err(&left))?;
                left_out.push(left);
            }
        }
        compute.device.memory_cleanup();
    }
    Ok(TrainResults {
        machine: Machine::of(compute),
        preset: variants
            .first()
            .map_or_else(Preset::default, |r| r.run.preset),
        first: rows.first().cloned(),
        rows,
        left_out,
    })
}

/// Full batches from an endless sequence of epochs. The next epoch is started ahead of time, so that no step includes its
/// start.
struct Endless<'a> {
    loader: &'a Loader,
    rows: usize,
    epoch: u64,
    now: Batches,
    next: Batches,
}

impl<'a> Endless<'a> {
    fn new(loader: &'a Loader, rows: usize) -> Self {
        Endless {
            loader,
            rows,
            epoch: 1,
            now: loader.epoch(0, 0),
            next: loader.epoch(1, 0),
        }
    }
}

impl Iterator for Endless<'_> {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Result<Batch>> {
        loop {
            match self.now.next() {
                Some(Ok(batch)) if batch.len() < self.rows => {}
                Some(batch) => return Some(batch),
                None => {
                    self.epoch += 1;
                    let after = self.loader.epoch(self.epoch, 0);
                    self.now = std::mem::replace(&mut self.next, after);
                }
            }
        }
    }
}

fn measure_variant(
    compute: &Compute,
    data: &SyntheticData,
    settings: &ResolvedSettings,
    steps: usize,
    time: Option<Duration>,
) -> Result<VariantResult> {
    let begun = Instant::now();
    let train = &settings.train;
    let sizes = (
        train.batch,
        settings.run.seed,
        settings.run.threads.number(),
    );
    let (prepared, clips) = (data.prepared.clone(), &data.clips);
    let loader = Loader::train(prepared, clips, &settings.data, &settings.augment, sizes)?;
    if loader.samples() < train.batch {
        let samples = counted(loader.samples(), "sample");
        let what = format!("{samples} cannot fill a batch of {}", train.batch);
        return Err(Error::failed(what, "reduce --batch"));
    }
    let manifest = data.prepared.manifest();
    let (mut trainee, notes) = Trainee::of(settings, manifest, compute);
    let mut batches = Endless::new(&loader, train.batch);
    let (mut each, mut waited, mut loss) = (Vec::new(), Duration::ZERO, f64::NAN);
    let epoch = loader.batches().div_ceil(train.accumulate);
    for step in 0..WARM_UP + steps.max(1) {
        let started = Instant::now();
        let lr = rate(&settings.schedule, train.lr, step, epoch, train.epochs);
        // A turn submits this step and waits for the previous one, so in steady state it takes as long as a step.
        let turn = trainee.turn(&mut batches, settings, lr, step)?;
        if step >= WARM_UP {
            each.push(started.elapsed().as_secs_f64() * 1e3);
            waited += turn.waited;
        }
        loss = turn.before.as_ref().map_or(loss, |numbers| numbers.loss);
        let late = time.is_some_and(|time| begun.elapsed() + started.elapsed() > time);
        if late && each.len() > 1 {
            break;
        }
        if late && step >= 1 && each.is_empty() {
            let what = format!(
                "a step takes {:.1} s, too long for the time limit",
                started.elapsed().as_secs_f64()
            );
            return Err(Error::failed(what, "raise --seconds or reduce --batch"));
        }
    }
    // The loss of the last step is available once the device has finished it.
    if let Some(numbers) = trainee.finish()? {
        loss = numbers.loss;
    }
    let all: f64 = each.iter().sum();
    let times = Times::of(&each);
    let clips = (train.batch * train.accumulate) as f64;
    let layers = of_architecture(trainee.model.architecture(), 1);
    let operations: u64 = layers.iter().map(operations).sum();
    Ok(VariantResult {
        name: "sinew",
        variant: variant(settings),
        plan: settings.run.plan.to_string(),
        dtype: trainee.context.precision.name(),
        notes,
        batch: train.batch * train.accumulate,
        frames: settings.data.frames,
        hidden: settings.model.hidden,
        part_hidden: settings.model.part_hidden,
        parameters: trainee.model.num_params(),
        steps: each.len(),
        clips_per_s: clips * 1e3 / times.median,
        clips_per_s_spread: [clips * 1e3 / times.spread[1], clips * 1e3 / times.spread[0]],
        step_ms: times.median,
        step_spread: times.spread,
        data_wait: waited.as_secs_f64() * 1e3 / all,
        gflops: operations as f64 * clips / (times.median * 1e6),
        loss,
    })
}
