//! The loop over epochs and steps.

mod diverged;
mod setup;

pub use setup::Setup;

use super::checkpoint::{Best, Checkpoint, Position};
use super::epochs::{EpochMetrics, EpochTiming};
use super::event::Event;
use super::ranks::{Ranks, check_same_weights, sum_validation};
use super::run::Run;
use super::schedule::rate;
use super::step::{StepNumbers, Trainee};
use super::summary::TrainSummary;
use super::tensorboard::EventLog;
use super::weights::best_weights;
use crate::device::Compute;
use crate::error::{Error, Result};
use crate::files::Numbers;
use crate::loader::Loader;
use crate::model::parameter_values;
use crate::scores::{Evaluator, Report};
use crate::settings::ResolvedSettings;
use crate::shards::Prepared;
use crate::weights::Weights;
use burn::module::Module;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A run in progress.
pub struct Session {
    run: Run,
    trainee: Trainee,
    loader: Loader,
    validation: Option<Loader>,
    clips: [usize; 3],
    weights: Weights,
    position: Position,
    compute: Compute,
    ranks: Arc<dyn Ranks>,
    log: EventLog,
    prepared: Arc<Prepared>,
    /// Number and rate of the last step, whose numbers are not read yet.
    unread: (usize, f64),
}

impl Session {
    /// Trains to the last epoch, or until `stop` is set, at any rank: then the step in progress is finished and saved.
    ///
    /// # Errors
    /// [`Error::Interrupted`] after `stop`; a clip, a disk or a device that fails; [`Error::Diverged`] where
    /// `train.diverged` says so. The last checkpoint is whole in each case.
    pub fn train(&mut self, stop: &AtomicBool, events: &mut dyn FnMut(Event<'_>)) -> Result<()> {
        events(Event::Started {
            clips: self.clips,
            samples: self.loader.samples(),
            steps: self.steps(),
            parameters: self.trainee.model.num_params(),
            position: &self.position,
        });
        loop {
            let ended = match self.epochs(stop, events) {
                Err(error @ Error::Diverged { .. }) => self.go_back(error, events),
                ended => return ended,
            };
            if let Err(Error::Diverged { .. }) = ended
                && self.ranks.rank().leads()
            {
                // A resumed run then starts at the same step, wherever signals stopped this one.
                self.run.remove_stopped()?;
                self.finish_files()?;
            }
            ended?;
        }
    }

    fn epochs(&mut self, stop: &AtomicBool, events: &mut dyn FnMut(Event<'_>)) -> Result<()> {
        let settings = self.run.settings.clone();
        let steps = self.steps();
        while self.position.epoch < settings.train.epochs {
            let started = Instant::now();
            let first = self.position.step_in_epoch;
            let before = self.position.samples;
            let (mut waited, mut exchanged) = (Duration::ZERO, Duration::ZERO);
            let from = first * settings.train.accumulate;
            let mut batches = self.loader.epoch(self.position.epoch as u64, from);
            for _ in first..steps {
                let lr = self.rate(self.position.epoch * steps + self.position.step_in_epoch);
                let step = self.position.step;
                let turn = self.trainee.turn(&mut batches, &settings, lr, step)?;
                waited += turn.waited;
                exchanged += turn.exchanged;
                self.position.step += 1;
                self.position.step_in_epoch += 1;
                self.count(turn.before, events)?;
                self.unread = (self.position.step, lr);
                let seconds = started.elapsed().as_secs_f64();
                let done = self.position.step_in_epoch - first;
                let left = seconds / done as f64
                    * (steps * settings.train.epochs).saturating_sub(self.position.step) as f64;
                events(Event::Step {
                    position: &self.position,
                    steps,
                    epochs: settings.train.epochs,
                    lr,
                    samples_per_s: (self.position.samples - before) as f64 / seconds,
                    data_wait: waited.as_secs_f64() / seconds,
                    left: Duration::from_secs_f64(left),
                });
                let every = settings.train.save_every;
                let due = every > 0 && self.position.step.is_multiple_of(every);
                let stopped = self.ranks.any(stop.load(Ordering::Relaxed));
                if due || stopped {
                    self.finish(events)?;
                    self.save(!due)?;
                }
                if stopped {
                    // Nobody leaves before the first rank has saved.
                    self.ranks.wait();
                    let what = format!("step {} is saved, go on with --resume", self.position.step);
                    return Err(Error::Interrupted(what));
                }
            }
            self.finish(events)?;
            let seconds = started.elapsed().as_secs_f64();
            let timing = EpochTiming {
                epoch: self.position.epoch + 1,
                seconds,
                samples_per_s: (self.position.samples - before) as f64 / seconds,
                data_wait: waited.as_secs_f64() / seconds,
                exchange: exchanged.as_secs_f64() / seconds,
            };
            self.end_epoch(&timing, events)?;
        }
        if self.ranks.rank().leads() {
            self.finish_files()?;
        }
        Ok(())
    }

    /// Gives the run's folder the form that it has at the end of every run of these settings.
    fn finish_files(&mut self) -> Result<()> {
        self.log.sync()?;
        self.run.finish()?;
        self.log = self.run.events(&self.position);
        Ok(())
    }

    /// How far the run is.
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// The best weights so far; those of the last epoch where nothing is held out.
    ///
    /// # Errors
    /// [`Error::Io`] before the end of the first epoch, [`Error::Input`] where the file was damaged.
    pub fn best(&self) -> Result<Weights> {
        best_weights(self.run.folder())
    }

    /// Trains to the last epoch.
    pub(super) fn finish_training(
        mut self,
        stop: &AtomicBool,
        events: &mut dyn FnMut(Event<'_>),
    ) -> Result<TrainSummary> {
        self.train(stop, events)?;
        Ok(TrainSummary {
            epochs: self.position.epoch,
            best: self.position.best,
            weights: self.run.best(),
        })
    }

    /// The run's folder and settings.
    pub fn run(&self) -> &Run {
        &self.run
    }

    fn steps(&self) -> usize {
        self.loader
            .batches()
            .div_ceil(self.run.settings.train.accumulate)
    }

    /// Adds the numbers of the step that was not read yet to the epoch's.
    fn count(
        &mut self,
        numbers: Option<StepNumbers>,
        events: &mut dyn FnMut(Event<'_>),
    ) -> Result<()> {
        let Some(numbers) = numbers else {
            return Ok(());
        };
        if let Some(diverged) = &numbers.diverged {
            return self.pass_over(diverged, events);
        }
        self.position.skipped = 0;
        self.position.loss_sum += numbers.loss * numbers.samples as f64;
        self.position.right += numbers.right;
        self.position.samples += numbers.samples;
        if !self.ranks.rank().leads() {
            return Ok(());
        }
        let (step, lr) = self.unread;
        let accuracy = numbers.right as f64 / numbers.samples.max(1) as f64;
        let scalars = [
            ("train/loss", numbers.loss),
            ("train/accuracy", accuracy),
            ("train/rate", lr),
        ];
        self.log.add(step, &scalars)
    }

    /// Waits for the step in progress.
    fn finish(&mut self, events: &mut dyn FnMut(Event<'_>)) -> Result<()> {
        let last = self.trainee.finish()?;
        self.count(last, events)
    }

    /// The rate of a step, counted from the start of the run.
    fn rate(&self, step: usize) -> f64 {
        let ResolvedSettings {
            train, schedule, ..
        } = &self.run.settings;
        let lr = rate(schedule, train.lr, step, self.steps(), train.epochs);
        lr * 0.5f64.powi(self.position.returns as i32)
    }

    fn end_epoch(&mut self, timing: &EpochTiming, events: &mut dyn FnMut(Event<'_>)) -> Result<()> {
        let train = self.run.settings.train.clone();
        // The last step's rate, also where the run was resumed behind that step.
        let lr = self.rate((self.position.epoch + 1) * self.steps() - 1);
        let epoch = self.position.epoch + 1;
        let last = epoch == train.epochs;
        let due = last || epoch.is_multiple_of(train.eval_every);
        let report = match &self.validation {
            Some(loader) if due => Some(self.evaluate(loader, epoch)?),
            _ => None,
        };
        let best = match (&report, &self.validation) {
            (Some(new), _) if !new.loss.is_finite() => {
                let what = format!("the validation loss of epoch {epoch} is {}", new.loss);
                events(Event::Warning(format!("{what}, so it cannot be the best")));
                false
            }
            (Some(new), _) => self.position.best.is_none_or(|old| {
                new.top1 > old.top1 || (new.top1 == old.top1 && new.loss < old.loss)
            }),
            // Nothing held out: the newest weights count.
            (None, None) => true,
            (None, Some(_)) => false,
        };
        let samples = self.position.samples as f64;
        if self.position.samples == 0 {
            let what = format!("every step of epoch {epoch} was skipped, so it has no numbers");
            events(Event::Warning(what));
        }
        let metrics = EpochMetrics {
            epoch,
            step: self.position.step,
            lr,
            loss: self.position.loss_sum / samples,
            accuracy: self.position.right as f64 / samples,
            validation_top1: report.as_ref().map(|r| r.top1),
            validation_loss: report.as_ref().map(|r| r.loss),
            best,
        };
        if best {
            self.position.best = report.or(self.position.best);
        }
        if self.ranks.rank().leads() {
            self.record(&metrics, timing)?;
        }
        self.position = Position {
            step: self.position.step,
            epoch,
            best: self.position.best,
            skipped: self.position.skipped,
            returns: self.position.returns,
            ..Position::default()
        };
        self.save(false)?;
        events(Event::Epoch {
            metrics: &metrics,
            timing,
            epochs: train.epochs,
            left: Duration::from_secs_f64(timing.seconds * (train.epochs - epoch) as f64),
        });
        Ok(())
    }

    /// Writes down what an epoch gave, and its weights where they are the best.
    fn record(&mut self, metrics: &EpochMetrics, timing: &EpochTiming) -> Result<()> {
        if metrics.best {
            self.write_best(metrics.epoch)?;
        }
        self.run.append(metrics, timing)?;
        let mut scalars = vec![
            ("speed/clips_per_s", timing.samples_per_s),
            ("speed/data_wait", timing.data_wait),
        ];
        if let (Some(loss), Some(top1)) = (metrics.validation_loss, metrics.validation_top1) {
            scalars.push(("validation/loss", loss));
            scalars.push(("validation/accuracy", top1));
        }
        self.log.add(metrics.step, &scalars)
    }

    /// What the weights are worth on all validation clips, of which the loader has this rank's.
    fn evaluate(&self, loader: &Loader, epoch: usize) -> Result<Best> {
        let model = self.trainee.model.valid();
        let evaluator = Evaluator {
            model: &model,
            device: &self.compute.device,
            context: self.trainee.context,
        };
        let scores = evaluator.clips(loader, &mut || {})?;
        let Report {
            clips, top1, loss, ..
        } = Report::new(&scores, &self.weights.classes);
        let mine = Best { top1, loss, epoch };
        Ok(sum_validation(&*self.ranks, clips, mine))
    }

    /// The parameters, which nothing may keep when they are no numbers any more.
    fn parameters(&self) -> Result<BTreeMap<String, Numbers>> {
        let parameters = parameter_values(&self.trainee.model)?;
        diverged::finite(parameters.iter().map(|(name, (_, values))| (name, values)))?;
        Ok(parameters)
    }

    fn write_best(&mut self, epoch: usize) -> Result<()> {
        let parameters = self.parameters()?;
        self.run.write_best(&Weights {
            parameters,
            epoch: Some(epoch),
            ..self.weights.clone()
        })
    }

    /// Writes a checkpoint: a regular one, or, where `stopped`, one that only a signal makes.
    fn save(&mut self, stopped: bool) -> Result<()> {
        let checkpoint = self.checkpoint()?;
        check_same_weights(&*self.ranks, &checkpoint.parameters)?;
        if self.ranks.rank().leads() {
            self.write(&checkpoint, stopped)?;
        }
        Ok(())
    }

    /// The state of the run; made at every rank, so that all refuse what is no number.
    fn checkpoint(&self) -> Result<Checkpoint> {
        let checkpoint = Checkpoint {
            position: self.position.clone(),
            about: self.weights.metadata()?,
            parameters: self.parameters()?,
            memory: self.trainee.optimiser.state()?,
        };
        diverged::finite(&checkpoint.memory.tensors)?;
        Ok(checkpoint)
    }

    fn write(&mut self, checkpoint: &Checkpoint, stopped: bool) -> Result<()> {
        // A resumed run takes the events up to its checkpoint as there.
        self.log.sync()?;
        self.run.save(checkpoint, stopped)
    }
}
