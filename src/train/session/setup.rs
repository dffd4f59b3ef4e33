//! What a run needs before its first step, and the three ways to a session: start, resume, join.

use super::{Event, Session};
use crate::device::Compute;
use crate::error::{Error, Result};
use crate::loader::{Loader, check_training};
use crate::model::parameter_names;
use crate::settings::{ResolvedSettings, ScheduleKind};
use crate::shards::Prepared;
use crate::train::checkpoint::{Checkpoint, Position, is_stopped};
use crate::train::initial::{InitialWeights, check_resumed};
use crate::train::ranks::{Ranks, receive_checkpoint, send_checkpoint};
use crate::train::run::Run;
use crate::train::schedule::rate;
use crate::train::step::Trainee;
use crate::weights::{Lengths, Weights};
use burn::module::Module;
use std::path::Path;
use std::sync::Arc;

/// Everything that a run needs before its first step but its folder: loaders, model and optimiser on the device.
pub struct Setup {
    settings: ResolvedSettings,
    prepared: Arc<Prepared>,
    compute: Compute,
    ranks: Arc<dyn Ranks>,
    trainee: Trainee,
    loader: Loader,
    validation: Option<Loader>,
    clips: [usize; 3],
    weights: Weights,
}

impl Setup {
    /// Sets up a run with these settings, with weights drawn from the seed.
    ///
    /// # Errors
    /// [`Error::Setting`] for a protocol that these data do not have or whose training clips give no sample;
    /// [`Error::Input`] for a clip that cannot be read; a device that fails.
    pub fn new(
        settings: ResolvedSettings,
        prepared: Arc<Prepared>,
        compute: Compute,
        ranks: Arc<dyn Ranks>,
        events: &mut dyn FnMut(Event<'_>),
    ) -> Result<Self> {
        let rank = ranks.rank();
        let protocol = settings.run.protocol;
        let manifest = prepared.manifest();
        let split = protocol.split(manifest, settings.train.validation, settings.run.seed)?;
        // Its warnings were reported when the run was started.
        check_training(protocol, manifest, &split, prepared.folder())?;
        let (seed, threads) = (settings.run.seed, settings.run.threads.number());
        let loader = Loader::train(
            prepared.clone(),
            &split.train,
            &settings.data,
            &settings.augment,
            (settings.train.batch, seed, threads),
        )?
        .dealt(rank.index, rank.count);
        let validation = if split.validation.is_empty() {
            None
        } else {
            let sizes = (settings.train.eval_batch, seed, threads);
            let clips = split.validation.iter().skip(rank.index);
            let mine: Vec<usize> = clips.step_by(rank.count).copied().collect();
            let loader = Loader::eval(prepared.clone(), &mine, &settings.data, sizes)?;
            Some(loader)
        };
        if loader.batches() == 0 {
            let what = format!("{protocol} has no training clip here that gives a sample");
            let help =
                "prepare data that include the training clips; see data.sampling and data.actors";
            return Err(Error::setting(what, help));
        }
        let (mut trainee, notes) = Trainee::of(&settings, manifest, &compute);
        trainee.ranks = ranks.clone();
        for note in notes {
            events(Event::Warning(note));
        }
        let mut published = settings.clone();
        // A path on this machine means nothing to users of the weights.
        published.run.data = String::new();
        let architecture = trainee.model.architecture();
        let weights = Weights {
            parameters: Default::default(),
            layout: architecture.layout.clone(),
            classes: manifest.classes.clone(),
            settings: published,
            channels: architecture.channels,
            epoch: None,
            lengths: Lengths::of(split.train.iter().map(|clip| manifest.clips[*clip].frames)),
        };
        Ok(Setup {
            clips: [split.train.len(), split.validation.len(), split.test.len()],
            settings,
            prepared,
            compute,
            ranks,
            trainee,
            loader,
            validation,
            weights,
        })
    }

    /// The session of a run, at a position.
    fn session(self, run: Run, position: Position) -> Session {
        Session {
            log: run.events(&position),
            run,
            trainee: self.trainee,
            loader: self.loader,
            validation: self.validation,
            clips: self.clips,
            weights: self.weights,
            position,
            compute: self.compute,
            ranks: self.ranks,
            prepared: self.prepared,
            unread: (0, 0.0),
        }
    }
}

impl Session {
    /// Starts a run in a new folder, which then holds its settings and a checkpoint. A start that fails removes what it
    /// wrote.
    ///
    /// # Errors
    /// As [`Run::create`]; [`Error::Input`] for initial weights that do not fit; a device that fails.
    #[doc(hidden)]
    pub fn start(
        mut setup: Setup,
        out: &Path,
        initial: Option<&InitialWeights>,
        events: &mut dyn FnMut(Event<'_>),
    ) -> Result<Self> {
        if let Some(initial) = initial {
            initial.check(&setup.settings, setup.prepared.manifest())?;
            initial.load_into(&mut setup.trainee)?;
        }
        let run = Run::create(out, setup.settings.clone())?;
        let mut session = setup.session(run, Position::default());
        session.write(&session.checkpoint()?, false)?;
        session.run.keep_settings()?;
        session.share_start(events)?;
        Ok(session)
    }

    /// Resumes an open run from its newest intact checkpoint, with settings that may differ from those of the steps so far;
    /// they are written once the session is set up.
    ///
    /// # Errors
    /// [`Error::Input`] where no checkpoint is intact, or it is of another skeleton or other classes than the data; a device
    /// that fails; [`Error::Io`].
    #[doc(hidden)]
    pub fn resume(
        mut setup: Setup,
        mut run: Run,
        events: &mut dyn FnMut(Event<'_>),
    ) -> Result<Self> {
        for warning in run.take_warnings() {
            events(Event::Warning(warning));
        }
        let mut warn = |e: &Error| events(Event::Warning(e.to_string()));
        let (path, checkpoint) = Checkpoint::newest_with_path(&run.checkpoints(), &mut warn)?;
        let prepared = &setup.prepared;
        check_resumed(&checkpoint, prepared.manifest(), prepared.folder())?;
        restore(&mut setup.trainee, &checkpoint, &setup.compute)?;
        let mut position = checkpoint.position;
        run.settings = setup.settings.clone();
        let changed = !run.trained().differences(&run.settings)?.is_empty();
        // With the same settings, the epochs after the checkpoint give the same results again.
        if changed {
            position.best = run.best_until(&position);
        }
        run.rewind(&position, &mut |text| events(Event::Warning(text)))?;
        run.remove_superseded(&path)?;
        let mut session = setup.session(run, position);
        if changed {
            if let Some(warning) = session.stretched_schedule() {
                events(Event::Warning(warning));
            }
            session.run.list_files()?;
            // The newest checkpoint has the settings that apply from here on.
            session.write(&session.checkpoint()?, is_stopped(&path))?;
        }
        session.run.keep_settings()?;
        session.share_start(events)?;
        Ok(session)
    }

    /// Joins the session of the first rank.
    ///
    /// # Errors
    /// A device that fails.
    pub(in crate::train) fn join(mut setup: Setup, folder: &Path) -> Result<Self> {
        let checkpoint = receive_checkpoint(&*setup.ranks)?;
        restore(&mut setup.trainee, &checkpoint, &setup.compute)?;
        let run = Run::of_other_rank(folder, setup.settings.clone());
        Ok(setup.session(run, checkpoint.position))
    }

    /// Sends the start of the training to the other ranks.
    fn share_start(&self, events: &mut dyn FnMut(Event<'_>)) -> Result<()> {
        let rank = self.ranks.rank();
        if rank.count > 1 {
            let bytes = 4e-6 * self.trainee.model.num_params() as f64;
            events(Event::Note(format!(
                "ranks: {}, {} of them on this machine; {bytes:.1} MB of gradients are summed at every step",
                rank.count, rank.local_count
            )));
        }
        send_checkpoint(&*self.ranks, || self.checkpoint())
    }

    /// A warning where another number of epochs than the steps so far were planned for changes the learning rate of the
    /// steps to come.
    fn stretched_schedule(&self) -> Option<String> {
        let (before, now) = (self.run.trained(), &self.run.settings);
        let epochs = [before, now].map(|settings| settings.train.epochs);
        let steps = self.steps();
        let done = self.position.epoch * steps + self.position.step_in_epoch;
        if now.schedule.kind != ScheduleKind::Cosine || epochs[0] == epochs[1] || done == 0 {
            return None;
        }
        let returned = 0.5f64.powi(self.position.returns as i32);
        let rate = |settings: &ResolvedSettings, step| {
            let ResolvedSettings {
                train, schedule, ..
            } = settings;
            rate(schedule, train.lr, step, steps, train.epochs) * returned
        };
        Some(format!(
            "train.epochs {} to {} stretches the cosine schedule: the learning rate goes from {:.2e} in the last step to {:.2e} in \
             the next; to continue at a low learning rate, start a new run with --init, a lower train.lr and \
             schedule.kind=constant instead",
            epochs[0],
            epochs[1],
            rate(before, done - 1),
            rate(now, done),
        ))
    }
}

/// Puts a model and its optimiser back to the state of a checkpoint.
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
