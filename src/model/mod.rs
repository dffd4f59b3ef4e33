//! The Two-Stream RNN of Wang & Wang (CVPR 2017): a temporal LSTM over frames and a spatial LSTM over joints, fused.
//!
//! [`Architecture`] lists the layers; everything else in this module follows from that list.

mod architecture;
mod dropout;
mod fusion;
mod memory;
mod parameter_shapes;
mod parameters;
mod readout;
mod streams;
mod two_stream;

pub use architecture::{
    Architecture, LayerDescription, LinearDescription, LstmDescription, StreamDescription,
};
#[doc(hidden)]
pub use architecture::{WINDOWS, is_classifier_parameter};
pub use dropout::Dropout;
pub use fusion::{Gates, Outputs};
#[doc(hidden)]
pub use parameter_shapes::{ParameterShapes, shape_differences};
#[doc(hidden)]
pub use parameters::{load_parameters, parameter_names, parameter_values, read_tensor};
pub use readout::Readout;
pub use streams::Stream;
pub use two_stream::TwoStream;
