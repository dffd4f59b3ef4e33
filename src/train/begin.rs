//! The start of a new run: what the data and the device decide, then folder, model and first checkpoint.

use super::event::Event;
use super::memory;
use super::ranks::{Ranks, alone};
use super::resolve::{Target, resolve, set_device};
use super::run::Run;
use super::session::{Session, Start};
use crate::device::{Choice, open_for, open_named};
use crate::error::{Error, Place, Result, Warning};
use crate::loader::check_training;
use crate::prepare::number_warnings;
use crate::settings::{ResolvedSettings, Settings};
use crate::shards::Prepared;
use std::path::Path;
use std::sync::Arc;

/// Begins a run of a resolved recipe on prepared data, in a folder that holds none yet; [`Session::train`] then trains.
///
/// `recipe.run.protocol` must be named. What a recipe leaves open is filled in: sizes that the data decide, the device,
/// the kernel plan that measures fastest there. `events` hears of both, and of warnings.
///
/// # Errors
/// A protocol without training clips in these data, a clip that cannot be read, no such device, too little memory there,
/// a plan that it cannot run, weights that do not fit, a folder that already holds a run or cannot be written.
pub fn begin(
    settings: &Settings,
    prepared: Arc<Prepared>,
    out: &Path,
    device: Choice,
    first: Start,
    events: &mut dyn FnMut(Event<'_>),
) -> Result<Session> {
    lead(alone(), settings, prepared, out, device, first, events)
}

/// The same for the first of several ranks; the others [`follow`] it.
///
/// # Errors
/// As [`begin`].
pub fn lead(
    ranks: Arc<dyn Ranks>,
    settings: &Settings,
    prepared: Arc<Prepared>,
    out: &Path,
    device: Choice,
    first: Start,
    events: &mut dyn FnMut(Event<'_>),
) -> Result<Session> {
    let rank = ranks.rank();
    let compute = open_for(device, rank.local, rank.locals)?;
    events(Event::Note(compute.describe()));
    let target = Target {
        prepared: &prepared,
        compute: &compute,
        ranks: rank.of,
        folder: out,
    };
    let settings = resolve(settings, &target, &mut |note| events(Event::Note(note)))?;
    for warning in for_training(&settings, &prepared)? {
        events(Event::Warning(warning.to_string()));
    }
    if let Start::From(initial) = &first {
        // Before the folder is made.
        initial.check(&settings, prepared.manifest())?;
    }
    let run = Run::create(out, settings)?;
    Session::new(run, prepared, compute, ranks, first, events)
}

/// Joins, as a rank that does not lead, the run that the first rank begins or resumes in `folder`: with its settings, and
/// its weights and all else that its checkpoint holds. The prepared data must lie in the same place as there. `device` is
/// none for the kind that the run began on.
///
/// # Errors
/// Data that are not those of the first rank; what [`begin`] says of devices, clips and plans.
pub fn follow(
    ranks: Arc<dyn Ranks>,
    folder: &Path,
    device: Option<Choice>,
    events: &mut dyn FnMut(Event<'_>),
) -> Result<Session> {
    let rank = ranks.rank();
    let settings = ranks.tell(Vec::new());
    let mut settings = ResolvedSettings::from_toml(&String::from_utf8_lossy(&settings))?;
    let prepared = Prepared::open(&settings.run.data)?;
    if prepared.manifest().checksum != settings.run.checksum {
        let place = Place::file(prepared.folder());
        let help = "give every machine the same prepared data in the same place";
        return Err(Error::input(place, "not the first rank's data", help));
    }
    let compute = match device {
        Some(choice) => open_for(choice, rank.local, rank.locals)?,
        None => open_named(&settings.run.device, rank.local)?,
    };
    events(Event::Note(compute.describe()));
    memory::fits(&settings, prepared.manifest(), &compute, rank.of)?;
    let plan = Some(settings.run.plan.clone());
    let on = Target {
        prepared: &prepared,
        compute: &compute,
        ranks: rank.of,
        folder,
    };
    set_device(&mut settings, plan, &on, &mut |note| {
        events(Event::Note(note))
    })?;
    let run = Run::follow(folder, settings);
    Session::new(
        run,
        Arc::new(prepared),
        compute,
        ranks,
        Start::Follow,
        events,
    )
}

/// Refuses data that the settings' protocol can teach nothing with; what makes the result less than it seems comes back.
///
/// # Errors
/// As [`check_training`]; a clip that cannot be read.
pub fn for_training(settings: &ResolvedSettings, prepared: &Prepared) -> Result<Vec<Warning>> {
    let (protocol, manifest) = (settings.run.protocol, prepared.manifest());
    let split = protocol.split(manifest, settings.train.validation, settings.run.seed)?;
    let mut warnings = check_training(protocol, manifest, &split, prepared.folder())?;
    warnings.extend(number_warnings(prepared)?);
    Ok(warnings)
}

/// A path as settings keep it.
///
/// # Errors
/// [`Error::Input`] for a path that is not UTF-8, which a run could never find again.
pub fn text_of(path: &Path) -> Result<String> {
    match path.to_str() {
        Some(text) => Ok(text.into()),
        None => {
            let what = "its path is not UTF-8, so a run's config.toml cannot hold it";
            Err(Error::input(
                Place::file(path),
                what,
                "rename it, or link to it under another name",
            ))
        }
    }
}
