//! One optimisation step: forward, backward, in pieces that the device can hold, and the update.

use super::optimiser::{Gradients, Optimiser, clip};
use super::plans;
use super::ranks::{Ranks, single, sum_gradients};
use super::shape::architecture;
use crate::device::Compute;
use crate::error::Result;
use crate::files::Numbers;
use crate::loader::Batch;
use crate::lstm::Context;
use crate::model::{Dropout, TwoStream, load_parameters, parameter_names, read_tensor};
use crate::scores::inputs;
use crate::settings::{OnDivergence, ResolvedSettings};
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
    /// The model's device, with autodiff.
    pub device: Device,
    /// The LSTM engine's options for the device.
    pub context: Context,
    /// The ranks that train it together; one at first.
    pub ranks: Arc<dyn Ranks>,
    names: BTreeMap<ParamId, String>,
    /// The last step of [`Trainee::turn`], whose numbers have not been read.
    pending: Option<PendingStep>,
}

/// The result of one turn of the training loop.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// The numbers of the step before this one; none after the first.
    pub before: Option<StepNumbers>,
    /// Time spent waiting for the loader.
    pub waited: Duration,
    /// Time that the ranks took to sum their gradients.
    pub exchanged: Duration,
}

/// A step whose numbers are still on the device.
pub struct PendingStep {
    /// The loss of each piece, then the gradient's norm.
    numbers: Tensor<1>,
    /// The scores of each piece.
    scores: Vec<Tensor<2>>,
    labels: Vec<usize>,
    clips: Vec<usize>,
    skipped: bool,
    ranks: Arc<dyn Ranks>,
    exchanged: Duration,
}

/// A step whose loss or gradient was NaN or infinite.
#[derive(Debug, Clone, PartialEq)]
pub struct Divergence {
    /// Which of the two it was, with its value.
    pub what: String,
    /// Indices in the prepared data of the clips whose scores are NaN or infinite; if there are none, all of the step's
    /// clips.
    pub clips: Vec<usize>,
    /// Whether the step was skipped and changed nothing.
    pub skipped: bool,
}

/// A step's numbers, over all ranks.
#[derive(Debug, Clone, PartialEq)]
pub struct StepNumbers {
    /// Mean loss per sample.
    pub loss: f64,
    /// Correctly classified samples.
    pub right: usize,
    /// Samples.
    pub samples: usize,
    /// Set if the step diverged; the other numbers are then meaningless.
    pub diverged: Option<Divergence>,
}

impl PendingStep {
    /// Waits for the step and copies its numbers off the device.
    ///
    /// # Errors
    /// [`crate::Error::Device`] where the device failed.
    pub fn wait(self) -> Result<StepNumbers> {
        let numbers = read_tensor(self.numbers)?;
        let (losses, norm) = numbers.split_at(self.scores.len());
        let loss: f64 = losses.iter().copied().map(f64::from).sum();
        let mut predictions = Vec::with_capacity(self.labels.len());
        let mut not_finite = Vec::new();
        for piece in self.scores {
            let classes = piece.dims()[1];
            let scores = read_tensor(piece)?;
            predictions.extend(scores.chunks_exact(classes).map(|row| {
                not_finite.push(row.iter().any(|score| !score.is_finite()));
                let best = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
                best.map_or(0, |(class, _)| class)
            }));
        }
        let right = predictions
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
        let diverged = what.map(|(name, number)| Divergence {
            what: format!("the {name} became {number}"),
            clips: clips_to_blame(&*self.ranks, &self.clips, &not_finite),
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

/// The clips of all ranks' rows whose scores are not finite, each once; those of all rows if every score is finite.
fn clips_to_blame(ranks: &dyn Ranks, rows: &[usize], not_finite: &[bool]) -> Vec<usize> {
    let rows = ranks.gather(rows.iter().map(|clip| *clip as f64).collect());
    let not_finite = ranks.gather(not_finite.iter().map(|flag| f64::from(*flag)).collect());
    let all = !not_finite.contains(&1.0);
    let mut clips = Vec::new();
    for (clip, not_finite) in rows.into_iter().zip(not_finite) {
        let clip = clip as usize;
        if (all || not_finite > 0.0) && !clips.contains(&clip) {
            clips.push(clip);
        }
    }
    clips
}

/// Waits for a gradient's norm. A device that fails is reported where the step's numbers are read.
fn is_infinite(norm: Option<&Tensor<1>>) -> bool {
    let norm = norm.map(|norm| read_tensor(norm.clone()));
    matches!(norm, Some(Ok(norm)) if norm.iter().any(|norm| !norm.is_finite()))
}

impl Trainee {
    /// A model ready to be trained.
    pub fn new(model: TwoStream, optimiser: Optimiser, device: Device, context: Context) -> Self {
        let names = parameter_names(&model);
        Trainee {
            model,
            optimiser,
            device,
            context,
            ranks: single(),
            names,
            pending: None,
        }
    }

    /// The start of a run with these settings on data of this manifest: weights drawn from the seed, an optimiser
    /// without state. Also a line on each path of the settings' precision that the device's self-test turned off.
    pub fn of(
        settings: &ResolvedSettings,
        manifest: &Manifest,
        compute: &Compute,
    ) -> (Self, Vec<String>) {
        let architecture = architecture(settings, manifest);
        let device = compute.device.clone().autodiff();
        let plan = plans::of_run(&settings.run.plan);
        let precision = settings.train.precision;
        let (context, notes) = Context::on(compute, plan).in_precision(precision, compute);
        let model = TwoStream::init(&architecture, settings.run.seed, &device);
        let optimiser = Optimiser::new(&settings.train);
        let trainee = Trainee::new(model, optimiser, device, context);
        (trainee, notes)
    }

    /// Replaces the model's weights, by name.
    ///
    /// # Errors
    /// [`crate::Error::Setting`] that names what is missing, superfluous or of another shape.
    pub fn load(&mut self, parameters: &BTreeMap<String, Numbers>) -> Result<()> {
        self.model = load_parameters(self.model.clone(), parameters)?;
        self.names = parameter_names(&self.model);
        Ok(())
    }

    /// One turn of the training loop: starts a step on the device and meanwhile reads the numbers of the step before.
    /// [`Trainee::finish`] reads the last ones.
    ///
    /// # Errors
    /// A clip that cannot be read; the errors of [`Trainee::step`], and of [`PendingStep::wait`] for the step before.
    pub fn turn(
        &mut self,
        batches: &mut dyn Iterator<Item = Result<Batch>>,
        settings: &ResolvedSettings,
        lr: f64,
        step: usize,
    ) -> Result<Turn> {
        let asked = Instant::now();
        let taken: Vec<Batch> = batches
            .take(settings.train.accumulate)
            .collect::<Result<_>>()?;
        let waited = asked.elapsed();
        let found = self.step(&taken, settings, lr, step)?;
        let exchanged = found.exchanged;
        let before = self.pending.replace(found);
        let before = before.map(PendingStep::wait).transpose()?;
        Ok(Turn {
            before,
            waited,
            exchanged,
        })
    }

    /// Waits for the last turn and returns its numbers.
    ///
    /// # Errors
    /// Those of [`PendingStep::wait`].
    pub fn finish(&mut self) -> Result<Option<StepNumbers>> {
        self.pending.take().map(PendingStep::wait).transpose()
    }

    /// Discards the numbers of the last turn.
    pub(super) fn discard_pending(&mut self) {
        self.pending = None;
    }

    /// One update of the weights. The gradients of the batches are summed as if they were one batch, and over the ranks
    /// where each rank has its share of a global batch.
    ///
    /// # Errors
    /// [`crate::Error::Device`] where the gradients cannot be read for the other ranks.
    pub fn step(
        &mut self,
        batches: &[Batch],
        settings: &ResolvedSettings,
        lr: f64,
        step: usize,
    ) -> Result<PendingStep> {
        let total: usize = batches.iter().map(Batch::global).sum();
        let mut before = 0;
        let rows = self.model.architecture().largest_batch(self.context);
        let mut gradients = Gradients::new();
        let (mut numbers, mut scores) = (Vec::new(), Vec::new());
        let (mut labels, mut clips) = (Vec::new(), Vec::new());
        for batch in batches {
            for start in (0..batch.len()).step_by(rows) {
                let end = (start + rows).min(batch.len());
                let x = inputs(batch, start, end, &self.device);
                let dropout = Dropout {
                    rate: settings.model.dropout,
                    recurrent: settings.model.recurrent_dropout,
                    seed: settings.run.seed,
                    step: step as u64,
                    first_row: before + batch.before + start,
                };
                let outputs = self.model.forward(x, Some(dropout), self.context);
                let piece = &batch.labels[start..end];
                let loss = outputs.loss(piece, settings.train.label_smoothing, total);
                self.add_gradients(&mut gradients, &loss);
                numbers.push(loss.detach().inner());
                scores.push(outputs.fused.detach().inner());
                labels.extend_from_slice(piece);
                clips.extend_from_slice(&batch.clips[start..end]);
            }
            before += batch.global();
        }
        let mut exchanged = Duration::ZERO;
        if self.ranks.rank().count > 1 {
            self.add_zeros(&mut gradients);
            exchanged = sum_gradients(&*self.ranks, &mut gradients)?;
        }
        let norm = clip(&mut gradients, settings.train.clip_norm);
        let skipped = settings.train.diverged == OnDivergence::Skip && is_infinite(norm.as_ref());
        if !skipped {
            self.update(gradients, lr);
        }
        numbers.extend(norm);
        Ok(PendingStep {
            numbers: Tensor::cat(numbers, 0),
            scores,
            labels,
            clips,
            skipped,
            ranks: self.ranks.clone(),
            exchanged,
        })
    }

    /// Adds zeros for parameters without a gradient: all of them if a rank has no row of the batch.
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
