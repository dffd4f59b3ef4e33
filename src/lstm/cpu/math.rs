//! Activations that compilers turn into vector code, and the register tile of the products.

/// tanh, within 4e-7 of the true value; saturates beyond ±9 and keeps NaN.
///
/// The rational approximation of odd degree 13 over even degree 6 that Eigen uses (`ptanh_float`).
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let x = x.clamp(-9.0, 9.0);
    let x2 = x * x;
    let mut p = -2.760_768_5e-16_f32;
    p = p * x2 + 2.000_188e-13;
    p = p * x2 + -8.604_672e-11;
    p = p * x2 + 5.122_297e-8;
    p = p * x2 + 1.485_722_4e-5;
    p = p * x2 + 6.372_619_3e-4;
    p = p * x2 + 4.893_525e-3;
    let mut q = 1.198_258_4e-6_f32;
    q = q * x2 + 1.185_347_1e-4;
    q = q * x2 + 2.268_434_6e-3;
    q = q * x2 + 4.893_525e-3;
    x * p / q
}

/// The logistic function, within 2e-7 of the true value; keeps NaN.
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    0.5 * tanh(0.5 * x) + 0.5
}

/// a·b + c, fused where the instruction set has it (elsewhere the fused form is a slow call).
#[inline(always)]
fn multiply_add<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// A register tile of a product: rows of `a` (R of them, `stride` apart) with a packed panel.
///
/// `panel` holds, for each k, four vectors of L numbers. Returns [R][4][L] sums over k.
#[inline(always)]
pub fn tile<const R: usize, const L: usize, const FMA: bool>(
    a: &[f32],
    stride: usize,
    depth: usize,
    panel: &[f32],
) -> [[[f32; L]; 4]; R] {
    assert!(a.len() >= (R - 1) * stride + depth && panel.len() >= depth * 4 * L);
    let mut sum = [[[0.0f32; L]; 4]; R];
    for k in 0..depth {
        for r in 0..R {
            // SAFETY: in bounds by the assertion above. A check here would move the sums from registers to memory.
            let x = unsafe { *a.get_unchecked(r * stride + k) };
            for v in 0..4 {
                for l in 0..L {
                    // SAFETY: in bounds likewise.
                    let w = unsafe { *panel.get_unchecked((k * 4 + v) * L + l) };
                    sum[r][v][l] = multiply_add::<FMA>(x, w, sum[r][v][l]);
                }
            }
        }
    }
    sum
}

/// [`tile`] of the first `rows` ≤ R rows, in a smaller tile where that does; the other sums are unset.
#[inline(always)]
pub fn tile_of<const R: usize, const L: usize, const FMA: bool>(
    rows: usize,
    a: &[f32],
    stride: usize,
    depth: usize,
    panel: &[f32],
) -> [[[f32; L]; 4]; R] {
    fn widened<const S: usize, const R: usize, const L: usize>(
        small: [[[f32; L]; 4]; S],
    ) -> [[[f32; L]; 4]; R] {
        std::array::from_fn(|r| small.get(r).copied().unwrap_or([[0.0; L]; 4]))
    }
    match rows {
        1 => widened(tile::<1, L, FMA>(a, stride, depth, panel)),
        2 => widened(tile::<2, L, FMA>(a, stride, depth, panel)),
        3 | 4 if R > 4 => widened(tile::<4, L, FMA>(a, stride, depth, panel)),
        _ => tile::<R, L, FMA>(a, stride, depth, panel),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn activations_are_close_saturate_and_keep_nan() {
        for i in -4000..=4000 {
            let x = i as f32 * 0.005;
            assert!(
                (f64::from(tanh(x)) - f64::from(x).tanh()).abs() < 4e-7,
                "tanh({x})"
            );
            let s = 1.0 / (1.0 + (-f64::from(x)).exp());
            assert!((f64::from(sigmoid(x)) - s).abs() < 2e-7, "sigmoid({x})");
        }
        for big in [1e4f32, f32::MAX, f32::INFINITY] {
            assert!((tanh(big) - 1.0).abs() < 1e-6 && (tanh(-big) + 1.0).abs() < 1e-6);
            assert!((sigmoid(big) - 1.0).abs() < 1e-6 && sigmoid(-big).abs() < 1e-6);
        }
        assert!(tanh(f32::NAN).is_nan() && sigmoid(f32::NAN).is_nan());
    }
}
