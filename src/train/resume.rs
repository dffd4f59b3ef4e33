//! Resuming a run, with the settings that it was started with or with others that were allowed.

use super::event::Event;
use super::memory;
use super::ranks::{Ranks, alone};
use super::resolve::{Target, set_device};
use super::run::Run;
use super::run_data::data_of;
use super::session::{Session, Start};
use crate::device::{Choice, open_for, open_named};
use crate::error::{Error, Result};
use crate::settings::{Auto, Difference, ResolvedSettings, SHAPE_KEYS};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Which run to resume, and how.
#[derive(Clone)]
#[non_exhaustive]
pub struct ResumeOptions {
    /// The run's folder.
    pub run: PathBuf,
    /// `KEY=VALUE` settings for the rest of the run. A larger `train.epochs` is always accepted; any other change needs its
    /// key in `allow`.
    pub settings: Vec<String>,
    /// Keys of settings that may differ from those of the steps so far, here or in an edited `config.toml`.
    pub allow: Vec<String>,
    /// The prepared data; default: where the run's settings say that they are.
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
    /// Resumes a run with its own settings and data, on its own device.
    pub fn new(run: impl Into<PathBuf>) -> Self {
        ResumeOptions {
            run: run.into(),
            settings: Vec::new(),
            allow: Vec::new(),
            data: None,
            device: None,
            stop: Arc::default(),
            ranks: alone(),
        }
    }
}

/// Opens a run at its newest intact checkpoint; [`Session::train`] then trains on. A run that is finished trains on where
/// `options` has a larger `train.epochs`.
///
/// # Errors
/// [`Error::Input`] where the folder holds no run, its files are damaged or its data were not found; [`Error::Failed`]
/// where another process trains in it, or settings differ from those of the steps so far and are not allowed to; a device
/// that is gone, too small or cannot run the plan.
pub fn open_to_resume(
    options: &ResumeOptions,
    events: &mut dyn FnMut(Event<'_>),
) -> Result<Session> {
    let (folder, ranks) = (&options.run, options.ranks.clone());
    let rank = ranks.rank();
    let mut run = Run::open_edited(folder)?;
    let mut wanted = run.recipe.written()?.with(&options.settings)?;
    // An open plan is measured anew.
    let plan = std::mem::replace(&mut wanted.run.plan, run.recipe.run.plan.clone().into());
    let mut wanted = wanted.complete()?;
    let plan = match plan {
        Auto::Value(plan) => Some(plan),
        _ => None,
    };
    if let Some(plan) = &plan {
        wanted.run.plan = plan.clone();
    }
    refuse_changes(options, &run, &wanted)?;
    let compute = match options.device {
        Some(choice) => open_for(choice, rank.local, rank.locals)?,
        None => open_named(&run.recipe.run.device, rank.local)?,
    };
    let prepared = Arc::new(data_of(folder, &wanted, options.data.as_deref())?);
    memory::fits(&wanted, prepared.manifest(), &compute, rank.of)?;
    let on = Target {
        prepared: &prepared,
        compute: &compute,
        ranks: rank.of,
        folder,
    };
    set_device(&mut wanted, plan, &on, &mut |note| {
        events(Event::Note(note))
    })?;
    wanted.run.checksum = prepared.manifest().checksum.clone();
    refuse_changes(options, &run, &wanted)?;
    events(Event::Note(compute.describe()));
    // Written only when the session has been set up with them.
    run.recipe = wanted;
    Session::new(run, prepared, compute, ranks, Start::Resume, events)
}

/// Refuses settings that differ from those of the steps so far. More epochs change no step already done; any other change,
/// also one in `config.toml`, must be allowed by its key.
fn refuse_changes(options: &ResumeOptions, run: &Run, wanted: &ResolvedSettings) -> Result<()> {
    let trained = run.trained();
    for key in &options.allow {
        trained.check_key(key, "--allow")?;
    }
    let edited = run.recipe.differences(trained)?;
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
