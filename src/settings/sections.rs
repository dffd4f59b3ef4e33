//! The settings themselves. Every field is a key `section.field` for `--set`, for a settings file and in `config.toml`.

use super::{
    Actors, Centre, ChainJoints, Fusion, KernelPlan, OnDivergence, OptimiserKind, People,
    Precision, Preset, Protocol, Resolved, Sampling, ScheduleKind, Scores, Spatial, Stage,
    Temporal, Threads, Turn,
};
use crate::device::DeviceName;
use serde::{Deserialize, Serialize};

/// All settings. Use it as [`Settings`](super::Settings), as written, or as [`ResolvedSettings`](super::ResolvedSettings).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "toml::Table", bound = "")]
pub struct Sections<S: Stage> {
    /// The run: data, protocol, seed, device.
    pub run: RunSettings<S>,
    /// The two streams.
    pub model: Model<S>,
    /// From a stored clip to an input.
    pub data: Data<S>,
    /// Random changes to training clips.
    pub augment: Augment,
    /// The optimisation.
    pub train: Train<S>,
    /// The learning rate over time.
    pub schedule: Schedule,
}

/// Settings of the run itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
pub struct RunSettings<S: Stage = Resolved> {
    /// A name for people, written into the export; `auto` is the name of the run's folder.
    pub task: S::Open<String>,
    /// The preset that the settings are based on.
    pub preset: Preset,
    /// Folder of the prepared data, which the start of a run fills in; empty in exported weights.
    pub data: S::Open<String>,
    /// Checksum of the prepared data, which the start of a run fills in: a run is resumed with the data that it was started
    /// with.
    pub checksum: S::Open<String>,
    /// Protocol: `xsub`, `xview`, `xsub120`, `xset120`, `fold1` to `fold5`, `split`. It must be named.
    pub protocol: S::Open<Protocol>,
    /// Seed of initial weights, order, augmentation and dropout.
    pub seed: u64,
    /// `cpu`, or the name of the adapter in use, which the start of a run fills in.
    pub device: S::Open<DeviceName>,
    /// Kernel plan of the recurrence: a plan's name, one for each hidden size (`128=resident-16 512=stepwise-64x32`), or
    /// `cpu`; `auto` takes the one that measures fastest.
    pub plan: S::Open<KernelPlan>,
    /// Loader threads; `auto`, or 0, takes all cores.
    pub threads: Threads,
}

/// The two streams.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
pub struct Model<S: Stage = Resolved> {
    /// Temporal stream: `stacked` or `hierarchical`.
    pub temporal: Temporal,
    /// Spatial stream: `chain` or `traversal`.
    pub spatial: Spatial,
    /// Joints of the chain: `as-listed` in the layout, or each joint `once`.
    pub chain_joints: ChainJoints,
    /// `weighted` or `gated`.
    pub fusion: Fusion,
    /// Share of the temporal stream in a weighted fusion, 0 to 1.
    pub fusion_weight: f32,
    /// What a weighted fusion averages: `posteriors` or `logits`.
    pub fusion_scores: Scores,
    /// Hidden units of the stacked, body and spatial layers, per direction; `auto` is 128 below 5,000 training clips, else
    /// 512.
    pub hidden: S::Open<usize>,
    /// Hidden units of each body part's layer, per direction; `auto` is a quarter of `hidden`.
    pub part_hidden: S::Open<usize>,
    /// Both directions, or forward only.
    pub bidirectional: bool,
    /// Peephole cell: the gates also see the cell state.
    pub peephole: bool,
    /// Share of the classifiers' inputs dropped in training.
    pub dropout: f32,
    /// Share of the recurrent hidden units dropped in training, the same ones at every step of a sample.
    pub recurrent_dropout: f32,
}

/// From a stored clip to an input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
pub struct Data<S: Stage = Resolved> {
    /// Steps of an input (T); `auto` is the training clips' median length, at most 100.
    pub frames: S::Open<usize>,
    /// Which frames: `first`, `uniform`, `segments`, `ends`.
    pub sampling: Sampling,
    /// Samplings of a clip whose probabilities are averaged in testing.
    pub test_clips: usize,
    /// Samplings in testing are rotated about the vertical by angles spread evenly in ± this, radians.
    pub test_turn: f32,
    /// Every second sampling in testing has the two people swapped, where they are concatenated.
    pub test_swap: bool,
    /// What is moved to the origin: `none`, `frame`, `first-frame`, `reference`; `auto` is `first-frame` where two people
    /// are concatenated, whose distance carries information, else `frame`.
    pub centre: S::Open<Centre>,
    /// What is rotated to the axes: `none`, `frame`, `first-frame`.
    pub turn: Turn,
    /// `average` or `concatenate`; `auto` concatenates where every training clip has exactly two bodies.
    pub people: S::Open<People>,
    /// `published`, `reference` or `all`; `auto` is `published` for NTU, whose bodies a tracker guessed, else `all`.
    pub actors: S::Open<Actors>,
    /// Adds each joint's offset from its parent to the input.
    pub bones: bool,
    /// Adds each joint's change since the step before to the input.
    pub motion: bool,
    /// Factors of joints, bones and motion in the input; `auto`, for one or all of them, brings the root mean square of the
    /// training clips' to one.
    pub scale: [S::Open<f32>; 3],
}

/// Random changes to training clips; none with all zero and false.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augment {
    /// Largest rotation about x, y and z, radians, drawn uniformly in ±.
    pub rotation: [f32; 3],
    /// Largest relative change of size, drawn for each axis: 0.1 draws from 0.9 to 1.1.
    pub scale: f32,
    /// Largest shear factor, six of them, drawn uniformly in ±.
    pub shear: f32,
    /// Standard deviation of noise on every coordinate, in units of the data.
    pub noise: f32,
    /// Swap left and right with probability 0.5.
    pub mirror: bool,
    /// Swap the two actors with probability 0.5 (when concatenated).
    pub swap: bool,
    /// Largest share of a clip's length that is cut off, at a random place, before its steps are chosen.
    pub crop: f32,
    /// Probability that a clip is changed.
    pub probability: f32,
}

/// The optimisation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
pub struct Train<S: Stage = Resolved> {
    /// Samples of one step on the device; `auto` is 32 below 5,000 training clips, else 256.
    pub batch: S::Open<usize>,
    /// Batches whose gradients are summed before an update.
    pub accumulate: usize,
    /// Samples of one evaluation batch.
    pub eval_batch: usize,
    /// Epochs between evaluations on the validation clips.
    pub eval_every: usize,
    /// Passes over the training clips; `auto` makes 2.4 million samples of them, in 60 to 240 epochs.
    pub epochs: S::Open<usize>,
    /// `f32` or `f16`: number format of what enters a product of the LSTM layers, in training and evaluation. Any device
    /// takes both: f16 is for matrix units (`sinew devices`); what a device lacks stays f32, with a warning. The CPU engine
    /// rounds only the operands of its dense products, and is slower with f16.
    #[serde(default)]
    pub precision: Precision,
    /// `adam`, `adamw`, `sgd`.
    pub optimiser: OptimiserKind,
    /// Highest learning rate.
    pub lr: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Momentum of `sgd`.
    pub momentum: f64,
    /// Nesterov's form of `sgd`.
    pub nesterov: bool,
    /// Largest global norm of the gradient; 0 does not limit it.
    pub clip_norm: f64,
    /// `stop`, `skip`, `back`: what to do after a step whose loss or gradient is NaN or infinite.
    #[serde(default)]
    pub diverged: OnDivergence,
    /// Share of probability spread over all classes in the target.
    pub label_smoothing: f32,
    /// Share of training clips held out to choose the best checkpoint, by people where the data name them; 0 trains on all
    /// clips and keeps the weights of the last epoch; `auto` is 0 below 5,000 training clips, else 0.05.
    pub validation: S::Open<f64>,
    /// Steps between checkpoints within an epoch; 0 saves only at the end of an epoch.
    pub save_every: usize,
    /// Regular checkpoints kept, in addition to the best weights.
    pub keep: usize,
}

/// The learning rate over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// `constant`, `step`, `cosine`.
    pub kind: ScheduleKind,
    /// Epochs between drops (`step`).
    pub step: usize,
    /// Factor of a drop (`step`).
    pub gamma: f64,
    /// Epochs of linear warm-up; may be a fraction.
    pub warmup: f64,
}
