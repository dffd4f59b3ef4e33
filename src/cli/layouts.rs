//! `sinew layouts`

use super::say;
use crate::error::{Error, Result};
use crate::skeleton::BuiltIn;

/// Lists the skeleton layouts that come with the program, or prints one as a layout.toml to copy and change.
///
/// A layout.toml beside your own clips may name one: layout = "kinect20".
///
/// Example: sinew layouts
///
/// Example: sinew layouts coco17 > layout.toml
#[derive(clap::Args)]
pub struct Args {
    /// The layout to print
    name: Option<String>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let Some(name) = &args.name else {
        return list();
    };
    match BuiltIn::named(name) {
        Some(layout) => say(layout.text.trim_end()),
        None => {
            let nearest = BuiltIn::nearest(name);
            Err(Error::usage(
                format!("there is no built-in layout {name:?}; the nearest is {nearest}"),
                "`sinew layouts` lists them all",
            ))
        }
    }
}

/// A line for each: name, joints, unit, way up, and what it is for.
fn list() -> Result<()> {
    let rows = BuiltIn::all().iter().map(|known| (known, known.layout()));
    let rows: Vec<_> = rows.collect();
    let names = rows.iter().map(|(known, _)| known.name.len()).max();
    let units = rows.iter().map(|(_, layout)| layout.unit.len()).max();
    let (names, units) = (names.unwrap_or(0), units.unwrap_or(0));
    for (known, layout) in rows {
        say(format!(
            "{:names$}  {:>2} joints  unit: {:units$}  up: {}  {}",
            known.name,
            layout.len(),
            layout.unit,
            layout.up,
            known.about()
        ))?;
    }
    Ok(())
}
