//! The Two-Stream RNN of Wang & Wang (CVPR 2017): a temporal LSTM over frames, a spatial LSTM over joints, fused.

mod dropout;
mod footprint;
mod fusion;
mod needed;
mod parameters;
mod readout;
mod streams;
mod two_stream;

pub use dropout::Dropout;
pub use fusion::{Gates, Outputs};
pub use needed::{Shapes, differences};
pub use parameters::{assign, named, numbers, read};
pub use readout::Readout;
pub use streams::{SpatialStream, TemporalStream, WINDOWS};
pub use two_stream::{Shape, TwoStream};
