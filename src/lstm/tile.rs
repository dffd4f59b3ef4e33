//! How the work of a step is cut into workgroups and threads.
//!
//! What a tile costs, for H hidden units, w bytes a weight (4 or 2), and R rows of a workgroup:
//!
//! - *resident* reads the 4·H²·w bytes of a group's W_hh once a step in every workgroup, from the GPU's cache, for
//!   8·R·H² operations: 2·R/w operations a byte. At H 128 that is 256 KiB a step, and 16 rows (8 operations a byte at
//!   f32) keep a multiprocessor's arithmetic busy behind its path to the cache (64 bytes and 128 multiply-adds a
//!   clock). No launch stands between two steps, so it suits small recurrences: the ten body parts, at any batch. At
//!   H 512 it is 4 MiB a step: workgroup memory leaves room for 4 rows, 2 operations a byte, and with two directions
//!   and 64 rows there are but 32 workgroups.
//! - *stepwise* launches once a step and reads (rows·H·4 + units·4·H·w) bytes for a tile of 8·rows·units·H operations:
//!   10.7 operations a byte for 64 × 32 at f32 whatever H is, and the grid spreads one group's units over the whole
//!   GPU. It suits large H; small batches need small tiles, so that there are enough of them.
//! - *stepwise-units* reads as much for a tile, of f16 weights, and multiplies it on matrix units: a subgroup computes
//!   squares of 32 × 32, of 32 rows and the gates of 8 units forward, of 32 rows and units backward.

use super::spec::Dims;
use super::units::SQUARE;

/// Work of a resident workgroup: `row_groups · rows_a_thread` rows, every unit of one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Resident {
    /// Threads of a workgroup.
    pub threads: u32,
    /// Row groups that share the threads.
    pub row_groups: u32,
    /// Rows of one thread, a multiple of four.
    pub rows_a_thread: u32,
}

/// Threads of the largest workgroup, what WebGPU guarantees: more would leave a thread too few registers for its sums.
const THREADS: u32 = 256;

/// Sums of four numbers that one thread can keep in registers.
const SUMS: u32 = 16;

impl Resident {
    /// Rows of a workgroup to choose from.
    pub const ROWS: [u32; 4] = [4, 8, 16, 32];

    /// The names of the plans with so many rows.
    pub const NAMES: [&str; 4] = ["resident-4", "resident-8", "resident-16", "resident-32"];

    /// H rounded up to a multiple of four: the lanes of one row group.
    pub fn lanes(hidden: usize) -> u32 {
        hidden.next_multiple_of(4) as u32
    }

    /// The tile of so many rows, if its threads can hold them: at most eight rows a thread.
    pub fn of(hidden: usize, rows: u32) -> Option<Resident> {
        let rows_a_thread = rows.min(8);
        let (row_groups, lanes) = (rows / rows_a_thread, Resident::lanes(hidden));
        // No subgroup size is assumed; whole subgroups of up to 32 waste the fewest lanes.
        let threads = (lanes * row_groups).next_multiple_of(32).min(THREADS);
        let fits = if row_groups == 1 {
            lanes.div_ceil(threads) * rows_a_thread <= SUMS
        } else {
            lanes * row_groups <= threads
        };
        fits.then_some(Resident {
            threads,
            row_groups,
            rows_a_thread,
        })
    }

    /// Rows of a workgroup.
    pub fn rows(self) -> usize {
        (self.row_groups * self.rows_a_thread) as usize
    }

    /// Bytes of workgroup memory: the backward pass has four numbers for each row and lane.
    pub fn memory(self, hidden: usize) -> usize {
        16 * self.rows() * Resident::lanes(hidden) as usize
    }

    /// Workgroups of one dispatch.
    pub fn count(self, dims: Dims) -> [usize; 3] {
        [dims.batch.div_ceil(self.rows()), dims.groups, 1]
    }
}

/// Work of a stepwise workgroup. Its columns are units forward, each with four gates, and fours of units backward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stepwise {
    /// Threads along columns.
    pub across: u32,
    /// Threads along rows.
    pub down: u32,
    /// Slices of threads that share the depth of a piece.
    pub slices: u32,
    /// Columns of one thread.
    pub columns_a_thread: u32,
    /// Rows of one thread, a multiple of four.
    pub rows_a_thread: u32,
    /// Depth of a piece of the product.
    pub depth: u32,
}

/// The forward and the backward tile of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pair {
    /// The name of the plan: rows × units of the forward tile.
    pub name: &'static str,
    /// Tile of the forward step.
    pub forward: Stepwise,
    /// Tile of the backward step.
    pub backward: Stepwise,
}

const fn tile(
    [across, down, slices]: [u32; 3],
    [columns_a_thread, rows_a_thread, depth]: [u32; 3],
) -> Stepwise {
    Stepwise {
        across,
        down,
        slices,
        columns_a_thread,
        rows_a_thread,
        depth,
    }
}

impl Stepwise {
    /// Sizes to choose from, the smallest first. All have 256 threads and at most 16 KiB of workgroup memory, which
    /// every WebGPU device has.
    pub const SIZES: [Pair; 4] = [
        Pair {
            name: "stepwise-16x16",
            forward: tile([16, 4, 4], [1, 4, 16]),
            backward: tile([8, 4, 8], [1, 4, 16]),
        },
        Pair {
            name: "stepwise-64x16",
            forward: tile([16, 16, 1], [1, 4, 16]),
            backward: tile([8, 16, 2], [1, 4, 16]),
        },
        Pair {
            name: "stepwise-64x32",
            forward: tile([16, 16, 1], [2, 4, 8]),
            backward: tile([16, 16, 1], [1, 4, 8]),
        },
        Pair {
            name: "stepwise-128x32",
            forward: tile([16, 16, 1], [2, 8, 8]),
            backward: tile([16, 16, 1], [1, 8, 8]),
        },
    ];

    /// Threads of a workgroup.
    pub fn threads(self) -> u32 {
        self.across * self.down * self.slices
    }

    /// Rows of a tile.
    pub fn rows(self) -> u32 {
        self.down * self.rows_a_thread
    }

    /// Columns of a tile.
    pub fn columns(self) -> u32 {
        self.across * self.columns_a_thread
    }

    /// Workgroups of one step: column tiles, row tiles, groups.
    pub fn count(self, dims: Dims, backward: bool) -> [usize; 3] {
        let columns = if backward {
            dims.hidden.div_ceil(4)
        } else {
            dims.hidden
        };
        [
            columns.div_ceil(self.columns() as usize),
            dims.batch.div_ceil(self.rows() as usize),
            dims.groups,
        ]
    }
}

/// Work of a stepwise workgroup on matrix units: `down` · `across` squares of 32 × 32, rows × columns. Its columns are
/// the four gates of a unit next to each other forward, units backward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Squares {
    /// The name of the plan: rows × units of the forward tile.
    pub name: &'static str,
    /// Squares along rows.
    pub down: u32,
    /// Squares along columns.
    pub across: u32,
}

impl Squares {
    /// Sizes to choose from, the smallest first. Two squares at least: the threads of a subgroup of 64.
    pub const SIZES: [Squares; 3] = [
        Squares {
            name: "stepwise-units-32x16",
            down: 1,
            across: 2,
        },
        Squares {
            name: "stepwise-units-64x16",
            down: 2,
            across: 2,
        },
        Squares {
            name: "stepwise-units-64x32",
            down: 2,
            across: 4,
        },
    ];

    /// Threads of a workgroup.
    pub fn threads(self) -> u32 {
        SQUARE * self.down * self.across
    }

    /// Bytes of workgroup memory, with fragments of a side: two operands 32 deep, a row of fragments of each square, and
    /// two numbers a row.
    pub fn memory(self, side: u32) -> usize {
        let (rows, columns) = (SQUARE * self.down, SQUARE * self.across);
        let operands = 2 * (rows * (SQUARE + 8) + SQUARE * (columns + 8));
        (operands + 4 * self.down * side * (columns + 4) + 8 * rows) as usize
    }

    /// Workgroups of one step: column tiles, row tiles, groups.
    pub fn count(self, dims: Dims, backward: bool) -> [usize; 3] {
        let fours = if backward {
            dims.hidden.div_ceil(4)
        } else {
            dims.hidden
        };
        [
            fours.div_ceil((SQUARE * self.across / 4) as usize),
            dims.batch.div_ceil((SQUARE * self.down) as usize),
            dims.groups,
        ]
    }
}
