//! Measurements: what ran, where, how long, and how right it was.

pub mod kernels;
pub mod loader;
pub mod prepare;

/// The median of some times (the upper of two in the middle), and the least and most.
fn spread(mut times: Vec<f64>) -> (f64, [f64; 2]) {
    times.sort_by(f64::total_cmp);
    let at = |index: usize| times.get(index).copied().unwrap_or(f64::NAN);
    (
        at(times.len() / 2),
        [at(0), at(times.len().saturating_sub(1))],
    )
}
