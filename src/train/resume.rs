//! Resuming a run, with the settings that it was started with or with others that were allowed.

use super::event::Event;
use super::memory;
use super::ranks::{Ranks, send_settings, single};
use super::resolve::{Target, set_device};
use super::run::Run;
use super::run_data::data_of;
use super::session::{Session, Setup};
use super::summary::TrainSummary;
use crate::device::{Choice, open_for, open_named};
use crate::error::{Error, Result};
use crate::settings::{Auto, Difference, KernelPlan, ResolvedSettings, SHAPE_KEYS};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Which run to resume, and how.
#[derive(Clone)]
#[non_exhaustive]
pub struct ResumeOptions {
    /// The run's folder.
    pub run: PathBuf,
    /// Settings for the rest of the run, as `KEY=VALUE`. A larger `train.epochs` is always accepted; any other change needs
    /// its key in `allow`.
    pub settings: Vec<String>,
    /// Keys of settings that may differ from those of the steps so far, here or in an edited `config.toml`.
    pub allow: Vec<String>,
    /// Where the prepared data are; default: where the run's settings say.
    pub data: Option<PathBuf>,
    /// The device; default: the one that the run was started on.
    pub device: Option<Choice>,
    /// Set to true, from any thread, it interrupts the training: the step in progress is finished and saved.
    pub stop: Arc<AtomicBool>,
    /// The ranks that train the run together; default: this process alone.
    #[doc(hidden)]
    pub ranks: Arc<dyn Ranks>,
}

impl ResumeOptions {
    /// Resumes a run as it was started.
    pub fn new(run: impl Into<PathBuf>) -> Self {
        ResumeOptions {
            run: run.into(),
            settings: Vec::new(),
            allow: Vec::new(),
            data: None,
            device: None,
            stop: Arc::default(),
            ranks: single(),
        }
    }
}

/// Resumes a run and trains it to its last epoch. `events` receives the device, warnings, steps and epochs.
///
/// ```no_run
/// use sinew::train::ResumeOptions;
///
/// # fn main() -> sinew::Result<()> {
/// let mut options = ResumeOptions::new("runs/first");
/// options.settings = vec!["train.epochs=200".into()];
/// sinew::resume(&options, &mut |_| {})?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`open_session`] and [`Session::train`].
pub fn resume(options: &ResumeOptions, events: &mut dyn FnMut(Event<'_>)) -> Result<TrainSummary> {
    let session = open_session(options, events)?;
    if session.position().epoch >= session.run().settings.train.epochs {
        let what = "the run is finished; to train longer, add --epochs with a larger number";
        events(Event::Note(what.into()));
    }
    session.finish_training(&options.stop, events)
}

/// Opens a run at its newest intact checkpoint, without training yet: [`Session::train`] does. With several ranks this is
/// for the first one; the others [`join`](super::join()).
///
/// # Errors
/// [`Error::Input`] where the folder holds no run, its files are damaged or its data were not found; [`Error::Locked`]
/// where another process trains in it; [`Error::Failed`] where settings differ from those of the steps so far and are not
/// allowed to; [`Error::Device`], [`Error::Memory`] and [`Error::Setting`] for a device that is gone, too small or cannot
/// run the plan.
pub fn open_session(options: &ResumeOptions, events: &mut dyn FnMut(Event<'_>)) -> Result<Session> {
    let (folder, rank) = (&options.run, options.ranks.rank());
    let run = Run::open_edited(folder)?;
    let (mut wanted, plan) = wanted_settings(&run, &options.settings)?;
    refuse_changes(options, &run, &wanted)?;
    let compute = match options.device {
        Some(choice) => open_for(choice, rank.local_index, rank.local_count)?,
        None => open_named(&run.settings.run.device, rank.local_index)?,
    };
    let prepared = Arc::new(data_of(folder, &wanted, options.data.as_deref())?);
    memory::fits(&wanted, prepared.manifest(), &compute, rank.count)?;
    let target = Target {
        prepared: &prepared,
        compute: &compute,
        ranks: rank.count,
        folder,
    };
    let mut note = |text| events(Event::Note(text));
    set_device(&mut wanted, plan, &target, &mut note)?;
    wanted.run.checksum = prepared.manifest().checksum.clone();
    refuse_changes(options, &run, &wanted)?;
    events(Event::Note(compute.describe()));
    send_settings(&*options.ranks, &wanted)?;
    let setup = Setup::new(wanted, prepared, compute, options.ranks.clone(), events)?;
    Session::resume(setup, run, events)
}

/// The settings of a run with others over them, and their kernel plan; without one, it is chosen anew by measuring.
fn wanted_settings(run: &Run, sets: &[String]) -> Result<(ResolvedSettings, Option<KernelPlan>)> {
    let mut wanted = run.settings.written()?.with(sets)?;
    let before = run.settings.run.plan.clone();
    let plan = match std::mem::replace(&mut wanted.run.plan, before.into()) {
        Auto::Value(plan) => Some(plan),
        Auto::Auto | Auto::ByDataset(_) => None,
    };
    let mut wanted = wanted.complete()?;
    if let Some(plan) = &plan {
        wanted.run.plan = plan.clone();
    }
    Ok((wanted, plan))
}

/// Refuses settings that differ from those of the steps so far. More epochs change no step already done; any other change,
/// also one in `config.toml`, must be allowed by its key.
fn refuse_changes(options: &ResumeOptions, run: &Run, wanted: &ResolvedSettings) -> Result<()> {
    let trained = run.trained();
    for key in &options.allow {
        trained.check_key(key, "--allow")?;
    }
    let edited = run.settings.differences(trained)?;
    let edited = |key: &str| edited.iter().any(|difference| difference.key == key);
    let allowed = |key: &str| options.allow.iter().any(|allowed| allowed == key);
    let given = |key: &str| {
        let names = |set: &String| set.split('=').next().unwrap_or_default().trim() == key;
        options.settings.iter().any(names)
    };
    let accepted = |Difference { key, .. }: &Difference| {
        let more = key == "train.epochs" && wanted.train.epochs >= trained.train.epochs;
        (more && (given(key) || !edited(key)))
            || (key == "run.plan" && allowed("run.device"))
            || (!SHAPE_KEYS.contains(&&key[..]) && allowed(key))
    };
    let mut refused = trained.differences(wanted)?;
    refused.retain(|difference| !accepted(difference));
    if refused.is_empty() {
        return Ok(());
    }
    let clause = |difference: &Difference| match edited(&difference.key) {
        true => format!("{} (config.toml was changed)", difference.clause()),
        false => difference.clause(),
    };
    let clauses: Vec<String> = refused.iter().map(clause).collect();
    let what = format!(
        "settings differ from those of the run: {}",
        clauses.join("; ")
    );
    let of_shape = |difference: &Difference| SHAPE_KEYS.contains(&&difference.key[..]);
    let help = if refused.iter().any(|difference| edited(&difference.key)) {
        "restore config.toml (`sinew check RUN --mend` does), or name each with --allow KEY"
    } else if refused.iter().any(of_shape) {
        "leave them, or train anew: weights of one shape do not fit another"
    } else {
        "leave them, or name each with --allow KEY"
    };
    Err(Error::failed(what, help))
}
