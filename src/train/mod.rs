//! The training run: steps, evaluation on held-out clips, checkpoints, and a stream of messages about all of it.
//!
//! Order, augmentation, dropout and initial weights follow from the seed alone. The same seed on the same device with the
//! same kernel plan gives the same bytes, in one go or resumed, and on the CPU engine with any number of threads. That
//! ends where sums are taken in another order: another GPU or driver, another plan or precision, a processor with other
//! vector code, another version of this program. Such runs follow each other closely at first, and then less.

mod check;
mod checkpoint;
mod checksums;
mod epochs;
mod event;
mod folder;
mod initial;
#[doc(hidden)]
pub mod memory;
mod mend;
mod optimiser;
mod output;
#[doc(hidden)]
pub mod plans;
#[doc(hidden)]
pub mod ranks;
mod resolve;
mod resume;
mod run;
mod run_data;
mod schedule;
mod session;
mod shape;
mod start;
mod step;
mod stored;
mod summary;
mod tensorboard;
mod weights;

#[doc(hidden)]
pub use check::{RunCheck, check_run, check_weights};
pub use checkpoint::{Best, Position};
#[doc(hidden)]
pub use checkpoint::{Checkpoint, list as checkpoints};
pub(crate) use epochs::lost_epochs;
pub use epochs::{EpochMetrics, EpochTiming};
pub use event::Event;
pub use folder::REPORT_PAGE;
pub(crate) use folder::is_run_folder;
pub use initial::{Head, InitialWeights};
pub(crate) use mend::mend_run;
#[doc(hidden)]
pub use optimiser::{Gradients, Optimiser, OptimiserState, clip};
pub(crate) use output::check_output;
#[doc(hidden)]
pub use resolve::resolve_for_clips;
pub use resolve::{Target, resolve};
pub use resume::{ResumeOptions, open_session, resume};
pub use run::Run;
pub(crate) use run::best;
pub(crate) use run_data::data_of;
#[doc(hidden)]
pub use schedule::rate;
pub use session::Session;
#[doc(hidden)]
pub use session::Setup;
#[doc(hidden)]
pub use shape::{architecture, model_layout};
#[doc(hidden)]
pub use start::join;
pub use start::{TrainOptions, start, train};
pub(crate) use start::{path_text, training_warnings};
#[doc(hidden)]
pub use step::{Divergence, PendingStep, StepNumbers, Trainee, Turn};
pub use summary::TrainSummary;
pub(crate) use weights::inference_context;
pub use weights::{CheckpointChoice, best_weights, chosen_weights, weights_of};
