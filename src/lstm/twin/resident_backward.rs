//! Twin of `shaders/resident_backward.wgsl`.

use super::cell::{length_of, masked, peep_of, step_back, time_of};
use crate::lstm::kernel::CellOptions;

/// Steps `info[4]` − 1 down to `info[3]` backward. `w_hh` is [G, 4H, HQ, 4], already rounded.
pub fn resident_backward(
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
    let [t_all, b_all, g_all, first, last] = [0, 1, 2, 3, 4].map(|i| info[i] as usize);
    let h_all = o.hidden as usize;
    let quads = h_all.div_ceil(4);
    for g in 0..g_all {
        let reverse = info[5 + g] == 1;
        for row in 0..b_all {
            let length = length_of(o, lengths, row, t_all);
            let start = (g * b_all + row) * h_all;
            let (mut dh, mut dc) = (vec![0.0; h_all], vec![0.0; h_all]);
            if last < t_all {
                dh.copy_from_slice(&d_state[start..][..h_all]);
                dc.copy_from_slice(&d_state[g_all * b_all * h_all + start..][..h_all]);
            }
            for s in (first..last).rev() {
                let at = (time_of(s, length, reverse) * b_all + row) * g_all + g;
                let mut d_pre = vec![[0.0; 4]; h_all];
                for u in 0..h_all {
                    let mut before = c0[start + u];
                    if s > 0 {
                        let t = time_of(s - 1, length, reverse);
                        before = cells[((t * b_all + row) * g_all + g) * h_all + u];
                    }
                    let activated = [0, 1, 2, 3].map(|v| gates[(at * 4 + v) * h_all + u]);
                    let (mut d, mut cell) = step_back(
                        activated,
                        cells[at * h_all + u],
                        before,
                        dh[u] + d_out[at * h_all + u],
                        dc[u],
                        peep_of(o, peephole, g, u),
                    );
                    if s >= length {
                        (d, cell) = ([0.0; 4], 0.0);
                    }
                    dc[u] = cell;
                    d_pre[u] = d;
                    for v in 0..4 {
                        d_gates[(at * 4 + v) * h_all + u] = d[v];
                    }
                }
                for k in 0..h_all {
                    let mut sum = 0.0;
                    for u in 0..h_all {
                        for v in 0..4 {
                            let row = (g * 4 + v) * h_all + u;
                            sum += w_hh[(row * quads + k % quads) * 4 + k / quads] * d_pre[u][v];
                        }
                    }
                    dh[k] = masked(o, mask, sum, start + k);
                }
            }
            d_state[start..][..h_all].copy_from_slice(&dh);
            d_state[g_all * b_all * h_all + start..][..h_all].copy_from_slice(&dc);
        }
    }
}
