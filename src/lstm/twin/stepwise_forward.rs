//! Twin of `shaders/stepwise_forward.wgsl`.

use super::cell::{length_of, masked, peep_of, step_on, stored, time_of};
use crate::lstm::kernel::CellOptions;

/// Step `info[3]` forward. `w_hh` is [G, H(k), H(unit), 4], already rounded.
pub fn stepwise_forward(
    o: CellOptions,
    projected: &[f32],
    w_hh: &[f32],
    h0: &[f32],
    c0: &[f32],
    peephole: &[f32],
    mask: &[f32],
    lengths: &[u32],
    out: &mut [f32],
    gates: &mut [f32],
    cells: &mut [f32],
    info: &[u32],
) {
    let [t_all, b_all, g_all, s] = [0, 1, 2, 3].map(|i| info[i] as usize);
    let h_all = o.hidden as usize;
    for g in 0..g_all {
        let reverse = info[5 + g] == 1;
        for row in 0..b_all {
            let length = length_of(o, lengths, row, t_all);
            let start = (g * b_all + row) * h_all;
            let at = (time_of(s, length, reverse) * b_all + row) * g_all + g;
            for unit in 0..h_all {
                let mut before = c0[start + unit];
                let mut sum = [0.0; 4];
                for k in 0..h_all {
                    let mut h = h0[start + k];
                    if s > 0 {
                        let t = time_of(s - 1, length, reverse);
                        h = out[((t * b_all + row) * g_all + g) * h_all + k];
                    }
                    h = stored(o, masked(o, mask, h, start + k));
                    for v in 0..4 {
                        sum[v] += w_hh[((g * h_all + k) * h_all + unit) * 4 + v] * h;
                    }
                }
                if s > 0 {
                    let t = time_of(s - 1, length, reverse);
                    before = cells[((t * b_all + row) * g_all + g) * h_all + unit];
                }
                let a = [0, 1, 2, 3].map(|v| sum[v] + projected[(at * 4 + v) * h_all + unit]);
                let (mut a, mut cell, mut h) = step_on(a, before, peep_of(o, peephole, g, unit));
                if s >= length {
                    (a, cell, h) = ([0.0; 4], 0.0, 0.0);
                }
                out[at * h_all + unit] = h;
                cells[at * h_all + unit] = cell;
                for v in 0..4 {
                    gates[(at * 4 + v) * h_all + unit] = stored(o, a[v]);
                }
            }
        }
    }
}
