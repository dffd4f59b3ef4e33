//! Twin of `shaders/resident_forward.wgsl`.

use super::cell::{length_of, masked, peep_of, step_on, stored, time_of};
use crate::lstm::kernel::CellOptions;

/// Steps [`info[3]`, `info[4]`) forward. `w_hh` is [G, H(k), H(unit), 4], already rounded.
pub fn resident_forward(
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
    let [t_all, b_all, g_all, first, last] = [0, 1, 2, 3, 4].map(|i| info[i] as usize);
    let h_all = o.hidden as usize;
    for g in 0..g_all {
        let reverse = info[5 + g] == 1;
        for row in 0..b_all {
            let length = length_of(o, lengths, row, t_all);
            let start = (g * b_all + row) * h_all;
            let mut c = c0[start..start + h_all].to_vec();
            let mut hidden = h0[start..start + h_all].to_vec();
            if first > 0 {
                let t = time_of(first - 1, length, reverse);
                let at = (t * b_all + row) * g_all + g;
                c.copy_from_slice(&cells[at * h_all..][..h_all]);
                hidden.copy_from_slice(&out[at * h_all..][..h_all]);
            }
            for (u, h) in hidden.iter_mut().enumerate() {
                *h = stored(o, masked(o, mask, *h, start + u));
            }
            for s in first..last {
                let at = (time_of(s, length, reverse) * b_all + row) * g_all + g;
                let mut next = vec![0.0; h_all];
                for u in 0..h_all {
                    let mut sum = [0.0; 4];
                    for k in 0..h_all {
                        for v in 0..4 {
                            sum[v] += w_hh[((g * h_all + k) * h_all + u) * 4 + v] * hidden[k];
                        }
                    }
                    let a = [0, 1, 2, 3].map(|v| sum[v] + projected[(at * 4 + v) * h_all + u]);
                    let (mut a, mut cell, mut h) = step_on(a, c[u], peep_of(o, peephole, g, u));
                    if s >= length {
                        (a, cell, h) = ([0.0; 4], 0.0, 0.0);
                    }
                    c[u] = cell;
                    next[u] = stored(o, masked(o, mask, h, start + u));
                    out[at * h_all + u] = h;
                    cells[at * h_all + u] = cell;
                    for v in 0..4 {
                        gates[(at * 4 + v) * h_all + u] = stored(o, a[v]);
                    }
                }
                hidden = next;
            }
        }
    }
}
