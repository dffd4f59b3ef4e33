//! The recurrence on a CPU: W_hh packed once, rows and groups over threads, vector code by instruction set.

// Indices run over several registers' worth of arrays at once; iterators would hide that.
#![allow(clippy::needless_range_loop)]

mod backward;
mod flex;
mod forward;
mod math;
mod shared;

pub use backward::{Gradients, backward};
pub use forward::{Saved, forward};
use shared::{Shared, blocks};

use super::recurrence::{Dims, Spec};
use rayon::prelude::*;

/// Inputs of a recurrence as plain slices.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// Sizes.
    pub dims: Dims,
    /// Options.
    pub spec: &'a Spec,
    /// Input projection with both biases, [T, B, G, 4H], gates i, f, g, o.
    pub projected: &'a [f32],
    /// Recurrent weights, [G, 4H, H].
    pub w_hh: &'a [f32],
    /// Initial hidden state, [G, B, H].
    pub h0: &'a [f32],
    /// Initial cell state, [G, B, H].
    pub c0: &'a [f32],
    /// Peepholes w_ci, w_cf, w_co, [G, 3, H]; read if `spec.peephole`.
    pub peephole: &'a [f32],
    /// Recurrent mask, [G, B, H]; read if `spec.masked`.
    pub mask: &'a [f32],
}

/// The hidden state that entered the recurrent product of each step, [G, T·B, H]: what the weight gradient needs.
///
/// Zero at steps after a row's end.
pub fn previous_hidden(dims: Dims, spec: &Spec, out: &[f32], h0: &[f32], mask: &[f32]) -> Vec<f32> {
    let h = dims.hidden;
    let mut previous = vec![0.0; dims.groups * dims.steps * dims.batch * h];
    previous
        .par_chunks_mut(dims.batch * h)
        .enumerate()
        .for_each(|(gt, rows)| {
            let (g, t) = (gt / dims.steps, gt % dims.steps);
            for (b, row) in rows.chunks_exact_mut(h).enumerate() {
                let length = spec.length(b, dims.steps);
                if t >= length {
                    continue;
                }
                let initial = (g * dims.batch + b) * h;
                let from = if spec.reverse[g] {
                    t + 1
                } else {
                    t.wrapping_sub(1)
                };
                row.copy_from_slice(if from < length {
                    &out[dims.at(from, b, g, h)..][..h]
                } else {
                    &h0[initial..initial + h]
                });
                if spec.masked {
                    for (x, m) in row.iter_mut().zip(&mask[initial..initial + h]) {
                        *x *= m;
                    }
                }
            }
        });
    previous
}

/// The widest vector code that this processor runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Width {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

fn width() -> Width {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            return Width::Avx512;
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            return Width::Avx2;
        }
    }
    Width::Portable
}

/// 64-bit Arm always has the fused instruction; baseline x86 does not.
const PORTABLE_FMA: bool = cfg!(target_arch = "aarch64");
