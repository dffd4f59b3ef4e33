//! What happens to a run whose loss, gradient or weights became NaN or infinite.

use super::setup::restore;
use super::{Event, Session};
use crate::error::{Error, Place, Result};
use crate::settings::OnDivergence;
use crate::train::Divergence;
use crate::train::checkpoint::{Checkpoint, Position, is_stopped};
use crate::train::ranks::{receive_checkpoint, send_checkpoint};

/// Steps on end that can be passed over; after those it is not the clips' fault.
const MOST_SKIPPED: usize = 10;

/// How often a run goes back.
const MOST_RETURNS: usize = 3;

/// Refuses tensors that contain NaN or infinity.
pub(super) fn finite<'a>(
    tensors: impl IntoIterator<Item = (&'a String, &'a Vec<f32>)>,
) -> Result<()> {
    let lost = |values: &[f32]| values.iter().any(|value| !value.is_finite());
    match tensors.into_iter().find(|(_, values)| lost(values)) {
        None => Ok(()),
        Some((name, _)) => Err(Error::diverged(format!("{name} is NaN or infinite"))),
    }
}

impl Session {
    /// Tells of a step that changed nothing, with its clips.
    ///
    /// # Errors
    /// [`Error::Diverged`] with the clips where the step was taken, or was one too many to pass over.
    pub(super) fn pass_over(
        &mut self,
        diverged: &Divergence,
        events: &mut dyn FnMut(Event<'_>),
    ) -> Result<()> {
        let clips = &self.prepared.manifest().clips;
        let names: Vec<&str> = diverged
            .clips
            .iter()
            .filter_map(|clip| Some(clips.get(*clip)?.name.as_str()))
            .collect();
        let (step, names) = (self.unread.0, names.join(", "));
        let what = format!("{} in step {step}, of the clips {names}", diverged.what);
        if !diverged.skipped {
            return Err(Error::diverged(what));
        }
        self.position.skipped += 1;
        if self.position.skipped >= MOST_SKIPPED {
            let what = format!("{what}, and {MOST_SKIPPED} steps on end were skipped");
            return Err(Error::diverged(what));
        }
        events(Event::Warning(format!("{what}; the step is skipped")));
        Ok(())
    }

    /// Puts the run back to its last checkpoint, from where it goes on at half the rate.
    ///
    /// # Errors
    /// The one that brought it here, where the settings don't say so or it went back too often; [`Error::Io`].
    pub(super) fn go_back(
        &mut self,
        error: Error,
        events: &mut dyn FnMut(Event<'_>),
    ) -> Result<()> {
        let returns = self.position.returns + 1;
        if self.run.settings.train.diverged != OnDivergence::Back || returns > MOST_RETURNS {
            return Err(error);
        }
        let checkpoint = self.last_of_all(events)?;
        self.trainee.discard_pending();
        restore(&mut self.trainee, &checkpoint, &self.compute)?;
        self.position = Position {
            returns,
            best: self.run.best_until(&checkpoint.position),
            ..checkpoint.position
        };
        if self.ranks.rank().leads() {
            let mut warn = |text| events(Event::Warning(text));
            self.run.rewind(&self.position, &mut warn)?;
            self.log = self.run.events(&self.position);
        }
        // Kept at once, so that a resumed run counts this return too.
        self.save(false)?;
        let what = match &error {
            Error::Diverged { what, .. } => what.clone(),
            other => other.to_string(),
        };
        events(Event::Warning(format!(
            "{what}; back to step {}, at 1/{} of the rate",
            self.position.step,
            1u32 << returns,
        )));
        Ok(())
    }

    /// The checkpoint that the first rank goes back to, at every rank.
    fn last_of_all(&self, events: &mut dyn FnMut(Event<'_>)) -> Result<Checkpoint> {
        if !self.ranks.rank().leads() {
            return receive_checkpoint(&*self.ranks);
        }
        let checkpoint = self.last_regular(events)?;
        send_checkpoint(&*self.ranks, || Ok(checkpoint.clone()))?;
        Ok(checkpoint)
    }

    /// The newest checkpoint of those that every run of these settings writes: where a signal stopped a run makes no
    /// difference to where it goes back to.
    fn last_regular(&self, events: &mut dyn FnMut(Event<'_>)) -> Result<Checkpoint> {
        let folder = self.run.checkpoints();
        let mut warn = |e: &Error| events(Event::Warning(format!("{e}")));
        let regular = Checkpoint::newest_of(&folder, |path| !is_stopped(path), &mut warn)?;
        regular.map(|(_, checkpoint)| checkpoint).ok_or_else(|| {
            let what = "no whole checkpoint to go back to";
            let help = "resume from what is there with --set train.diverged=stop --allow train.diverged, or train anew";
            Error::input(Place::file(&folder), what, help)
        })
    }
}
