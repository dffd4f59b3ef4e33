//! The tiles: how the work of a step is divided among workgroups and threads.
//!
//! What a tile costs, for H hidden units, w bytes per weight (4 or 2), and R rows of a workgroup:
//!
//! - *resident* reads the 4·H²·w bytes of a group's W_hh once per step in every workgroup, from the GPU's cache, for
//!   8·R·H² operations: 2·R/w operations per byte. At H 128 that is 256 KiB per step, and 16 rows (8 operations per byte
//!   at f32) keep a multiprocessor's arithmetic busy behind its path to the cache (64 bytes and 128 multiply-adds per
//!   clock). Nothing is launched between two steps, so it suits small recurrences: the ten body parts, at any batch. At
//!   H 512 it is 4 MiB per step: workgroup memory leaves room for 4 rows, 2 operations per byte, and with two directions
//!   and 64 rows there are only 32 workgroups.
//! - *stepwise* launches once per step and reads (rows·H·4 + units·4·H·w) bytes for a tile of 8·rows·units·H operations:
//!   10.7 operations per byte for 64 × 32 at f32 whatever H is, and the grid spreads one group's units over the whole
//!   GPU. It suits large H; small batches need small tiles, so that there are enough of them.
//! - *stepwise-units* reads as much for a tile, of f16 weights, and multiplies it on matrix units: a subgroup computes
//!   squares of 32 × 32, of 32 rows and the gates of 8 units forward, of 32 rows and units backward.

use super::fragments::SQUARE;

/// A tile that a plan can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tile {
    /// The plan's name.
    pub name: &'static str,
    /// Its size.
    pub size: TileSize,
}

/// The size of a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TileSize {
    /// The number of rows; a workgroup computes all units of one group.
    Resident(u32),
    /// The tile of the forward step and that of the backward step.
    Stepwise(StepTile, StepTile),
    /// Squares on matrix units, both ways.
    StepwiseUnits(Squares),
}

/// Every tile, the smallest of each kind first. Plain kernels have at most 256 threads; stepwise ones need at most the
/// 16 KiB of workgroup memory that every WebGPU device has.
pub static TILES: [Tile; 11] = [
    resident("resident-4", 4),
    resident("resident-8", 8),
    resident("resident-16", 16),
    resident("resident-32", 32),
    stepwise("stepwise-16x16", SMALLEST.0, SMALLEST.1),
    stepwise(
        "stepwise-64x16",
        step([16, 16, 1], [1, 4, 16]),
        step([8, 16, 2], [1, 4, 16]),
    ),
    stepwise(
        "stepwise-64x32",
        step([16, 16, 1], [2, 4, 8]),
        step([16, 16, 1], [1, 4, 8]),
    ),
    stepwise(
        "stepwise-128x32",
        step([16, 16, 1], [2, 8, 8]),
        step([16, 16, 1], [1, 8, 8]),
    ),
    // At least two squares, which are the threads of a subgroup of 64.
    units("stepwise-units-32x16", 1, 2),
    units("stepwise-units-64x16", 2, 2),
    units("stepwise-units-64x32", 2, 4),
];

/// The smallest tiles of the stepwise kernels, forward and backward.
pub const SMALLEST: (StepTile, StepTile) =
    (step([16, 4, 4], [1, 4, 16]), step([8, 4, 8], [1, 4, 16]));

/// The squares of a dense product: a tile of 64 × 64, or of 128 × 128 for large products.
pub const PRODUCT_SQUARES: [Squares; 2] = [
    Squares { down: 2, across: 2 },
    Squares { down: 4, across: 4 },
];

const fn resident(name: &'static str, rows: u32) -> Tile {
    let size = TileSize::Resident(rows);
    Tile { name, size }
}

const fn stepwise(name: &'static str, forward: StepTile, backward: StepTile) -> Tile {
    let size = TileSize::Stepwise(forward, backward);
    Tile { name, size }
}

const fn units(name: &'static str, down: u32, across: u32) -> Tile {
    let size = TileSize::StepwiseUnits(Squares { down, across });
    Tile { name, size }
}

/// The threads of a resident workgroup, which computes `row_groups · rows_per_thread` rows and every unit of one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ResidentTile {
    /// H rounded up to a multiple of four: the lanes of one row group.
    pub lanes: u32,
    /// Threads of a workgroup.
    pub threads: u32,
    /// Row groups that share the threads.
    pub row_groups: u32,
    /// Rows of one thread, a multiple of four.
    pub rows_per_thread: u32,
}

/// Threads of the largest resident workgroup, which WebGPU guarantees. With more, a thread would have too few registers
/// for its sums.
const THREADS: u32 = 256;

/// Sums of four numbers that one thread can keep in registers.
const SUMS: u32 = 16;

impl ResidentTile {
    /// The tile with `rows` rows, at most eight per thread.
    pub fn new(hidden: u32, rows: u32) -> Self {
        let rows_per_thread = rows.min(8);
        let (row_groups, lanes) = (rows / rows_per_thread, hidden.next_multiple_of(4));
        ResidentTile {
            lanes,
            // No subgroup size is assumed; whole subgroups of up to 32 waste the fewest lanes.
            threads: (lanes * row_groups).next_multiple_of(32).min(THREADS),
            row_groups,
            rows_per_thread,
        }
    }

    /// Whether its threads can hold the rows.
    pub fn possible(self) -> bool {
        if self.row_groups == 1 {
            self.lanes_per_thread() * self.rows_per_thread <= SUMS
        } else {
            self.lanes * self.row_groups <= self.threads
        }
    }

    /// Rows of a workgroup.
    pub fn rows(self) -> u32 {
        self.row_groups * self.rows_per_thread
    }

    /// Lanes of one thread: several if a group has more lanes than the workgroup has threads.
    pub fn lanes_per_thread(self) -> u32 {
        match self.row_groups {
            1 => self.lanes.div_ceil(self.threads),
            _ => 1,
        }
    }
}

/// The threads of a stepwise workgroup. Its columns are units forward, each with four gates, and fours of units backward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StepTile {
    /// Threads along columns.
    pub across: u32,
    /// Threads along rows.
    pub down: u32,
    /// Slices of threads that share the depth of a piece.
    pub slices: u32,
    /// Columns of one thread.
    pub columns_per_thread: u32,
    /// Rows of one thread, a multiple of four.
    pub rows_per_thread: u32,
    /// Depth of a piece of the product.
    pub depth: u32,
}

const fn step(
    [across, down, slices]: [u32; 3],
    [columns_per_thread, rows_per_thread, depth]: [u32; 3],
) -> StepTile {
    StepTile {
        across,
        down,
        slices,
        columns_per_thread,
        rows_per_thread,
        depth,
    }
}

impl StepTile {
    /// Threads of a workgroup.
    pub fn threads(self) -> u32 {
        self.across * self.down * self.slices
    }

    /// Rows of a tile.
    pub fn rows(self) -> u32 {
        self.down * self.rows_per_thread
    }

    /// Columns of a tile.
    pub fn columns(self) -> u32 {
        self.across * self.columns_per_thread
    }

    /// Fours of rows in a piece.
    pub fn row_quads(self) -> u32 {
        self.depth * self.rows() / 4
    }

    /// Fours of weights in a piece.
    pub fn weight_quads(self) -> u32 {
        self.depth * self.columns()
    }

    /// Fours of numbers that the rows take in workgroup memory: two pieces, or where slices meet, a sum of each thread.
    pub fn row_tile(self) -> u32 {
        let sums = if self.slices > 1 { self.threads() } else { 0 };
        (2 * self.row_quads()).max(sums)
    }
}

/// The squares of a workgroup on matrix units, each of 32 × 32 and computed by a subgroup. In a recurrence the columns are
/// the four gates of a unit next to each other forward, units backward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Squares {
    /// Squares along rows.
    pub down: u32,
    /// Squares along columns.
    pub across: u32,
}

impl Squares {
    /// Squares of a workgroup.
    pub fn count(self) -> u32 {
        self.down * self.across
    }

    /// Rows of a workgroup.
    pub fn rows(self) -> u32 {
        SQUARE * self.down
    }

    /// Columns of a workgroup.
    pub fn columns(self) -> u32 {
        SQUARE * self.across
    }

    /// Threads of a workgroup.
    pub fn threads(self) -> u32 {
        SQUARE * self.count()
    }
}
