//! `sinew devices`

use super::{say, say_json};
use crate::device::{Adapter, Choice, adapters, open};
use crate::error::Result;
use crate::lstm::shaders::Tile;
use serde::Serialize;

/// Lists the adapters, their driver, features and limits, and the kernel plan that each would get.
///
/// Example: sinew devices
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Print one JSON value
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    adapter: Adapter,
    plan: &'static str,
}

/// The plan at the largest hidden size of the presets.
fn plan(adapter: &Adapter) -> &'static str {
    let tile = Tile::choose(
        512,
        adapter.workgroup_threads,
        adapter.workgroup_memory as usize,
    );
    if tile.is_some() {
        "resident"
    } else {
        "stepwise"
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let listed: Vec<Listed> = adapters()
        .into_iter()
        .map(|adapter| Listed {
            plan: plan(&adapter),
            adapter,
        })
        .collect();
    if args.json {
        return say_json(&listed);
    }
    for Listed { adapter: a, plan } in &listed {
        say(format!(
            "{}  {} ({}, {}), {}",
            a.index, a.name, a.kind, a.backend, a.driver
        ))?;
        say(format!(
            "   kernels {plan}; f16 {}; matrix units {}; timestamps {}; largest tensor {} MiB; workgroup {} threads, {} KiB",
            yes(a.f16),
            yes(a.matrix_units.is_some()),
            yes(a.timestamps),
            a.largest_binding >> 20,
            a.workgroup_threads,
            a.workgroup_memory >> 10,
        ))?;
    }
    if listed.is_empty() {
        say(
            "no adapter; a GPU needs its Vulkan, Metal or DX12 driver (Linux: mesa-vulkan-drivers or NVIDIA's own)",
        )?;
    }
    say(format!(
        "auto would take {}",
        open(Choice::Auto)?.describe()
    ))
}

fn yes(flag: bool) -> &'static str {
    if flag { "yes" } else { "no" }
}
