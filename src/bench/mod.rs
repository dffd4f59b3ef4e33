//! Measurements: what ran, where, how long, and how right it was.

pub mod kernels;
