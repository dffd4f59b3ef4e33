//! The whole training step: batches from the loader, forward, loss, backward, clipping, the optimiser's update.

use super::kernels::floor::operations;
use super::kernels::shapes::of_architecture;
use super::made::made;
use super::times::Times;
use super::{Machine, guarded};
use crate::device::Compute;
use crate::error::{Error, Result};
use crate::files::Scratch;
use crate::loader::{Batch, Batches, Loader};
use crate::settings::{Preset, Protocol, ResolvedSettings, Settings, Spatial, Temporal};
use crate::shards::Prepared;
use crate::train::{Target, Trainee, rate, resolve_for_clips};
use burn::module::Module;
use serde::Serialize;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Steps that are thrown away: kernels are compiled, memory is claimed, the loader starts.
const WARM_UP: usize = 3;

/// Fewest clips that are made: an epoch of few steps would measure the loader's start.
const CLIPS: usize = 512;

/// Made clips to train on; they are gone when this is.
pub struct Data {
    _folder: Scratch,
    prepared: Arc<Prepared>,
    clips: Vec<usize>,
}

impl Data {
    /// Enough clips for a batch of this size.
    ///
    /// # Errors
    /// A temporary folder that cannot be written.
    pub fn made(batch: usize) -> Result<Self> {
        let place = Scratch::create(&std::env::temp_dir(), "sinew-bench-")?;
        let folder = made(&place.path().join("made"), batch.max(CLIPS))?;
        let prepared = Arc::new(Prepared::open(folder)?);
        Ok(Data {
            _folder: place,
            clips: (0..prepared.len()).collect(),
            prepared,
        })
    }

    /// Resolves settings as a training run does, with all the clips as training clips. `note` receives a line where a
    /// kernel plan is chosen by measuring.
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

/// One model variant.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// `sinew`.
    pub name: &'static str,
    /// The temporal stream and the spatial one: `hierarchical+traversal`.
    pub variant: String,
    /// The kernels' plan; `cpu` for the CPU engine.
    pub plan: String,
    /// Number format of what enters a product.
    pub dtype: &'static str,
    /// Paths of that format that the device's self-test turned off.
    pub notes: Vec<String>,
    /// Clips of a step.
    pub batch: usize,
    /// T, frames of a clip.
    pub frames: usize,
    /// Hidden units of the stacked, body and spatial layers.
    pub hidden: usize,
    /// Hidden units of a body part's layer.
    pub part_hidden: usize,
    /// Numbers that are learnt.
    pub parameters: usize,
    /// Steps that were timed.
    pub steps: usize,
    /// Clips a second, from the median step.
    pub clips_per_s: f64,
    /// From the slow and the fast tenth of the steps.
    pub clips_per_s_spread: [f64; 2],
    /// Wall time of a step, median, milliseconds.
    pub step_ms: f64,
    /// Tenth and ninetieth percentile.
    pub step_spread: [f64; 2],
    /// Share of the time in which the loader was waited for.
    pub data_wait: f64,
    /// Billions of operations a second of the LSTM layers' products, forward and backward.
    pub gflops: f64,
    /// Training loss of the last step.
    pub loss: f64,
}

/// A variant that was not measured.
#[derive(Debug, Clone, Serialize)]
pub struct LeftOut {
    /// The temporal stream and the spatial one.
    pub variant: String,
    /// Why.
    pub reason: String,
}

/// Everything that was measured; the numbers of the first row stand at the top too.
#[derive(Debug, Clone, Serialize)]
pub struct Table {
    /// Where it was measured.
    #[serde(flatten)]
    pub machine: Machine,
    /// The settings' preset.
    pub preset: Preset,
    /// The first row.
    #[serde(flatten)]
    pub first: Option<Row>,
    /// A row a variant.
    pub rows: Vec<Row>,
    /// The variants that could not be measured.
    pub left_out: Vec<LeftOut>,
}

/// `hierarchical+traversal` and the like.
pub fn variant(recipe: &ResolvedSettings) -> String {
    let temporal = match recipe.model.temporal {
        Temporal::Stacked => "stacked",
        Temporal::Hierarchical => "hierarchical",
    };
    let spatial = match recipe.model.spatial {
        Spatial::Chain => "chain",
        Spatial::Traversal => "traversal",
    };
    format!("{temporal}+{spatial}")
}

/// Measures each of these settings in turn, `steps` steps or as many as the time allows. `say` hears each row or what was
/// left out.
///
/// # Errors
/// What `say` returns. A variant that cannot run is left out with its reason, and the others go on.
pub fn measure(
    compute: &Compute,
    data: &Data,
    recipes: &[ResolvedSettings],
    (steps, time): (usize, Option<Duration>),
    say: &mut dyn FnMut(std::result::Result<&Row, &LeftOut>) -> Result<()>,
) -> Result<Table> {
    let begun = Instant::now();
    let (mut rows, mut left_out) = (Vec::new(), Vec::new());
    for (number, recipe) in recipes.iter().enumerate() {
        // Each variant gets its share of what is left.
        let share =
            time.map(|time| time.saturating_sub(begun.elapsed()) / (recipes.len() - number) as u32);
        match guarded(|| row(compute, data, recipe, steps, share)) {
            Ok(row) => {
                say(Ok(&row))?;
                rows.push(row);
            }
            Err(error) => {
                let left = LeftOut {
                    variant: variant(recipe),
                    reason: error.to_string(),
                };
                say(Err(&left))?;
                left_out.push(left);
            }
        }
        compute.device.memory_cleanup();
    }
    Ok(Table {
        machine: Machine::of(compute),
        preset: recipes
            .first()
            .map_or_else(Preset::default, |r| r.run.preset),
        first: rows.first().cloned(),
        rows,
        left_out,
    })
}

/// Full batches of one epoch after the other. The next epoch is begun ahead, so that its start is no step's.
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

fn row(
    compute: &Compute,
    data: &Data,
    recipe: &ResolvedSettings,
    steps: usize,
    time: Option<Duration>,
) -> Result<Row> {
    let begun = Instant::now();
    let train = &recipe.train;
    let sizes = (train.batch, recipe.run.seed, recipe.run.threads.number());
    let (prepared, clips) = (data.prepared.clone(), &data.clips);
    let loader = Loader::train(prepared, clips, &recipe.data, &recipe.augment, sizes)?;
    if loader.samples() < train.batch {
        let what = format!("{} samples do not fill a batch", loader.samples());
        return Err(Error::failed(what, "ask for a smaller batch"));
    }
    let manifest = data.prepared.manifest();
    let (mut trainee, notes) = Trainee::of(recipe, manifest, compute);
    let mut batches = Endless::new(&loader, train.batch);
    let (mut each, mut waited, mut loss) = (Vec::new(), Duration::ZERO, f64::NAN);
    let epoch = loader.batches().div_ceil(train.accumulate);
    for step in 0..WARM_UP + steps.max(1) {
        let started = Instant::now();
        let lr = rate(&recipe.schedule, train.lr, step, epoch, train.epochs);
        // A turn gives the device this step and waits for the one before: as long as a step takes, once it is going.
        let turn = trainee.turn(&mut batches, recipe, lr, step)?;
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
                "a step takes {:.1} s, too long for the time given",
                started.elapsed().as_secs_f64()
            );
            return Err(Error::failed(what, "give more time or a smaller batch"));
        }
    }
    // The last step's own numbers come when the device is done with it.
    if let Some(numbers) = trainee.finish()? {
        loss = numbers.loss;
    }
    let all: f64 = each.iter().sum();
    let times = Times::of(&each);
    let clips = (train.batch * train.accumulate) as f64;
    let layers = of_architecture(trainee.model.architecture(), 1);
    let operations: u64 = layers.iter().map(operations).sum();
    Ok(Row {
        name: "sinew",
        variant: variant(recipe),
        plan: recipe.run.plan.to_string(),
        dtype: trainee.context.precision.name(),
        notes,
        batch: train.batch * train.accumulate,
        frames: recipe.data.frames,
        hidden: recipe.model.hidden,
        part_hidden: recipe.model.part_hidden,
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
