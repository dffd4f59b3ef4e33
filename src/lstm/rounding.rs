//! How an operand of a product is rounded to f16: the counterpart of `shaders/shared/scale.wgsl`.
//!
//! An operand is brought by an exact power of two to just below 2¹⁵ before it is rounded, and the sums are brought back:
//! nothing overflows, and what underflows is 2⁻³⁹ of the operand's largest number. Gradients therefore need no loss
//! scaling: a scale of the loss is a guess at these powers, and has to skip the steps at which it was wrong.

use half::f16;

/// The power of two that brings the largest number to just below 2¹⁵.
pub fn scale_of(largest: f32) -> f32 {
    match largest.abs().to_bits() >> 23 {
        255 => 1.0,
        exponent => f32::from_bits((268 - exponent).min(253) << 23),
    }
}

/// One over [`scale_of`], exact.
pub fn unscale_of(largest: f32) -> f32 {
    match largest.abs().to_bits() >> 23 {
        255 => 1.0,
        exponent => f32::from_bits((254 - (268 - exponent).min(253)) << 23),
    }
}

/// A number as the kernels round it, in an operand of this largest magnitude.
pub fn rounded(x: f32, largest: f32) -> f32 {
    f16::from_f32(x * scale_of(largest)).to_f32() * unscale_of(largest)
}

/// The largest magnitude; NaN where there is one.
pub fn largest_of(x: &[f32]) -> f32 {
    let bits = x.iter().map(|x| x.to_bits() & 0x7fff_ffff).max();
    f32::from_bits(bits.unwrap_or(0))
}
