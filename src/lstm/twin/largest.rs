//! Twin of `shaders/largest.wgsl`.

/// The largest magnitude of the first `info[0]` numbers, as bits.
pub fn largest(x: &[f32], bits: &mut [u32], info: &[u32]) {
    for i in 0..info[0] as usize {
        bits[0] = bits[0].max(x[i].to_bits() & 0x7fff_ffff);
    }
}
