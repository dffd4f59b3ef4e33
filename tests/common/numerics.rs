//! Comparing numbers, and fresh ones to compare on.
#![allow(dead_code, reason = "each test uses its own part")]

use sinew::rng::Rng;

/// max |a − b| / max |b|.
pub fn relative_error(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len(), "tensors of one size");
    let largest = b.iter().fold(0.0f64, |m, x| m.max(f64::from(x.abs())));
    let worst = a.iter().zip(b).fold(0.0f64, |m, (x, y)| {
        let d = f64::from((x - y).abs());
        if d.is_nan() { f64::INFINITY } else { m.max(d) }
    });
    if worst == 0.0 {
        0.0
    } else {
        worst / largest.max(1e-30)
    }
}

/// A stream for this run of this test; printed, so that a failure can be repeated through `SINEW_TEST_SEED`.
pub fn fresh(test: &str) -> Rng {
    let seed = std::env::var("SINEW_TEST_SEED")
        .ok()
        .and_then(|s| s.parse().ok());
    let seed = seed.unwrap_or_else(|| {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(1, |d| d.as_nanos() as u64)
    });
    println!("{test}: SINEW_TEST_SEED={seed}");
    Rng::new(seed, &[])
}

/// `count` numbers from −`span` to `span`.
pub fn numbers(rng: &mut Rng, count: usize, span: f32) -> Vec<f32> {
    (0..count).map(|_| rng.range(-span, span)).collect()
}
