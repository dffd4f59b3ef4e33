//! The plans of the kernels: which there are, which a device can run, and which a shape gets by rule.

use super::spec::{Dims, Precision};
use super::tile::{Pair, Resident, Squares, Stepwise};
use super::units::{Fragments, Units};
use crate::device::Adapter;
use std::fmt;

/// How the kernels of a GPU walk over the steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Walk {
    /// One dispatch walks many steps; a workgroup owns some rows and keeps their hidden state.
    #[default]
    Resident,
    /// One dispatch a step; a workgroup owns a tile of rows and units.
    Stepwise,
    /// The same with its products on matrix units.
    StepwiseUnits,
}

/// A walk, and the size of its tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Plan {
    /// How the steps are walked.
    pub walk: Walk,
    /// The place of the tile in [`Resident::ROWS`], [`Stepwise::SIZES`] or [`Squares::SIZES`]; None: by rule, from the shape.
    pub tile: Option<u8>,
}

/// What of a device decides which plans it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Threads of the largest workgroup.
    pub threads: u32,
    /// Bytes of memory that a workgroup shares.
    pub memory: usize,
    /// f16 in shaders.
    pub f16: bool,
    /// What its matrix units multiply.
    pub fragments: Option<Fragments>,
}

impl Limits {
    /// Those of an adapter, its matrix units as it lists them; [`crate::lstm::self_test::Verdict::limits`] has what of
    /// them is right.
    pub fn of(adapter: &Adapter) -> Self {
        Limits {
            threads: adapter.workgroup_threads,
            memory: adapter.workgroup_memory as usize,
            f16: adapter.f16,
            fragments: Units::of(adapter).fragments(),
        }
    }
}

/// Why a plan cannot run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsupported {
    /// What stands against it.
    pub what: String,
    /// What to do instead.
    pub help: String,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what, self.help)
    }
}

/// The tiles of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tiles {
    /// Of the resident kernels, both ways.
    Resident(Resident),
    /// Of the stepwise kernels.
    Stepwise(Pair),
    /// Of the stepwise kernels on matrix units, both ways, and their fragments.
    StepwiseUnits(Squares, Fragments),
}

impl Tiles {
    /// The plan that names these tiles.
    pub fn plan(self) -> Plan {
        let place = |at: Option<usize>| at.map(|at| at as u8);
        match self {
            Tiles::Resident(tile) => Plan {
                walk: Walk::Resident,
                tile: place(
                    Resident::ROWS
                        .iter()
                        .position(|r| *r as usize == tile.rows()),
                ),
            },
            Tiles::Stepwise(pair) => Plan {
                walk: Walk::Stepwise,
                tile: place(Stepwise::SIZES.iter().position(|p| *p == pair)),
            },
            Tiles::StepwiseUnits(squares, _) => Plan {
                walk: Walk::StepwiseUnits,
                tile: place(Squares::SIZES.iter().position(|s| *s == squares)),
            },
        }
    }
}

/// Workgroups of a grid that keeps a GPU busy; with fewer, a smaller tile is taken by rule.
const BUSY: usize = 128;

impl Plan {
    /// The resident walk, its tile by rule.
    pub const RESIDENT: Plan = Plan {
        walk: Walk::Resident,
        tile: None,
    };

    /// The stepwise walk, its tile by rule.
    pub const STEPWISE: Plan = Plan {
        walk: Walk::Stepwise,
        tile: None,
    };

    /// The stepwise walk on matrix units, its tile by rule.
    pub const STEPWISE_UNITS: Plan = Plan {
        walk: Walk::StepwiseUnits,
        tile: None,
    };

    /// Each walk, its tile by rule.
    pub const ALL: [Plan; 3] = [Plan::RESIDENT, Plan::STEPWISE, Plan::STEPWISE_UNITS];

    /// Those that need no matrix units.
    pub const PLAIN: [Plan; 2] = [Plan::RESIDENT, Plan::STEPWISE];

    /// Each walk with each of its tiles.
    pub fn each() -> impl Iterator<Item = Plan> {
        let of = |walk, count: usize| {
            (0..count).map(move |tile| Plan {
                walk,
                tile: Some(tile as u8),
            })
        };
        of(Walk::Resident, Resident::ROWS.len())
            .chain(of(Walk::Stepwise, Stepwise::SIZES.len()))
            .chain(of(Walk::StepwiseUnits, Squares::SIZES.len()))
    }

    /// The name that `--plan` takes: `resident`, `resident-16` (rows of a workgroup), `stepwise`, `stepwise-64x32`
    /// (rows × units of a workgroup), `stepwise-units`, `stepwise-units-64x32`.
    pub fn name(self) -> &'static str {
        let at = self.tile.map(usize::from);
        match self.walk {
            Walk::Resident => at
                .and_then(|at| Resident::NAMES.get(at))
                .unwrap_or(&"resident"),
            Walk::Stepwise => at
                .and_then(|at| Stepwise::SIZES.get(at))
                .map_or("stepwise", |pair| pair.name),
            Walk::StepwiseUnits => at
                .and_then(|at| Squares::SIZES.get(at))
                .map_or("stepwise-units", |squares| squares.name),
        }
    }

    /// The plan of a name.
    pub fn from_name(name: &str) -> Option<Plan> {
        Plan::ALL
            .into_iter()
            .chain(Plan::each())
            .find(|plan| plan.name() == name)
    }

    /// The tiles of this plan for a recurrence on a device, chosen by rule where the plan leaves them open: the
    /// largest that fit and still fill a grid of 128 workgroups, else the smallest.
    ///
    /// # Errors
    /// [`Unsupported`] where no tile fits the workgroup memory or the threads, or the number format or the matrix units
    /// are missing. The stepwise plan at f32 runs on every device that the engine opens.
    pub fn supports(
        self,
        limits: Limits,
        dims: Dims,
        precision: Precision,
    ) -> Result<Tiles, Unsupported> {
        if precision == Precision::F16 && !limits.f16 {
            return Err(Unsupported {
                what: "this device has no f16 in shaders".into(),
                help: "use f32".into(),
            });
        }
        match self.walk {
            Walk::Resident => self.resident(limits, dims),
            Walk::Stepwise => self.stepwise(limits, dims),
            Walk::StepwiseUnits => self.stepwise_units(limits, dims, precision),
        }
    }

    fn resident(self, limits: Limits, dims: Dims) -> Result<Tiles, Unsupported> {
        let hidden = dims.hidden;
        let fits = |rows: u32| {
            Resident::of(hidden, rows).filter(|tile| {
                tile.threads <= limits.threads && tile.memory(hidden) <= limits.memory
            })
        };
        let found = match self.tile {
            Some(at) => Resident::ROWS.get(usize::from(at)).copied().and_then(fits),
            None => {
                let mut tiles: Vec<_> = Resident::ROWS.into_iter().filter_map(fits).collect();
                let busy = |tile: &Resident| tile.count(dims).iter().product::<usize>() >= BUSY;
                let largest = tiles.iter().rposition(busy).unwrap_or(0);
                (!tiles.is_empty()).then(|| tiles.swap_remove(largest))
            }
        };
        found.map(Tiles::Resident).ok_or_else(|| {
            let rows = self.tile.and_then(|at| Resident::ROWS.get(usize::from(at)));
            let rows = rows.copied().unwrap_or(Resident::ROWS[0]);
            Unsupported {
                what: format!(
                    "the {} plan keeps {rows} rows of {hidden} units in {} KiB of workgroup memory and at most 256 \
                     threads, and this device has {} KiB and {} threads",
                    self.name(),
                    (16 * rows * Resident::lanes(hidden)) >> 10,
                    limits.memory >> 10,
                    limits.threads,
                ),
                help: "use stepwise, or leave the plan to be measured".into(),
            }
        })
    }

    fn stepwise(self, limits: Limits, dims: Dims) -> Result<Tiles, Unsupported> {
        let pair = match self.tile {
            Some(at) => Stepwise::SIZES.get(usize::from(at)),
            None => {
                let busy =
                    |pair: &Pair| pair.forward.count(dims, false).iter().product::<usize>() >= BUSY;
                let largest = Stepwise::SIZES.iter().rposition(busy).unwrap_or(0);
                Stepwise::SIZES.get(largest)
            }
        };
        let threads = Stepwise::SIZES[0].forward.threads();
        match pair {
            Some(pair) if limits.threads >= threads => Ok(Tiles::Stepwise(*pair)),
            _ => Err(Unsupported {
                what: format!(
                    "the {} plan has workgroups of {threads} threads, and this device has {}",
                    self.name(),
                    limits.threads
                ),
                help: "use --device cpu".into(),
            }),
        }
    }

    fn stepwise_units(
        self,
        limits: Limits,
        dims: Dims,
        precision: Precision,
    ) -> Result<Tiles, Unsupported> {
        let unsupported = |what: String, help: &str| Unsupported {
            what,
            help: help.into(),
        };
        let name = self.name();
        if precision != Precision::F16 {
            return Err(unsupported(
                format!("the {name} plan multiplies in f16, and the recurrence is in f32"),
                "use stepwise, or train.precision=f16 where the device has it",
            ));
        }
        let Some(fragments) = limits.fragments else {
            return Err(unsupported(
                format!(
                    "the {name} plan needs matrix units, and this device has none that are right"
                ),
                "use stepwise, or leave the plan to be measured",
            ));
        };
        let fits = |squares: &Squares| {
            squares.threads() <= limits.threads && squares.memory(fragments.side) <= limits.memory
        };
        let found = match self.tile {
            Some(at) => Squares::SIZES.get(usize::from(at)).copied().filter(fits),
            None => {
                let mut tiles: Vec<_> = Squares::SIZES.into_iter().filter(fits).collect();
                let busy = |s: &Squares| s.count(dims, false).iter().product::<usize>() >= BUSY;
                let largest = tiles.iter().rposition(busy).unwrap_or(0);
                (!tiles.is_empty()).then(|| tiles.swap_remove(largest))
            }
        };
        found
            .map(|squares| Tiles::StepwiseUnits(squares, fragments))
            .ok_or_else(|| {
                let squares = self.tile.and_then(|at| Squares::SIZES.get(usize::from(at)));
                let squares = squares.unwrap_or(&Squares::SIZES[0]);
                unsupported(
                    format!(
                        "the {name} plan takes {} KiB of workgroup memory and {} threads, and this device has {} KiB and \
                         {} threads",
                        squares.memory(fragments.side).div_ceil(1 << 10),
                        squares.threads(),
                        limits.memory >> 10,
                        limits.threads,
                    ),
                    "use stepwise, or leave the plan to be measured",
                )
            })
    }

    /// Every plan with a tile of its own that runs a recurrence on a device.
    pub fn candidates(limits: Limits, dims: Dims, precision: Precision) -> Vec<Plan> {
        Plan::each()
            .filter(|plan| plan.supports(limits, dims, precision).is_ok())
            .collect()
    }
}
