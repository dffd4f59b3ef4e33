//! Twin of `shaders/product_units.wgsl`.

use crate::lstm::rounding::rounded;

/// The products of the pieces and groups from `info[5]` on, whatever the fragments; `info[4]` has to be 0, since tiles
/// differ.
pub fn product_units(
    a_deep: bool,
    b_deep: bool,
    a: &[f32],
    b: &[f32],
    a_largest: &[u32],
    b_largest: &[u32],
    c: &mut [f32],
    info: &[u32],
) {
    let [m_all, n_all, k_all, g_all] = [0, 1, 2, 3].map(|i| info[i] as usize);
    let [first_z, piece] = [5, 6].map(|i| info[i] as usize);
    // Where a number lies: `outer` is its row of A or its column of B.
    let at = |deep: bool, strides: usize, g: usize, outer: usize, k: usize| {
        let (group, step) = (info[strides] as usize, info[strides + 1] as usize);
        g * group
            + if deep {
                outer * step + k
            } else {
                k * step + outer
            }
    };
    let a_most = f32::from_bits(a_largest[0]);
    let b_most = f32::from_bits(b_largest[0]);
    for z in first_z..c.len() / (m_all * n_all) {
        let (g, first) = (z % g_all, z / g_all * piece);
        for m in 0..m_all {
            for n in 0..n_all {
                let mut sum = 0.0;
                for k in first..k_all.min(first + piece) {
                    sum += rounded(a[at(a_deep, 7, g, m, k)], a_most)
                        * rounded(b[at(b_deep, 9, g, n, k)], b_most);
                }
                c[(z * m_all + m) * n_all + n] = sum;
            }
        }
    }
}
