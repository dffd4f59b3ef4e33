//! The start of a new run: what the data and the device decide, then folder, model and first checkpoint.

use super::event::Event;
use super::memory;
use super::plans;
use super::ranks::{Ranks, alone};
use super::run::Run;
use super::session::{Session, Start};
use super::settle::{architecture, held_out, settle};
use crate::device::{Choice, Compute, open_for, open_named};
use crate::error::{Error, Place, Result, Warning};
use crate::loader::{Protocol, check_training};
use crate::prepare::number_warnings;
use crate::recipe::Recipe;
use crate::shards::{Manifest, Prepared};
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
    recipe: &Recipe,
    prepared: Arc<Prepared>,
    out: &Path,
    device: Choice,
    first: Start,
    events: &mut dyn FnMut(Event<'_>),
) -> Result<Session> {
    lead(alone(), recipe, prepared, out, device, first, events)
}

/// The same for the first of several ranks; the others [`follow`] it.
///
/// # Errors
/// As [`begin`].
pub fn lead(
    ranks: Arc<dyn Ranks>,
    recipe: &Recipe,
    prepared: Arc<Prepared>,
    out: &Path,
    device: Choice,
    first: Start,
    events: &mut dyn FnMut(Event<'_>),
) -> Result<Session> {
    let rank = ranks.rank();
    let mut recipe = for_data(recipe, &prepared, out)?;
    for warning in for_training(&recipe, &prepared)? {
        events(Event::Warning(warning.to_string()));
    }
    if let Start::From(initial) = &first {
        // Before the folder is made.
        initial.check(&recipe, prepared.manifest())?;
    }
    let compute = open_for(device, rank.local, rank.locals)?;
    events(Event::Note(compute.describe()));
    memory::fits(&recipe, prepared.manifest(), &compute, rank.of)?;
    // A plan is measured with the rows that one rank has.
    let mut share = recipe.clone();
    share.train.batch = recipe.train.batch.div_ceil(rank.of);
    for_device(&mut share, prepared.manifest(), &compute, &mut |note| {
        events(Event::Note(note))
    })?;
    recipe.run = share.run;
    let run = Run::create(out, recipe)?;
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
    let mut recipe = Recipe::from_toml(&String::from_utf8_lossy(&settings))?;
    let prepared = Prepared::open(&recipe.run.data)?;
    if prepared.manifest().checksum != recipe.run.checksum {
        let place = Place::file(prepared.folder());
        let help = "give every machine the same prepared data in the same place";
        return Err(Error::input(place, "not the first rank's data", help));
    }
    let compute = match device {
        Some(choice) => open_for(choice, rank.local, rank.locals)?,
        None => open_named(&recipe.run.device, rank.local)?,
    };
    events(Event::Note(compute.describe()));
    memory::fits(&recipe, prepared.manifest(), &compute, rank.of)?;
    for_device(&mut recipe, prepared.manifest(), &compute, &mut |note| {
        events(Event::Note(note))
    })?;
    let run = Run::follow(folder, recipe);
    Session::new(
        run,
        Arc::new(prepared),
        compute,
        ranks,
        Start::Follow,
        events,
    )
}

/// Fills in what the data decide, where they are, and the task's name after the folder of the run.
///
/// # Errors
/// A protocol that the data do not have, a clip that cannot be read.
pub fn for_data(recipe: &Recipe, prepared: &Prepared, out: &Path) -> Result<Recipe> {
    let protocol: Protocol = recipe.run.protocol.parse()?;
    let (manifest, seed) = (prepared.manifest(), recipe.run.seed);
    let mut recipe = recipe.clone();
    if recipe.train.validation < 0.0 {
        let all = protocol.split(manifest, 0.0, seed)?.train.len();
        recipe.train.validation = held_out(all);
    }
    let split = protocol.split(manifest, recipe.train.validation, seed)?;
    let mut recipe = settle(&recipe, prepared, &split.train)?;
    let folder = prepared.folder();
    let whole = std::path::absolute(folder).map_err(|e| Error::io(folder, "find", e))?;
    recipe.run.data = text_of(&whole)?;
    recipe.run.checksum = prepared.manifest().checksum.clone();
    if recipe.run.task.is_empty() {
        let name = out.file_name().unwrap_or(out.as_os_str());
        recipe.run.task = name.to_string_lossy().into_owned();
    }
    Ok(recipe)
}

/// Refuses data that the settings' protocol can teach nothing with; what makes the result less than it seems comes back.
///
/// # Errors
/// As [`check_training`]; a clip that cannot be read.
pub fn for_training(recipe: &Recipe, prepared: &Prepared) -> Result<Vec<Warning>> {
    let protocol: Protocol = recipe.run.protocol.parse()?;
    let manifest = prepared.manifest();
    let split = protocol.split(manifest, recipe.train.validation, recipe.run.seed)?;
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

/// Fills in the device, and the plan that was asked for or else measures fastest there, of which `note` hears.
///
/// # Errors
/// A plan that there is not, or that the device cannot run.
pub fn for_device(
    recipe: &mut Recipe,
    manifest: &Manifest,
    compute: &Compute,
    note: &mut dyn FnMut(String),
) -> Result<()> {
    recipe.run.device = compute.run_name();
    if compute.adapter.is_none() {
        recipe.run.plan = "cpu".into();
        return Ok(());
    }
    let architecture = architecture(recipe, manifest);
    // A recipe from another run can carry the plan of a machine without a GPU.
    if recipe.run.plan.is_empty() || recipe.run.plan == "cpu" {
        recipe.run.plan = plans::measured(&architecture, recipe, compute).to_string();
        note(format!("plan: {}, the fastest measured", recipe.run.plan));
    }
    let plans = plans::named(&recipe.run.plan)?;
    plans::check(plans, &architecture, recipe.train.precision, compute)
}
