//! `sinew devices`

use super::{say, say_json};
use crate::bench::kernels::shapes;
use crate::device::{Adapter, Choice, adapters, open};
use crate::error::Result;
use crate::lstm::{Dims, GpuLimits, Plan, PlanKind, Precision};
use serde::Serialize;

/// Lists the adapters with their drivers, features, limits and kernel plans, and shows which device `auto` selects.
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

/// The layers whose plans are listed: the two that take longest with the preset `reference` on NTU RGB+D.
const LAYERS: [&str; 2] = ["parts", "body"];

/// The plans and tiles that an adapter supports for these layers.
fn plans(adapter: &Adapter) -> Result<String> {
    let shapes = shapes::named("model")?;
    let of = |name: &str| {
        let shape = shapes.iter().find(|shape| shape.layer == name)?;
        let dims = Dims {
            steps: shape.steps,
            batch: shape.batch,
            groups: shape.groups(),
            hidden: shape.hidden,
        };
        let tile = |plan: Plan| {
            // Matrix units only multiply in f16.
            let precision = match plan.kind() {
                PlanKind::StepwiseUnits => Precision::F16,
                _ => Precision::F32,
            };
            plan.supports(&GpuLimits::from(adapter), dims, precision)
                .ok()
        };
        let plans = Plan::ALL.into_iter().filter_map(tile);
        let names: Vec<_> = plans.map(Plan::name).collect();
        Some(format!("{name} {}", names.join(" or ")))
    };
    Ok(LAYERS
        .into_iter()
        .filter_map(of)
        .collect::<Vec<_>>()
        .join(", "))
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let listed: Vec<Listed> = adapters()
        .into_iter()
        .map(|adapter| {
            let plan = plans(&adapter)?;
            Ok(Listed { adapter, plan })
        })
        .collect::<Result<_>>()?;
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
            "no adapters found; a GPU needs a Vulkan, Metal or DX12 driver (on Linux mesa-vulkan-drivers, or NVIDIA's driver)",
        )?;
    }
    say(format!("auto selects {}", open(Choice::Auto)?.describe()))
}

fn yes(flag: bool) -> &'static str {
    if flag { "yes" } else { "no" }
}
