// The power of two that brings an operand's largest number just below 2^15, so that f16 neither overflows nor loses
// what counts: exact, and exact to undo.
// bits: those of the largest magnitude. A NaN or an infinity scales nothing.
fn scale_of(bits: u32) -> f32 {
    let exponent = bits >> 23u; // biased by 127
    if (exponent == 255u) { return 1.0; }
    return bitcast<f32>(min(268u - exponent, 254u) << 23u);
}

// 1 / scale, exact.
fn unscale_of(bits: u32) -> f32 {
    let exponent = bits >> 23u;
    if (exponent == 255u) { return 1.0; }
    return bitcast<f32>((254u - min(268u - exponent, 254u)) << 23u);
}
