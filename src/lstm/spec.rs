//! What a recurrence is: its sizes and its options, shared by every engine.

use super::plan::Plan;
use super::product::{Products, Units};
use crate::device::SHORTEST_DISPATCH;
pub use crate::settings::Precision;
use burn::tensor::Shape;
use std::sync::Arc;

/// Sizes of a recurrence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Dims {
    /// T, time steps.
    pub steps: usize,
    /// B, rows.
    pub batch: usize,
    /// G, independent recurrences of the same shape that run side by side: directions, body parts.
    pub groups: usize,
    /// H, hidden units of one group.
    pub hidden: usize,
}

impl Dims {
    /// From the shape of a tensor [T, B, G, `gates`·H].
    pub fn of(shape: &Shape, gates: usize) -> Self {
        let [steps, batch, groups, wide] = [0, 1, 2, 3].map(|d| shape[d]);
        Dims {
            steps,
            batch,
            groups,
            hidden: wide / gates,
        }
    }

    /// Floating-point operations of the recurrent products of one pass: 8·T·B·G·H².
    pub fn flops(&self) -> f64 {
        8.0 * self.steps as f64 * self.step_rows() * (self.hidden * self.hidden) as f64
    }

    /// Offset of row `b`, group `g` at time `t` in a tensor [T, B, G, `width`].
    #[inline]
    pub fn at(&self, t: usize, b: usize, g: usize, width: usize) -> usize {
        ((t * self.batch + b) * self.groups + g) * width
    }

    fn step_rows(&self) -> f64 {
        (self.batch * self.groups) as f64
    }
}

/// Options of a recurrence. The same for every engine and plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// One flag a group: true walks from a row's last step to its first. None at all: every group walks forward.
    pub reverse: Vec<bool>,
    /// Valid steps of each row; outputs after them are zero and the state stands still. None: all T.
    pub lengths: Option<Arc<Vec<u32>>>,
    /// The gates see the cell state through `peephole`.
    pub peephole: bool,
    /// The hidden state is multiplied by `mask` before it enters the recurrent product.
    pub masked: bool,
    /// The kernels' plan on a GPU; one that the device does not run ([`Plan::supports`]) gives way to [`Plan::STEPWISE`].
    pub plan: Plan,
    /// Number format of the products on a GPU; the CPU engine has f32 alone.
    pub precision: Precision,
    /// What computes the weight gradient, and the recurrence's own products in the plan on matrix units.
    pub units: Units,
    /// Floating-point operations of the longest dispatch; a single step can take more.
    pub dispatch: u64,
}

impl Default for Spec {
    fn default() -> Self {
        Spec {
            reverse: Vec::new(),
            lengths: None,
            peephole: false,
            masked: false,
            plan: Plan::default(),
            precision: Precision::default(),
            units: Units::default(),
            dispatch: SHORTEST_DISPATCH,
        }
    }
}

impl Spec {
    /// How the dense products beside the recurrence are computed.
    pub fn products(&self) -> Products {
        Products {
            units: self.units,
            dispatch: self.dispatch,
        }
    }

    /// Valid steps of row `b` out of `steps`.
    #[inline]
    pub fn length(&self, b: usize, steps: usize) -> usize {
        self.lengths
            .as_ref()
            .map_or(steps, |l| (l[b] as usize).min(steps))
    }

    /// The time index that group `g` visits as its `s`-th step in a row of `length` valid steps.
    #[inline]
    pub fn time(&self, g: usize, s: usize, length: usize) -> usize {
        if self.reverse[g] { length - 1 - s } else { s }
    }
}
