//! The training run: steps, evaluation on held-out clips, checkpoints, and a stream of messages about all of it.

mod begin;
mod checkpoint;
mod event;
mod folds;
pub mod memory;
mod optimiser;
pub mod plans;
pub mod ranks;
mod run;
mod schedule;
mod session;
mod settle;
mod step;
mod tensorboard;

pub use begin::{begin, follow, for_data, for_device, lead};
pub use checkpoint::{Best, Checkpoint, Position, list as checkpoints};
pub use event::Event;
pub use folds::{Fold, train_folds};
pub use optimiser::{Gradients, Memory, Optimiser, clip};
pub use run::{EpochMetrics, EpochTiming, Run, best};
pub use schedule::rate;
pub use session::{Session, Start};
pub use settle::{held_out, settle, shape, walked};
pub use step::{Diverged, Found, StepNumbers, Trainee, Turn};
