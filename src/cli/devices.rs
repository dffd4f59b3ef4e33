//! `sinew devices`

use super::{say, say_json};
use crate::device::{Adapter, Choice, adapters, open};
use crate::error::Result;
use crate::lstm::{Dims, GpuLimits, Plan, PlanKind, Precision};
use serde::Serialize;

/// Lists the adapters, their driver, features and limits, and the kernel plan that each would get.
///
/// Example: sinew devices
#[derive(clap::Args)]
pub struct Args {
    /// Print one JSON value
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    adapter: Adapter,
    plan: String,
}

/// The plans that run the presets' recurrences there, with their tiles: the body parts and the layers of 512 units.
fn plan(adapter: &Adapter) -> String {
    let of = |name: &str, groups: usize, hidden: usize| {
        let dims = Dims {
            steps: 100,
            batch: 512,
            groups,
            hidden,
        };
        let tile = |plan: Plan| {
            // Matrix units multiply in f16.
            let precision = match plan.kind() {
                PlanKind::StepwiseUnits => Precision::F16,
                _ => Precision::F32,
            };
            plan.supports(&GpuLimits::from(adapter), dims, precision)
                .ok()
        };
        let plans = Plan::ALL.into_iter().filter_map(tile);
        let names: Vec<_> = plans.map(Plan::name).collect();
        format!("{name} {}", names.join(" or "))
    };
    format!("{}, {}", of("parts", 10, 128), of("body", 2, 512))
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
