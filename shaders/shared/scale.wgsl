// The power of two that brings an operand's largest number just below 2^15, so that f16 neither overflows nor loses
// what counts: exact, and exact to undo.
// bits: those of the largest magnitude. A NaN or an infinity scales nothing.
fn scale_of(bits: u32) -> f32 {
    let exponent = bits >> 23u; // biased by 127
    if (exponent == 255u) { return 1.0; }
    return bitcast<f32>(min(268u - exponent, 253u) << 23u);
}

// 1 / scale, exact: 2^126 at most, so that this is no subnormal.
fn unscale_of(bits: u32) -> f32 {
    let exponent = bits >> 23u;
    if (exponent == 255u) { return 1.0; }
    return bitcast<f32>((254u - min(268u - exponent, 253u)) << 23u);
}

// A sum of products of scaled operands, brought back; the smaller factor first, so that nothing overflows on the way.
fn unscaled(sum: f32, a_bits: u32, b_bits: u32) -> f32 {
    let a_back = unscale_of(a_bits);
    let b_back = unscale_of(b_bits);
    return sum * min(a_back, b_back) * max(a_back, b_back);
}
