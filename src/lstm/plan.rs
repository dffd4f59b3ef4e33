//! The plans of the kernels: which there are, which a device can run, and which a shape gets by rule.

use super::device::GpuLimits;
use super::kernel::{CellOptions, Kernel, Pass, TILES, Tile, TileSize};
use super::matrix_units::MatrixUnits;
use super::precision::Precision;
use super::recurrence::Dims;
use std::fmt;

/// How the kernels of a GPU go over the steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PlanKind {
    /// One dispatch computes many steps; a workgroup owns some rows and keeps their hidden state.
    #[default]
    Resident,
    /// One dispatch per step; a workgroup owns a tile of rows and units.
    Stepwise,
    /// The same with its products on matrix units.
    StepwiseUnits,
}

/// A kind of kernels, and the size of their tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Plan {
    kind: PlanKind,
    /// `None`: by rule, from the shape.
    tile: Option<&'static Tile>,
}

/// Why a plan cannot run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsupported {
    /// What is missing.
    pub what: String,
    /// What to do instead.
    pub help: String,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what, self.help)
    }
}

/// Workgroups of a grid that keeps a GPU busy; with fewer, a smaller tile is taken by rule.
const BUSY: usize = 128;

impl Plan {
    /// The resident kernels, their tile by rule.
    pub const RESIDENT: Plan = Plan::by_rule(PlanKind::Resident);

    /// The stepwise kernels, their tile by rule.
    pub const STEPWISE: Plan = Plan::by_rule(PlanKind::Stepwise);

    /// The stepwise kernels on matrix units, their tile by rule.
    pub const STEPWISE_UNITS: Plan = Plan::by_rule(PlanKind::StepwiseUnits);

    /// Each kind, its tile by rule.
    pub const ALL: [Plan; 3] = [Plan::RESIDENT, Plan::STEPWISE, Plan::STEPWISE_UNITS];

    /// Those that need no matrix units.
    pub const PLAIN: [Plan; 2] = [Plan::RESIDENT, Plan::STEPWISE];

    const fn by_rule(kind: PlanKind) -> Plan {
        Plan { kind, tile: None }
    }

    /// Each kind with each of its tiles.
    pub fn each() -> impl Iterator<Item = Plan> {
        TILES.iter().map(|tile| Plan {
            kind: match tile.size {
                TileSize::Resident(_) => PlanKind::Resident,
                TileSize::Stepwise(..) => PlanKind::Stepwise,
                TileSize::StepwiseUnits(_) => PlanKind::StepwiseUnits,
            },
            tile: Some(tile),
        })
    }

    /// How the kernels go over the steps.
    pub fn kind(self) -> PlanKind {
        self.kind
    }

    /// The name that `--plan` takes: `resident`, `resident-16` (rows of a workgroup), `stepwise`, `stepwise-64x32`
    /// (rows × units of a workgroup), `stepwise-units`, `stepwise-units-64x32`.
    pub fn name(self) -> &'static str {
        match (self.tile, self.kind) {
            (Some(tile), _) => tile.name,
            (None, PlanKind::Resident) => "resident",
            (None, PlanKind::Stepwise) => "stepwise",
            (None, PlanKind::StepwiseUnits) => "stepwise-units",
        }
    }

    /// The plan of a name.
    pub fn from_name(name: &str) -> Option<Plan> {
        Plan::ALL
            .into_iter()
            .chain(Plan::each())
            .find(|plan| plan.name() == name)
    }

    /// The plan as a GPU runs it for a recurrence: with its own tile, or where it leaves the tile open, with the largest
    /// that fits and still fills a grid of 128 workgroups, else the smallest.
    ///
    /// # Errors
    /// [`Unsupported`] where no tile fits the workgroup memory or the threads, or the number format or the matrix units
    /// are missing. The stepwise plan at f32 runs on every device with WebGPU's limits.
    pub fn supports(
        self,
        limits: &GpuLimits,
        dims: Dims,
        precision: Precision,
    ) -> Result<Plan, Unsupported> {
        let name = self.name();
        let unsupported = |what: String, help: &str| Unsupported {
            what,
            help: help.into(),
        };
        if precision == Precision::F16 && !limits.f16 {
            let what = "this device has no f16 in shaders".into();
            return Err(unsupported(what, "use f32"));
        }
        if self.kind == PlanKind::StepwiseUnits {
            if precision != Precision::F16 {
                return Err(unsupported(
                    format!("the {name} plan multiplies in f16, and the recurrence is in f32"),
                    "use stepwise, or precision f16 where the device has it",
                ));
            }
            if limits.matrix_units.is_none() {
                return Err(unsupported(
                    format!(
                        "the {name} plan needs matrix units, and this device has none that the engine can use"
                    ),
                    "use stepwise, or leave the plan to be measured",
                ));
            }
        }
        let cell = CellOptions {
            hidden: dims.hidden as u32,
            peephole: false,
            masked: false,
            lengths: false,
            precision,
        };
        let kernels = |plan: Plan| {
            Pass::BOTH
                .into_iter()
                .filter_map(move |pass| plan.kernel(pass, cell, limits.matrix_units))
        };
        let named = |plan: &Plan| {
            plan.kind == self.kind && self.tile.is_none_or(|own| plan.tile == Some(own))
        };
        let mut named: Vec<Plan> = Plan::each().filter(named).collect();
        let smallest = named[0];
        named.retain(|plan| kernels(*plan).all(|kernel| limits.fit(&kernel)));
        let busy = |plan: &Plan| {
            let forward = kernels(*plan).next();
            let grid = forward.map(|kernel| kernel.grid([dims.hidden, dims.batch, dims.groups]));
            grid.is_some_and(|grid| grid.iter().product::<usize>() >= BUSY)
        };
        let largest = named.iter().rposition(busy).unwrap_or(0);
        named.get(largest).copied().ok_or_else(|| {
            let most = |of: fn(&Kernel) -> usize| kernels(smallest).map(|k| of(&k)).max().unwrap_or(0);
            unsupported(
                format!(
                    "the {name} plan needs {} KiB of workgroup memory and {} threads for {} hidden units, and this device \
                     has {} KiB and {} threads",
                    most(Kernel::memory).div_ceil(1 << 10),
                    most(|kernel| kernel.threads() as usize),
                    dims.hidden,
                    limits.memory >> 10,
                    limits.threads,
                ),
                match self.kind {
                    PlanKind::Stepwise => "use the CPU engine",
                    _ => "use stepwise, or leave the plan to be measured",
                },
            )
        })
    }

    /// The kernel of a pass; `None` where the plan leaves its tile open, or needs matrix units and there are none.
    pub(crate) fn kernel(
        self,
        pass: Pass,
        cell: CellOptions,
        units: Option<MatrixUnits>,
    ) -> Option<Kernel> {
        Kernel::of_pass(self.tile?.size, pass, cell, units)
    }

    /// Every plan with a tile of its own that runs a recurrence on a GPU.
    pub fn candidates(limits: &GpuLimits, dims: Dims, precision: Precision) -> Vec<Plan> {
        Plan::each()
            .filter(|plan| plan.supports(limits, dims, precision).is_ok())
            .collect()
    }
}
