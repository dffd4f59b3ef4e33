//! sinew trains the Two-Stream RNN for skeleton action recognition on any GPU that wgpu supports, or on the CPU.
//!
//! # The commands as functions
//!
//! Six functions do what the commands of the same names do. Each takes a struct of options, which `new` makes from what is
//! required, and reports its progress to a closure.
//!
//! ```
//! use sinew::{EvaluateOptions, ExportOptions, PredictOptions, PrepareOptions, ResumeOptions, TrainOptions};
//! use sinew::{Preset, Settings, evaluate, export, predict, prepare, resume, train};
//!
//! # fn main() -> sinew::Result<()> {
//! # let folder = tempfile::tempdir().expect("a folder");
//! # let [clips, data, run, weights] =
//! #     ["clips.zip", "data", "run", "weights.safetensors"].map(|name| folder.path().join(name));
//! # let out = clips.clone();
//! # let synthetic = sinew::formats::synth::SynthOptions { out, clips: Some(24), classes: 2, seed: 0, like: None };
//! # sinew::formats::synth::write(&synthetic, &mut |_, _| Ok(()))?;
//! // An archive of NTU RGB+D, SBU, or a folder of your own .npy arrays.
//! let summary = prepare(&PrepareOptions::new([&clips], &data), &mut |_| {})?;
//! println!("{} clips", summary.counts.clips);
//!
//! let sets = ["run.protocol=xsub", "model.hidden=8", "data.frames=12", "train.epochs=2"];
//! let settings = Settings::layered(Preset::Sinew, None, &sets)?;
//! let mut options = TrainOptions::new(&data, &run, settings);
//! # options.device = sinew::DeviceChoice::Cpu;
//! train(&options, &mut |event| {
//!     if let sinew::train::Event::Epoch { metrics, .. } = event {
//!         println!("epoch {}: loss {:.3}", metrics.epoch, metrics.loss);
//!     }
//! })?;
//!
//! let mut options = ResumeOptions::new(&run);
//! options.settings = vec!["train.epochs=3".into()];
//! resume(&options, &mut |_| {})?;
//!
//! let report = evaluate(&EvaluateOptions::new(&run), &mut |_| {})?.report;
//! println!("top-1 {:.3}, mean class accuracy {:.3}", report.top1, report.mean_class);
//!
//! for prediction in predict(&PredictOptions::new(&run, [&clips]), &mut |_| {})?.clips {
//!     let best = &prediction.classes[0];
//!     println!("{}: {} ({:.2})", prediction.clip, best.name, best.probability);
//! }
//!
//! export(&ExportOptions::new(&run, &weights), &mut |_| {})?;
//! # Ok(())
//! # }
//! ```
//!
//! # Data in memory
//!
//! [`prepare::Collection`] makes prepared data of arrays that a program has in memory, and [`predict::Predictor`] scores
//! clips in memory. `examples/own_data` in full:
//!
//! ```ignore
#![doc = include_str!("../examples/own_data/main.rs")]
//! ```
//!
//! # Other parts
//!
//! - [`lstm`]: the LSTM layer for other Burn models, with kernels in WGSL.
//! - [`crossval`], [`check`], [`report`]: the commands of these names.
//! - [`settings`], [`device`], [`skeleton`], [`shards`]: settings, devices, skeleton layouts, and prepared data on disk.
//! - [`train::Session`]: a training that a program drives itself.
//!
//! Errors are one type, [`Error`], whose variants a program can match on. The library writes nothing to the terminal,
//! catches no signals, and changes no process-wide state, except that one thread pool (rayon's) is shared by all.
#![warn(missing_docs)]

#[doc(hidden)]
pub mod bench;
pub mod check;
#[doc(hidden)]
pub mod cli;
pub mod crossval;
pub mod device;
pub mod error;
pub mod evaluate;
mod event;
pub mod export;
#[doc(hidden)]
pub mod files;
#[doc(hidden)]
pub mod formats;
#[doc(hidden)]
pub mod limits;
#[doc(hidden)]
pub mod loader;
pub mod lstm;
pub mod model;
pub mod predict;
pub mod prepare;
#[doc(hidden)]
pub mod process;
pub mod report;
#[doc(hidden)]
pub mod rng;
#[doc(hidden)]
pub mod scores;
pub mod settings;
pub mod shards;
pub mod skeleton;
mod text;
pub mod train;
pub mod weights;

pub use device::Choice as DeviceChoice;
pub use error::{Error, Result, Warning};
pub use evaluate::{EvaluateOptions, Evaluation, evaluate};
pub use event::Event;
pub use export::{ExportOptions, export};
pub use predict::{PredictOptions, Prediction, Predictions, predict};
pub use prepare::{PrepareOptions, PrepareSummary, prepare};
pub use settings::{Preset, Protocol, Settings};
pub use skeleton::{Clip, Layout};
pub use train::{ResumeOptions, TrainOptions, TrainSummary, resume, train};

/// Compiles the examples of the README with the documentation's.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
