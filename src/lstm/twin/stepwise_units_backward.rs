//! Twin of `shaders/stepwise_units_backward.wgsl`.

use super::cell::{length_of, time_of};
use crate::lstm::Precision;
use crate::lstm::kernel::CellOptions;
use crate::lstm::rounding::{largest_of, rounded};

/// From step `after` = `info[3]` to the step before it: `stepwise_backward`, with the gates' gradients rounded to f16
/// relative to the largest of their row. `d_state` has nothing behind it: that largest is found again.
pub fn stepwise_units_backward(
    o: CellOptions,
    d_out: &[f32],
    w_hh: &[f32],
    gates: &[f32],
    cells: &[f32],
    c0: &[f32],
    peephole: &[f32],
    mask: &[f32],
    lengths: &[u32],
    d_gates: &mut [f32],
    d_state: &mut [f32],
    info: &[u32],
) {
    let [t_all, b_all, g_all, after] = [0, 1, 2, 3].map(|i| info[i] as usize);
    let wide = 4 * o.hidden as usize;
    let exact = d_gates.to_vec();
    let mut entered = Vec::new();
    if after < t_all && o.precision == Precision::F16 {
        for g in 0..g_all {
            for row in 0..b_all {
                let length = length_of(o, lengths, row, t_all);
                let t = time_of(after, length, info[5 + g] == 1);
                let at = ((t * b_all + row) * g_all + g) * wide;
                let largest = largest_of(&exact[at..at + wide]);
                for d in &mut d_gates[at..at + wide] {
                    *d = rounded(*d, largest);
                }
                entered.push(at);
            }
        }
    }
    super::stepwise_backward(
        o, d_out, w_hh, gates, cells, c0, peephole, mask, lengths, d_gates, d_state, info,
    );
    for at in entered {
        d_gates[at..at + wide].copy_from_slice(&exact[at..at + wide]);
    }
}
