//! Twin of `shaders/stepwise_backward.wgsl`.

use super::cell::{length_of, masked, peep_of, step_back, time_of};
use crate::lstm::kernel::CellOptions;

/// From step `after` = `info[3]` to the step before it. `w_hh` is [G, 4H, HQ, 4], already rounded.
pub fn stepwise_backward(
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
    let h_all = o.hidden as usize;
    let quads = h_all.div_ceil(4);
    let of_cells = g_all * b_all * h_all;
    for g in 0..g_all {
        let reverse = info[5 + g] == 1;
        for row in 0..b_all {
            let length = length_of(o, lengths, row, t_all);
            for unit in 0..h_all {
                let start = (g * b_all + row) * h_all + unit;
                let mut sum = 0.0;
                if after < t_all {
                    let at = (time_of(after, length, reverse) * b_all + row) * g_all + g;
                    for k in 0..h_all {
                        for v in 0..4 {
                            let from = (g * 4 + v) * h_all + k;
                            sum += w_hh[(from * quads + unit % quads) * 4 + unit / quads]
                                * d_gates[(at * 4 + v) * h_all + k];
                        }
                    }
                }
                let dh = masked(o, mask, sum, start);
                if after == 0 {
                    d_state[start] = dh;
                    continue;
                }
                let s = after - 1;
                let at = (time_of(s, length, reverse) * b_all + row) * g_all + g;
                let mut before = c0[start];
                if s > 0 {
                    let t = time_of(s - 1, length, reverse);
                    before = cells[((t * b_all + row) * g_all + g) * h_all + unit];
                }
                let dc = if after < t_all {
                    d_state[of_cells + start]
                } else {
                    0.0
                };
                let activated = [0, 1, 2, 3].map(|v| gates[(at * 4 + v) * h_all + unit]);
                let (mut d, mut cell) = step_back(
                    activated,
                    cells[at * h_all + unit],
                    before,
                    dh + d_out[at * h_all + unit],
                    dc,
                    peep_of(o, peephole, g, unit),
                );
                if s >= length {
                    (d, cell) = ([0.0; 4], 0.0);
                }
                d_state[of_cells + start] = cell;
                for v in 0..4 {
                    d_gates[(at * 4 + v) * h_all + unit] = d[v];
                }
            }
        }
    }
}
