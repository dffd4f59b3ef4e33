//! What a run needs before its first step.

use super::{Event, Session, Start};
use crate::device::Compute;
use crate::error::{Error, Result};
use crate::export::{Lengths, Weights};
use crate::loader::{Loader, Protocol};
use crate::model::named;
use crate::shards::Prepared;
use crate::train::checkpoint::{Checkpoint, Position};
use crate::train::initial::check_resumed;
use crate::train::ranks::Ranks;
use crate::train::run::Run;
use crate::train::step::Trainee;
use burn::module::Module;
use std::sync::Arc;

impl Session {
    /// Sets up everything that a run of settled settings needs; for a new run a checkpoint stands before the first step.
    /// Of several ranks the first one tells the others its settings and where it begins; see [`crate::train::follow`].
    ///
    /// # Errors
    /// Data, protocol, weights or checkpoints that cannot be used; a device that fails.
    pub fn new(
        run: Run,
        prepared: Arc<Prepared>,
        compute: Compute,
        ranks: Arc<dyn Ranks>,
        start: Start,
        events: &mut dyn FnMut(Event<'_>),
    ) -> Result<Self> {
        let (recipe, rank) = (&run.recipe, ranks.rank());
        let shared = rank.of > 1;
        if shared && rank.leads() {
            ranks.tell(recipe.to_toml()?.into_bytes());
        }
        let protocol: Protocol = recipe.run.protocol.parse()?;
        let manifest = prepared.manifest();
        let split = protocol.split(manifest, recipe.train.validation, recipe.run.seed)?;
        let (seed, threads) = (recipe.run.seed, recipe.run.threads);
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
            let help = "prepare the part that trains; see data.sampling and data.actors";
            return Err(Error::setting(what, help));
        }
        let (mut trainee, notes) = Trainee::of(recipe, manifest, loader.shape(), &compute);
        trainee.ranks = ranks.clone();
        for note in notes {
            events(Event::Warning(note));
        }
        let mut published = recipe.clone();
        // A path of this machine means nothing to whoever gets the weights.
        published.run.data = String::new();
        let weights = Weights {
            parameters: Default::default(),
            layout: trainee.shape.layout.clone(),
            classes: manifest.classes.clone(),
            recipe: published,
            channels: trainee.shape.channels,
            epoch: None,
            lengths: Lengths::of(split.train.iter().map(|clip| manifest.clips[*clip].frames)),
        };
        let mut position = Position::default();
        match &start {
            Start::Fresh => {}
            Start::From(initial) => {
                initial.check(recipe, manifest)?;
                initial.load_into(&mut trainee)?;
            }
            Start::Resume => {
                let mut warn = |e: &Error| events(Event::Warning(format!("{e}")));
                let checkpoint = Checkpoint::newest(&run.checkpoints(), &mut warn)?;
                check_resumed(&checkpoint, manifest, prepared.folder())?;
                restore(&mut trainee, &checkpoint, &compute)?;
                position = checkpoint.position;
                // With the same settings, what was done behind the checkpoint comes again as it was.
                if !Run::recipe(run.folder())?.differences(recipe)?.is_empty() {
                    position.best = run.best_until(&position);
                }
                run.rewind(&position)?;
            }
            Start::Follow => {
                let checkpoint = Checkpoint::from_bytes(&ranks.tell(Vec::new()))?;
                restore(&mut trainee, &checkpoint, &compute)?;
                position = checkpoint.position;
            }
        }
        let log = run.events(&position);
        let clips = [split.train.len(), split.validation.len(), split.test.len()];
        let session = Session {
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
            if !matches!(start, Start::Resume) {
                session.write(&session.checkpoint()?)?;
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

/// Puts a model and its optimiser back to where a checkpoint stands.
pub(super) fn restore(
    trainee: &mut Trainee,
    checkpoint: &Checkpoint,
    compute: &Compute,
) -> Result<()> {
    trainee.load(&checkpoint.parameters)?;
    let names: Vec<String> = named(&trainee.model).into_values().collect();
    let memory = &checkpoint.memory;
    trainee.optimiser.restore(&names, memory, &compute.device);
    Ok(())
}
