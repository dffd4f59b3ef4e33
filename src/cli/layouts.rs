//! `sinew layouts`

use super::say;
use crate::error::{Error, Result};
use crate::skeleton::BuiltIn;

/// Lists the built-in skeleton layouts, or prints one as a `layout.toml` to copy and modify.
///
/// The `layout.toml` of your own clips can also refer to one by name: layout = "kinect20".
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
                format!("unknown built-in layout {name:?}; did you mean {nearest}?"),
                "`sinew layouts` lists all of them",
            ))
        }
    }
}

/// One line per layout: name, joints, unit, direction of up, and description.
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
