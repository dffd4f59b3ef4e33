//! One optimisation step: forward, backward, in pieces that the device can hold, and the update.

use super::optimiser::{Gradients, Optimiser, clip};
use super::ranks::{Ranks, alone, sum_gradients};
use super::settle::shape;
use crate::device::Compute;
use crate::error::Result;
use crate::files::Numbers;
use crate::loader::Batch;
use crate::lstm::{Context, Plans};
use crate::model::{Dropout, Shape, TwoStream, assign, named, read};
use crate::recipe::{self, Recipe};
use crate::scores::inputs;
use crate::shards::Manifest;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Device, Tensor};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The model in training.
pub struct Trainee {
    /// The model, with autodiff.
    pub model: TwoStream,
    /// Its optimiser.
    pub optimiser: Optimiser,
    /// Its sizes and wiring.
    pub shape: Shape,
    /// Where it is, with autodiff.
    pub device: Device,
    /// What the engine needs to know of the device.
    pub context: Context,
    /// Those that train it together; one at first.
    pub ranks: Arc<dyn Ranks>,
    names: BTreeMap<ParamId, String>,
    /// The last step of [`Trainee::turn`], unread.
    pending: Option<Found>,
}

/// What is known after a turn of the loop.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// The numbers of the step before this one; none after the first.
    pub before: Option<StepNumbers>,
    /// How long the loader was waited for.
    pub waited: Duration,
    /// How long the ranks took to sum their gradients.
    pub exchanged: Duration,
}

/// What a step found, still on the device: reading it waits for the step.
pub struct Found {
    /// The loss of each piece, then the gradient's norm.
    numbers: Tensor<1>,
    guesses: Vec<Tensor<2>>,
    labels: Vec<usize>,
    clips: Vec<usize>,
    skipped: bool,
    ranks: Arc<dyn Ranks>,
    exchanged: Duration,
}

/// A step whose loss or gradient was NaN or infinite.
#[derive(Debug, Clone, PartialEq)]
pub struct Diverged {
    /// Which was, and what it was.
    pub what: String,
    /// The clips whose scores are no numbers, as the prepared data number them; all of the step's where those tell
    /// nothing.
    pub clips: Vec<usize>,
    /// The step changed nothing.
    pub skipped: bool,
}

/// A step's numbers, those of all ranks.
#[derive(Debug, Clone, PartialEq)]
pub struct StepNumbers {
    /// Mean loss a sample.
    pub loss: f64,
    /// Samples whose class was right.
    pub right: usize,
    /// Samples.
    pub samples: usize,
    /// Where the step diverged; the other numbers mean nothing then.
    pub diverged: Option<Diverged>,
}

impl Found {
    /// Waits for the numbers.
    ///
    /// # Errors
    /// [`crate::Error::Device`] where the device failed.
    pub fn read(self) -> Result<StepNumbers> {
        let numbers = read(self.numbers)?;
        let (losses, norm) = numbers.split_at(self.guesses.len());
        let loss: f64 = losses.iter().copied().map(f64::from).sum();
        let mut guesses = Vec::with_capacity(self.labels.len());
        let mut wrong = Vec::new();
        for piece in self.guesses {
            let classes = piece.dims()[1];
            let scores = read(piece)?;
            guesses.extend(scores.chunks_exact(classes).map(|row| {
                wrong.push(row.iter().any(|score| !score.is_finite()));
                let best = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
                best.map_or(0, |(class, _)| class)
            }));
        }
        let right = guesses
            .iter()
            .zip(&self.labels)
            .filter(|(a, b)| a == b)
            .count();
        let mut sums = [loss, right as f64, self.labels.len() as f64];
        self.ranks.sum_doubles(&mut sums);
        let [loss, right, samples] = sums;
        let norm = norm.first().copied().map_or(0.0, f64::from);
        let what = [("loss", loss), ("gradient", norm)];
        let what = what.iter().find(|(_, number)| !number.is_finite());
        let diverged = what.map(|(name, number)| Diverged {
            what: format!("the {name} became {number}"),
            clips: clips(&*self.ranks, &self.clips, &wrong),
            skipped: self.skipped,
        });
        Ok(StepNumbers {
            loss,
            right: right as usize,
            samples: samples as usize,
            diverged,
        })
    }
}

/// The clips of all ranks' rows that are wrong, each once; of all rows where none is.
fn clips(ranks: &dyn Ranks, rows: &[usize], wrong: &[bool]) -> Vec<usize> {
    let rows = ranks.gather(rows.iter().map(|clip| *clip as f64).collect());
    let wrong = ranks.gather(wrong.iter().map(|wrong| f64::from(*wrong)).collect());
    let all = !wrong.contains(&1.0);
    let mut found = Vec::new();
    for (clip, wrong) in rows.into_iter().zip(wrong) {
        let clip = clip as usize;
        if (all || wrong > 0.0) && !found.contains(&clip) {
            found.push(clip);
        }
    }
    found
}

/// Waits for a gradient's norm; a device that fails says so where the step's numbers are read.
fn infinite(norm: Option<&Tensor<1>>) -> bool {
    let norm = norm.map(|norm| read(norm.clone()));
    matches!(norm, Some(Ok(norm)) if norm.iter().any(|norm| !norm.is_finite()))
}

impl Trainee {
    /// A model ready to be trained.
    pub fn new(
        model: TwoStream,
        optimiser: Optimiser,
        shape: Shape,
        device: Device,
        context: Context,
    ) -> Self {
        let names = named(&model);
        Trainee {
            model,
            optimiser,
            shape,
            device,
            context,
            ranks: alone(),
            names,
            pending: None,
        }
    }

    /// What a run of settled settings begins with on a device, for data of this manifest and inputs [T, J, C]: weights
    /// from the seed, an optimiser without memory. And a line on each path of the settings' precision that is turned off.
    pub fn of(
        recipe: &Recipe,
        manifest: &Manifest,
        [frames, _, channels]: [usize; 3],
        compute: &Compute,
    ) -> (Self, Vec<String>) {
        let shape = shape(recipe, manifest, [frames, channels]);
        let device = compute.device.clone().autodiff();
        let plan = Plans::from_text(&recipe.run.plan).unwrap_or_default();
        let precision = recipe.train.precision;
        let (context, notes) = Context::on(compute, plan).in_precision(precision, compute);
        let model = TwoStream::init(&shape, recipe.run.seed, &device);
        let optimiser = Optimiser::new(&recipe.train);
        let trainee = Trainee::new(model, optimiser, shape, device, context);
        (trainee, notes)
    }

    /// Takes weights by name.
    ///
    /// # Errors
    /// [`crate::Error::Setting`] that names what is missing, superfluous or of another shape.
    pub fn load(&mut self, parameters: &BTreeMap<String, Numbers>) -> Result<()> {
        self.model = assign(self.model.clone(), parameters)?;
        self.names = named(&self.model);
        Ok(())
    }

    /// One turn of the loop: takes the batches of a step, has the device work on them, and meanwhile reads the numbers
    /// of the step before. [`Trainee::finish`] reads the last ones.
    ///
    /// # Errors
    /// A clip that cannot be read; what [`Trainee::step`] says, and [`Found::read`] of the step before.
    pub fn turn(
        &mut self,
        batches: &mut dyn Iterator<Item = Result<Batch>>,
        recipe: &Recipe,
        lr: f64,
        step: usize,
    ) -> Result<Turn> {
        let asked = Instant::now();
        let taken: Vec<Batch> = batches
            .take(recipe.train.accumulate)
            .collect::<Result<_>>()?;
        let waited = asked.elapsed();
        let found = self.step(&taken, recipe, lr, step)?;
        let exchanged = found.exchanged;
        let before = self.pending.replace(found);
        let before = before.map(Found::read).transpose()?;
        Ok(Turn {
            before,
            waited,
            exchanged,
        })
    }

    /// The numbers of the last turn; waits for it.
    ///
    /// # Errors
    /// As [`Found::read`].
    pub fn finish(&mut self) -> Result<Option<StepNumbers>> {
        self.pending.take().map(Found::read).transpose()
    }

    /// Leaves the numbers of the last turn unread.
    pub(super) fn forget(&mut self) {
        self.pending = None;
    }

    /// One update from some batches, whose gradients are summed as those of one batch; where they are shares of global
    /// batches, over the ranks too.
    ///
    /// # Errors
    /// [`crate::Error::Device`] where the gradients cannot be read for the other ranks.
    pub fn step(
        &mut self,
        batches: &[Batch],
        recipe: &Recipe,
        lr: f64,
        step: usize,
    ) -> Result<Found> {
        let total: usize = batches.iter().map(Batch::global).sum();
        let mut before = 0;
        let rows = self.shape.rows(self.context);
        let mut gradients = Gradients::new();
        let (mut numbers, mut guesses) = (Vec::new(), Vec::new());
        let (mut labels, mut clips) = (Vec::new(), Vec::new());
        for batch in batches {
            for start in (0..batch.len()).step_by(rows) {
                let end = (start + rows).min(batch.len());
                let x = inputs(batch, start, end, &self.device);
                let dropout = Dropout {
                    rate: recipe.model.dropout,
                    recurrent: recipe.model.recurrent_dropout,
                    seed: recipe.run.seed,
                    step: step as u64,
                    first_row: before + batch.before + start,
                };
                let outputs = self
                    .model
                    .forward(x, &self.shape, Some(dropout), self.context);
                let piece = &batch.labels[start..end];
                let loss = outputs.loss(piece, recipe.train.label_smoothing, total);
                self.add_gradients(&mut gradients, &loss);
                numbers.push(loss.detach().inner());
                guesses.push(outputs.fused.detach().inner());
                labels.extend_from_slice(piece);
                clips.extend_from_slice(&batch.clips[start..end]);
            }
            before += batch.global();
        }
        let mut exchanged = Duration::ZERO;
        if self.ranks.rank().of > 1 {
            self.add_zeros(&mut gradients);
            exchanged = sum_gradients(&*self.ranks, &mut gradients)?;
        }
        let norm = clip(&mut gradients, recipe.train.clip_norm);
        let skipped = recipe.train.diverged == recipe::Diverged::Skip && infinite(norm.as_ref());
        if !skipped {
            self.update(gradients, lr);
        }
        numbers.extend(norm);
        Ok(Found {
            numbers: Tensor::cat(numbers, 0),
            guesses,
            labels,
            clips,
            skipped,
            ranks: self.ranks.clone(),
            exchanged,
        })
    }

    /// Zeros for the parameters that have no gradient: all of them where a rank has no row of the batch.
    fn add_zeros(&self, sums: &mut Gradients) {
        struct Zeros<'a> {
            names: &'a BTreeMap<ParamId, String>,
            sums: &'a mut Gradients,
        }
        impl ModuleVisitor for Zeros<'_> {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                if let Some(name) = self.names.get(&param.id) {
                    let zeros = || {
                        let tensor = param.val().inner();
                        Tensor::zeros([tensor.shape().num_elements()], &tensor.device())
                    };
                    self.sums.entry(name.clone()).or_insert_with(zeros);
                }
            }
        }
        let names = &self.names;
        self.model.visit(&mut Zeros { names, sums });
    }

    fn add_gradients(&self, sums: &mut Gradients, loss: &Tensor<1>) {
        struct Collect<'a> {
            names: &'a BTreeMap<ParamId, String>,
            grads: burn::tensor::Gradients,
            sums: &'a mut Gradients,
        }
        impl ModuleVisitor for Collect<'_> {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                let (Some(name), Some(gradient)) = (
                    self.names.get(&param.id),
                    param.val().grad_remove(&mut self.grads),
                ) else {
                    return;
                };
                let count = gradient.shape().num_elements();
                let gradient = gradient.reshape([count]);
                let sum = match self.sums.remove(name) {
                    Some(sum) => sum + gradient,
                    None => gradient,
                };
                self.sums.insert(name.clone(), sum);
            }
        }
        let grads = loss.backward();
        self.model.visit(&mut Collect {
            names: &self.names,
            grads,
            sums,
        });
    }

    fn update(&mut self, gradients: Gradients, lr: f64) {
        struct Update<'a> {
            names: &'a BTreeMap<ParamId, String>,
            gradients: Gradients,
            optimiser: &'a mut Optimiser,
            lr: f64,
        }
        impl ModuleMapper for Update<'_> {
            fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
                let Some((name, gradient)) = self
                    .names
                    .get(&param.id)
                    .and_then(|name| self.gradients.remove_entry(name))
                else {
                    return param;
                };
                let (lr, shape) = (self.lr, param.shape());
                param.map(|tensor| {
                    let flat = tensor.inner().reshape([shape.num_elements()]);
                    let new = self.optimiser.step(&name, lr, flat, gradient);
                    Tensor::from_inner(new.reshape(shape)).require_grad()
                })
            }
        }
        let names = &self.names;
        let model = self.model.clone();
        let optimiser = &mut self.optimiser;
        self.model = model.map(&mut Update {
            names,
            gradients,
            optimiser,
            lr,
        });
    }
}
