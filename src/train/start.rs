//! Starting a run: settings as written, settings as resolved, the run's folder, the session.

use super::event::Event;
use super::folder::check_free;
use super::initial::InitialWeights;
use super::memory;
use super::ranks::{Ranks, receive_settings, send_settings, single};
use super::resolve::{Target, resolve, set_device};
use super::session::{Session, Setup};
use super::summary::TrainSummary;
use crate::device::{Choice, open_for, open_named};
use crate::error::{Error, Place, Result, Warning};
use crate::loader::check_training;
use crate::prepare::number_warnings;
use crate::settings::{ResolvedSettings, Settings};
use crate::shards::{ClipEntry, Prepared};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What to train, and how.
#[derive(Clone)]
#[non_exhaustive]
pub struct TrainOptions {
    /// Prepared data.
    pub data: PathBuf,
    /// The folder of the new run.
    pub out: PathBuf,
    /// The settings, which must name the protocol (`run.protocol`). What they leave open is derived from the training clips.
    pub settings: Settings,
    /// The device; default: [`Choice::Auto`].
    pub device: Choice,
    /// Weights to start from; default: initialised from the seed.
    pub init: Option<InitialWeights>,
    /// Set to true, from any thread, it interrupts the training: the step in progress is finished and saved, and
    /// [`resume()`](super::resume()) continues.
    pub stop: Arc<AtomicBool>,
    /// The ranks that train the run together; default: this process alone.
    #[doc(hidden)]
    pub ranks: Arc<dyn Ranks>,
}

impl TrainOptions {
    /// Trains on prepared data with these settings, in a new folder.
    pub fn new(data: impl Into<PathBuf>, out: impl Into<PathBuf>, settings: Settings) -> Self {
        TrainOptions {
            data: data.into(),
            out: out.into(),
            settings,
            device: Choice::Auto,
            init: None,
            stop: Arc::default(),
            ranks: single(),
        }
    }
}

/// Trains a new run to its last epoch. `events` receives the device and kernel plan, warnings, steps and epochs.
///
/// ```no_run
/// use sinew::settings::{Preset, Settings};
/// use sinew::train::{Event, TrainOptions};
///
/// # fn main() -> sinew::Result<()> {
/// let settings = Settings::preset(Preset::Sinew)?.with(&["run.protocol=xsub", "train.epochs=100"])?;
/// let options = TrainOptions::new("ntu60", "runs/first", settings);
/// let trained = sinew::train(&options, &mut |event| {
///     if let Event::Epoch { metrics, .. } = event {
///         println!("epoch {}: loss {:.3}", metrics.epoch, metrics.loss);
///     }
/// })?;
/// println!("{}", trained.weights.display());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`start`] and [`Session::train`].
pub fn train(options: &TrainOptions, events: &mut dyn FnMut(Event<'_>)) -> Result<TrainSummary> {
    start(options, events)?.finish_training(&options.stop, events)
}

/// Starts a new run, without training yet: [`Session::train`] does. The folder then holds the run's settings and a
/// checkpoint of the initial weights. A start that is refused leaves nothing behind.
///
/// With several ranks this is for the first one; the others [`join`].
///
/// # Errors
/// [`Error::Exists`] for a folder that holds a run or other files, [`Error::Locked`] where another process is training in
/// it; [`Error::Setting`] without a protocol, for one that the
/// data do not have, and for settings that the data or the device do not allow; [`Error::Input`] for a clip that cannot be
/// read and for weights that do not fit; [`Error::Device`] and [`Error::Memory`]; [`Error::Io`].
pub fn start(options: &TrainOptions, events: &mut dyn FnMut(Event<'_>)) -> Result<Session> {
    let prepared = Arc::new(Prepared::open(&options.data)?);
    check_free(&options.out)?;
    let rank = options.ranks.rank();
    let compute = open_for(options.device, rank.local_index, rank.local_count)?;
    events(Event::Note(compute.describe()));
    let target = Target {
        prepared: &prepared,
        compute: &compute,
        ranks: rank.count,
        folder: &options.out,
    };
    let mut note = |text| events(Event::Note(text));
    let settings = resolve(&options.settings, &target, &mut note)?;
    let mut warnings = training_warnings(&settings, &prepared)?;
    warnings.extend(ignored_validation(&options.settings, &prepared)?);
    for warning in warnings {
        events(Event::Warning(warning.to_string()));
    }
    if let Some(initial) = &options.init {
        initial.check(&settings, prepared.manifest())?;
    }
    send_settings(&*options.ranks, &settings)?;
    let setup = Setup::new(settings, prepared, compute, options.ranks.clone(), events)?;
    Session::start(setup, &options.out, options.init.as_ref(), events)
}

/// Joins the run that the first rank starts or resumes in `folder`, as another rank: with the first one's settings, weights
/// and optimiser state. The prepared data must be in the same place as there. `device`: `None` selects the device in the
/// run's settings.
///
/// # Errors
/// [`Error::Input`] for other data than the first rank's; what [`start`] says of devices, clips and plans.
pub fn join(
    ranks: Arc<dyn Ranks>,
    folder: &Path,
    device: Option<Choice>,
    events: &mut dyn FnMut(Event<'_>),
) -> Result<Session> {
    let rank = ranks.rank();
    let mut settings = receive_settings(&*ranks)?;
    let prepared = Arc::new(Prepared::open(&settings.run.data)?);
    if prepared.manifest().checksum != settings.run.checksum {
        let place = Place::file(prepared.folder());
        let help = "give every machine the same prepared data in the same place";
        return Err(Error::input(place, "not the first rank's data", help));
    }
    let compute = match device {
        Some(choice) => open_for(choice, rank.local_index, rank.local_count)?,
        None => open_named(&settings.run.device, rank.local_index)?,
    };
    events(Event::Note(compute.describe()));
    memory::fits(&settings, prepared.manifest(), &compute, rank.count)?;
    let target = Target {
        prepared: &prepared,
        compute: &compute,
        ranks: rank.count,
        folder,
    };
    let plan = Some(settings.run.plan.clone());
    let mut note = |text| events(Event::Note(text));
    set_device(&mut settings, plan, &target, &mut note)?;
    let setup = Setup::new(settings, prepared, compute, ranks, events)?;
    Session::join(setup, folder)
}

/// Refuses a split that cannot be trained on; returns warnings about the data.
///
/// # Errors
/// As [`check_training`]; a clip that cannot be read.
pub fn training_warnings(settings: &ResolvedSettings, prepared: &Prepared) -> Result<Vec<Warning>> {
    let (protocol, manifest) = (settings.run.protocol, prepared.manifest());
    let split = protocol.split(manifest, settings.train.validation, settings.run.seed)?;
    let mut warnings = check_training(protocol, manifest, &split, prepared.folder())?;
    warnings.extend(number_warnings(prepared)?);
    Ok(warnings)
}

/// A warning where a share of validation clips was set, other than the preset's, and has no effect because some clips are
/// marked `val`.
fn ignored_validation(settings: &Settings, prepared: &Prepared) -> Result<Option<Warning>> {
    let manifest = prepared.manifest();
    let share = |settings: &Settings| settings.train.validation.on(manifest.dataset);
    let set = share(settings);
    if set.is_none() || set == share(&Settings::preset(settings.run.preset)?) {
        return Ok(None);
    }
    let is_val = |clip: &ClipEntry| clip.about.split.as_deref() == Some("val");
    Ok(manifest.clips.iter().any(is_val).then(|| {
        let place = Place::file(prepared.folder());
        let what = "train.validation is ignored: clips.csv has val clips";
        Warning::new(place, what, "these are the validation split")
    }))
}

/// A path as settings store it.
///
/// # Errors
/// [`Error::Input`] for a path that is not UTF-8, which a run could not find again.
pub fn path_text(path: &Path) -> Result<String> {
    let text = path.to_str().map(String::from);
    text.ok_or_else(|| {
        let what = "its path is not UTF-8, so a run's config.toml cannot store it";
        let help = "rename it, or link to it under another name";
        Error::input(Place::file(path), what, help)
    })
}
