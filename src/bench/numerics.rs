//! Comparison of tensors, and random test values.

use crate::rng::Rng;

/// The relative error max |a − b| / max |b|; infinite for NaN or different lengths.
pub fn relative_error(a: &[f32], b: &[f32]) -> f64 {
    if a.len() != b.len() {
        return f64::INFINITY;
    }
    let largest = b.iter().fold(0.0f64, |m, x| m.max(f64::from(x.abs())));
    let worst = a.iter().zip(b).fold(0.0f64, |m, (x, y)| {
        let d = f64::from((x - y).abs());
        // `max` would ignore NaN.
        if d.is_nan() { f64::INFINITY } else { m.max(d) }
    });
    if worst == 0.0 {
        0.0
    } else {
        worst / largest.max(1e-30)
    }
}

/// `count` uniform numbers from −`span` to `span`.
pub fn numbers(rng: &mut Rng, count: usize, span: f32) -> Vec<f32> {
    (0..count).map(|_| rng.range(-span, span)).collect()
}
