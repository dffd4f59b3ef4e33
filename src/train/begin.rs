//! The start of a new run: what the data and the device decide, then folder, model and first checkpoint.

use super::event::Event;
use super::memory;
use super::plans;
use super::run::Run;
use super::session::{Session, Start};
use super::settle::{held_out, settle};
use crate::device::{Choice, Compute, open};
use crate::error::{Error, Result};
use crate::loader::Protocol;
use crate::recipe::Recipe;
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
/// a plan that it cannot run, weights that do not fit, a folder that holds a run already or cannot be written.
pub fn begin(
    recipe: &Recipe,
    prepared: Arc<Prepared>,
    out: &Path,
    device: Choice,
    first: Start,
    events: &mut dyn FnMut(Event<'_>),
) -> Result<Session> {
    let mut recipe = for_data(recipe, &prepared, out)?;
    let compute = open(device)?;
    events(Event::Note(compute.describe()));
    memory::fits(&recipe, prepared.manifest(), &compute)?;
    for_device(&mut recipe, &compute, &mut |note| events(Event::Note(note)))?;
    let run = Run::create(out, recipe)?;
    Session::new(run, prepared, compute, first, events)
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
    recipe.run.data = whole.to_string_lossy().into_owned();
    recipe.run.checksum = prepared.manifest().checksum.clone();
    if recipe.run.task.is_empty() {
        let name = out.file_name().unwrap_or(out.as_os_str());
        recipe.run.task = name.to_string_lossy().into_owned();
    }
    Ok(recipe)
}

/// Fills in the device, and the plan that was asked for or else measures fastest there, of which `note` hears.
///
/// # Errors
/// A plan that there is not, or that the device cannot run.
pub fn for_device(
    recipe: &mut Recipe,
    compute: &Compute,
    note: &mut dyn FnMut(String),
) -> Result<()> {
    recipe.run.device = compute.run_name();
    if compute.adapter.is_none() {
        recipe.run.plan = "cpu".into();
        return Ok(());
    }
    // A recipe from another run can carry the plan of a machine without a GPU.
    if recipe.run.plan.is_empty() || recipe.run.plan == "cpu" {
        recipe.run.plan = plans::measured(recipe, compute).to_string();
        note(format!("plan: {}, the fastest measured", recipe.run.plan));
    }
    plans::check(plans::named(&recipe.run.plan)?, recipe, compute)
}
