//! What a run needs before its first step.

use super::{Event, Session, Start};
use crate::device::Compute;
use crate::error::{Error, Result};
use crate::loader::{Loader, check_training};
use crate::model::parameter_names;
use crate::settings::{ResolvedSettings, ScheduleKind};
use crate::shards::Prepared;
use crate::train::checkpoint::{Checkpoint, Position, is_stopped};
use crate::train::initial::check_resumed;
use crate::train::ranks::Ranks;
use crate::train::run::Run;
use crate::train::schedule::rate;
use crate::train::step::Trainee;
use crate::weights::{Lengths, Weights};
use burn::module::Module;
use std::sync::Arc;

impl Session {
    /// Sets up everything that a run of settled settings needs; for a new run a checkpoint stands before the first step.
    /// Of several ranks the first one tells the others its settings and where it begins; see [`crate::train::follow`].
    ///
    /// # Errors
    /// Data, protocol, weights or checkpoints that cannot be used; a device that fails.
    pub fn new(
        mut run: Run,
        prepared: Arc<Prepared>,
        compute: Compute,
        ranks: Arc<dyn Ranks>,
        start: Start,
        events: &mut dyn FnMut(Event<'_>),
    ) -> Result<Self> {
        for warning in run.take_warnings() {
            events(Event::Warning(warning));
        }
        let (recipe, rank) = (&run.recipe.clone(), ranks.rank());
        let shared = rank.of > 1;
        if shared && rank.leads() {
            ranks.tell(recipe.to_toml()?.into_bytes());
        }
        let protocol = recipe.run.protocol;
        let manifest = prepared.manifest();
        let split = protocol.split(manifest, recipe.train.validation, recipe.run.seed)?;
        // What it warns of was said when the run began.
        check_training(protocol, manifest, &split, prepared.folder())?;
        let (seed, threads) = (recipe.run.seed, recipe.run.threads.number());
        let loader = Loader::train(
            prepared.clone(),
            &split.train,
            &recipe.data,
            &recipe.augment,
            (recipe.train.batch, seed, threads),
        )?
        .dealt(rank.number, rank.of);
        let validation = if split.validation.is_empty() {
            None
        } else {
            let sizes = (recipe.train.eval_batch, seed, threads);
            let clips = split.validation.iter().skip(rank.number);
            let mine: Vec<usize> = clips.step_by(rank.of).copied().collect();
            Some(Loader::eval(prepared.clone(), &mine, &recipe.data, sizes)?)
        };
        if loader.batches() == 0 {
            let what = format!("{protocol} has no training clip here that gives a sample");
            let help =
                "prepare data that include the training clips; see data.sampling and data.actors";
            return Err(Error::setting(what, help));
        }
        let (mut trainee, notes) = Trainee::of(recipe, manifest, &compute);
        trainee.ranks = ranks.clone();
        for note in notes {
            events(Event::Warning(note));
        }
        let mut published = recipe.clone();
        // A path of this machine means nothing to whoever gets the weights.
        published.run.data = String::new();
        let architecture = trainee.model.architecture();
        let weights = Weights {
            parameters: Default::default(),
            layout: architecture.layout.clone(),
            classes: manifest.classes.clone(),
            recipe: published,
            channels: architecture.channels,
            epoch: None,
            lengths: Lengths::of(split.train.iter().map(|clip| manifest.clips[*clip].frames)),
        };
        let mut position = Position::default();
        // Of a resumed run: whether its settings are others now, and whether a signal stopped it.
        let (mut changed, mut stopped) = (false, false);
        match &start {
            Start::Fresh => {}
            Start::From(initial) => {
                initial.check(recipe, manifest)?;
                initial.load_into(&mut trainee)?;
            }
            Start::Resume => {
                let mut warn = |e: &Error| events(Event::Warning(format!("{e}")));
                let newest = Checkpoint::newest_with_path(&run.checkpoints(), &mut warn)?;
                let (path, checkpoint) = newest;
                check_resumed(&checkpoint, manifest, prepared.folder())?;
                restore(&mut trainee, &checkpoint, &compute)?;
                position = checkpoint.position;
                changed = !run.trained().differences(recipe)?.is_empty();
                stopped = is_stopped(&path);
                // With the same settings, what was done behind the checkpoint comes again as it was.
                if changed {
                    position.best = run.best_until(&position);
                }
                run.rewind(&position, &mut |text| events(Event::Warning(text)))?;
                run.remove_superseded(&path)?;
            }
            Start::Follow => {
                let checkpoint = Checkpoint::from_bytes(&ranks.tell(Vec::new()))?;
                restore(&mut trainee, &checkpoint, &compute)?;
                position = checkpoint.position;
            }
        }
        let log = run.events(&position);
        let clips = [split.train.len(), split.validation.len(), split.test.len()];
        let mut session = Session {
            run,
            trainee,
            loader,
            validation,
            clips,
            weights,
            position,
            compute,
            ranks,
            log,
            prepared,
            unread: (0, 0.0),
        };
        if rank.leads() {
            let resumed = matches!(start, Start::Resume);
            if resumed && changed {
                let stretched = session.stretched_schedule();
                stretched
                    .into_iter()
                    .for_each(|text| events(Event::Warning(text)));
                session.run.list_files()?;
            }
            if !resumed || changed {
                // The newest checkpoint has the settings that hold from here on.
                session.write(&session.checkpoint()?, stopped)?;
            }
            session.run.keep_recipe()?;
            if shared {
                let bytes = 4e-6 * session.trainee.model.num_params() as f64;
                events(Event::Note(format!(
                    "ranks: {}, {} of them on this machine; {bytes:.1} MB of gradients are summed at every step",
                    rank.of, rank.locals
                )));
                session.ranks.tell(session.checkpoint()?.to_bytes()?);
            }
        }
        Ok(session)
    }
}

impl Session {
    /// What to say where more epochs than the steps so far were planned for change the rate of the steps to come.
    fn stretched_schedule(&self) -> Option<String> {
        let (before, now) = (self.run.trained(), &self.run.recipe);
        let epochs = [before, now].map(|recipe| recipe.train.epochs);
        let steps = self.steps();
        let done = self.position.epoch * steps + self.position.step_in_epoch;
        if now.schedule.kind != ScheduleKind::Cosine || epochs[0] == epochs[1] || done == 0 {
            return None;
        }
        let returned = 0.5f64.powi(self.position.returns as i32);
        let rate = |recipe: &ResolvedSettings, step| {
            let ResolvedSettings {
                train, schedule, ..
            } = recipe;
            rate(schedule, train.lr, step, steps, train.epochs) * returned
        };
        Some(format!(
            "train.epochs {} to {} stretches the cosine schedule: the learning rate goes from {:.2e} in the last step to {:.2e} in \
             the next; to train on at a low rate, start a new run with --init, a lower train.lr and \
             schedule.kind=constant instead",
            epochs[0],
            epochs[1],
            rate(before, done - 1),
            rate(now, done),
        ))
    }
}

/// Puts a model and its optimiser back to where a checkpoint stands.
pub(super) fn restore(
    trainee: &mut Trainee,
    checkpoint: &Checkpoint,
    compute: &Compute,
) -> Result<()> {
    trainee.load(&checkpoint.parameters)?;
    let names: Vec<String> = parameter_names(&trainee.model).into_values().collect();
    let memory = &checkpoint.memory;
    trainee.optimiser.restore(&names, memory, &compute.device);
    Ok(())
}
