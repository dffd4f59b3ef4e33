//! The prepared data of a run, found again.

use crate::error::{Error, Place, Result};
use crate::settings::ResolvedSettings;
use crate::shards::{MANIFEST, Prepared};
use std::path::Path;

/// The prepared data of a run: those in `given`, or where its settings say that they are.
///
/// # Errors
/// As [`Prepared::open`]; where the run's own are gone, [`Error::Input`] that says how to name where they are now.
pub fn data_of(run: &Path, settings: &ResolvedSettings, given: Option<&Path>) -> Result<Prepared> {
    if let Some(folder) = given {
        return Prepared::open(folder);
    }
    let folder = Path::new(&settings.run.data);
    if folder.join(MANIFEST).exists() {
        return Prepared::open(folder);
    }
    let what = format!("the prepared data of {} were not found", run.display());
    let help = format!(
        "if they were moved, pass their new location: `sinew eval {0} --data DATA`, `sinew train DATA --resume {0}`",
        run.display()
    );
    Err(Error::input(Place::file(folder), what, help))
}
