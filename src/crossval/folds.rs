//! The folds of a cross-validation: ordinary runs, several at a time.

use crate::device::Compute;
use crate::error::{Error, Result};
use crate::settings::{Difference, ResolvedSettings};
use crate::shards::Prepared;
use crate::train::ranks::single;
use crate::train::{Event, Run, Session, Setup};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// One fold.
#[derive(Debug, Clone)]
pub struct Fold {
    /// The folder of its run.
    pub folder: PathBuf,
    /// Its settings.
    pub settings: ResolvedSettings,
}

impl Fold {
    /// Refuses a run in the fold's folder that has other settings, naming each.
    ///
    /// # Errors
    /// [`Error::Failed`] that names what differs; settings that cannot be read.
    pub(super) fn check(&self) -> Result<()> {
        if !Run::exists(&self.folder) {
            return Ok(());
        }
        let stored = Run::settings_of(&self.folder)?;
        let other = stored.differences(&self.settings)?;
        let other: Vec<String> = other.iter().map(Difference::clause).collect();
        if other.is_empty() {
            return Ok(());
        }
        let what = format!(
            "{} has other settings: {}",
            self.folder.display(),
            other.join("; ")
        );
        let help = "give the settings that it was begun with, or choose another --out";
        Err(Error::failed(what, help))
    }

    /// Trains the fold to its last epoch, resuming its run where there is one.
    fn train(
        &self,
        prepared: &Arc<Prepared>,
        compute: &Compute,
        stop: &AtomicBool,
        events: &mut dyn FnMut(Event<'_>),
    ) -> Result<()> {
        let setup = |settings: &ResolvedSettings, events: &mut dyn FnMut(Event<'_>)| {
            let (prepared, compute) = (prepared.clone(), compute.clone());
            Setup::new(settings.clone(), prepared, compute, single(), events)
        };
        let mut session = if Run::exists(&self.folder) {
            let run = Run::open(&self.folder)?;
            Session::resume(setup(&run.settings, events)?, run, events)?
        } else {
            Session::start(setup(&self.settings, events)?, &self.folder, None, events)?
        };
        session.train(stop, events)
    }
}

/// Trains every fold to its last epoch, up to `jobs` of them side by side; each ends in the same bytes whatever their
/// number. `events` receives each fold's index and event.
///
/// # Errors
/// That of the first fold that fails: `stop` is then set until the others have stopped and are saved, and cleared again.
/// [`Error::Interrupted`] after `stop`.
pub(super) fn train_folds(
    folds: &[Fold],
    prepared: &Arc<Prepared>,
    compute: &Compute,
    jobs: usize,
    stop: &AtomicBool,
    events: &(dyn Fn(usize, Event<'_>) + Sync),
) -> Result<()> {
    let next = AtomicUsize::new(0);
    let failure = Mutex::new(None);
    // Whether a fold that failed set `stop`, rather than the caller.
    let by_us = AtomicBool::new(false);
    let work = || {
        while !stop.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(fold) = folds.get(index) else {
                return;
            };
            let mut hear = |event: Event<'_>| events(index, event);
            let Err(error) = fold.train(prepared, compute, stop, &mut hear) else {
                continue;
            };
            if !stop.swap(true, Ordering::Relaxed) {
                by_us.store(true, Ordering::Relaxed);
            }
            let mut first = failure.lock().unwrap_or_else(PoisonError::into_inner);
            // The first error is the reason; the others were only stopped.
            if first.is_none() || matches!(*first, Some(Error::Interrupted(_))) {
                *first = Some(error);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..jobs.clamp(1, folds.len().max(1)) {
            // If another thread cannot be started, fewer folds train at a time; the results are the same.
            let _ = std::thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    if by_us.into_inner() {
        stop.store(false, Ordering::Relaxed);
    }
    let begun = next.into_inner();
    match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(Error::Interrupted(_)) => Err(interrupted()),
        Some(error) => Err(error),
        None if begun < folds.len() => Err(interrupted()),
        None => Ok(()),
    }
}

/// The end of a cross-validation that the same command continues.
pub(crate) fn interrupted() -> Error {
    Error::Interrupted("finished steps are saved; run the same command to continue".into())
}
