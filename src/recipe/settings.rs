//! The settings themselves. Every field is a key `section.field` for `--set`, a recipe file and `config.toml`.

use serde::{Deserialize, Serialize};

/// Everything that decides a training run, device and kernel plan included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// What the run is: data, protocol, seed, device.
    pub run: Run,
    /// The two streams.
    pub model: Model,
    /// From a stored clip to an input.
    pub data: Data,
    /// Random changes of training clips.
    pub augment: Augment,
    /// The optimisation.
    pub train: Train,
    /// The learning rate over time.
    pub schedule: Schedule,
}

/// What the run is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// A name for people, written into the export.
    pub task: String,
    /// The preset that the settings started from.
    pub preset: String,
    /// Folder of prepared data.
    pub data: String,
    /// Checksum of the prepared data, so that a run goes on with the data it began with.
    pub checksum: String,
    /// Protocol: `xsub`, `xview`, `xsub120`, `xset120`, `fold1` to `fold5`, `split`.
    pub protocol: String,
    /// Seed of initial weights, order, augmentation and dropout.
    pub seed: u64,
    /// `cpu`, or the name of the adapter in use.
    pub device: String,
    /// Kernel plan of the recurrence: a plan's name, one for each hidden size (`128=resident-16 512=stepwise-64x32`),
    /// or `cpu`.
    pub plan: String,
    /// Loader threads; 0 takes all cores.
    pub threads: usize,
}

/// The temporal stream's shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Temporal {
    /// Two LSTM layers over all joints.
    Stacked,
    /// One LSTM a body part, their outputs into a body LSTM.
    Hierarchical,
}

/// The spatial stream's order of joints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spatial {
    /// Arms, trunk, legs.
    Chain,
    /// A walk over the body graph that comes back.
    Traversal,
}

/// How the two streams' scores become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fusion {
    /// A fixed weight.
    Weighted,
    /// Two learnt scalar gates.
    Gated,
}

/// What a fixed weight averages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scores {
    /// Softmax posteriors; each stream learns by its own loss (Wang & Wang 2017).
    Posteriors,
    /// Raw logits, one loss on the fused scores (the PyTorch re-implementation).
    Logits,
}

/// The two streams.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Temporal stream: `stacked` or `hierarchical`.
    pub temporal: Temporal,
    /// Spatial stream: `chain` or `traversal`.
    pub spatial: Spatial,
    /// `weighted` or `gated`.
    pub fusion: Fusion,
    /// Share of the temporal stream in a weighted fusion, 0 to 1.
    pub fusion_weight: f32,
    /// What a weighted fusion averages: `posteriors` or `logits`.
    pub fusion_scores: Scores,
    /// Hidden units of the stacked, body and spatial layers, a direction; 0 is filled in from the data.
    pub hidden: usize,
    /// Hidden units of each body part's layer, a direction; 0 is a quarter of `hidden`.
    pub part_hidden: usize,
    /// Both directions, or forward alone.
    pub bidirectional: bool,
    /// Peephole cell: the gates also see the cell state.
    pub peephole: bool,
    /// Share of the readout's inputs dropped in training.
    pub dropout: f32,
    /// Share of the hidden units that a sample's recurrence does without in training, the same at every step.
    pub recurrent_dropout: f32,
}

/// Which frames of a clip become the T steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sampling {
    /// The first T frames; a shorter clip is padded in front with zeros.
    First,
    /// T frames spread evenly over the clip.
    Uniform,
    /// T equal segments, one frame from each: random in training, the middle or several draws in testing.
    Segments,
    /// Training: the first T and the last T of a longer clip are two samples; testing: the first T.
    Ends,
}

/// What is moved to the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Centre {
    /// Coordinates as they are.
    None,
    /// The centre joint of each frame.
    Frame,
    /// The first valid frame's centre joint, for the whole clip.
    FirstFrame,
    /// The superseded re-implementation's: arms and the rest about their own means, then one scale a sample.
    Reference,
    /// `first-frame` where two people are concatenated, whose way is part of what they do, else `frame`; a run's start
    /// decides.
    Auto,
}

/// What is turned so that the shoulders lie along x and the body axis along y.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Turn {
    /// Nothing.
    None,
    /// Each frame by itself.
    Frame,
    /// The whole clip by its first valid frame.
    FirstFrame,
}

/// What becomes of a clip's two actors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum People {
    /// Each is a sample; probabilities are averaged.
    Average,
    /// One sample; each joint carries both actors' coordinates.
    Concatenate,
    /// Concatenate where every training clip has exactly two bodies, else average; a run's start decides.
    Auto,
}

/// Which tracked bodies are actors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Actors {
    /// The published denoising rule of CTR-GCN, VA-NN and SGN.
    Published,
    /// The superseded re-implementation's: every body that moves.
    Reference,
    /// Every body in the clip's order.
    All,
    /// `published` where a tracker guessed the bodies (NTU), `all` where they are people; a run's start decides.
    Auto,
}

/// From a stored clip to an input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// Steps of an input (T); 0 takes the training clips' median length, at most 100.
    pub frames: usize,
    /// Which frames: `first`, `uniform`, `segments`, `ends`.
    pub sampling: Sampling,
    /// Samplings of a clip whose probabilities are averaged in testing.
    pub test_clips: usize,
    /// Samplings in testing are turned about the vertical by angles spread evenly in ± this, radians.
    pub test_turn: f32,
    /// Every second sampling in testing has the two people swapped, where they are concatenated.
    pub test_swap: bool,
    /// What is moved to the origin: `none`, `frame`, `first-frame`, `reference`, `auto`.
    pub centre: Centre,
    /// What is turned to the axes: `none`, `frame`, `first-frame`.
    pub turn: Turn,
    /// `average`, `concatenate` or `auto`.
    pub people: People,
    /// `published`, `reference`, `all` or `auto`.
    pub actors: Actors,
    /// Adds each joint's offset from its parent to the input.
    pub bones: bool,
    /// Adds each joint's change since the step before to the input.
    pub motion: bool,
    /// Factors of joints, bones and motion in the input; a 0 is filled in so that the training clips' are of size one.
    pub scale: [f32; 3],
}

/// Random changes of training clips; all zero and false: none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augment {
    /// Largest rotation about x, y and z, radians, drawn uniformly in ±.
    pub rotation: [f32; 3],
    /// Largest relative change of size, an axis each: 0.1 draws from 0.9 to 1.1.
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
    /// Probability that a clip is changed at all.
    pub probability: f32,
}

/// The optimiser's rule, with PyTorch's meaning and defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Optimiser {
    /// Adam, L2 weight decay.
    Adam,
    /// AdamW, decoupled weight decay.
    Adamw,
    /// SGD with momentum.
    Sgd,
}

pub use crate::lstm::Precision;

/// What becomes of a step whose loss or gradient is NaN or infinite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Diverged {
    /// The run ends, and the step's clips are named.
    #[default]
    Stop,
    /// The step changes nothing, and its clips are named; ten such steps on end stop the run. Each step waits for its
    /// gradient, so that the device idles between steps.
    Skip,
    /// The run goes back to the last regular checkpoint and on from there at half the rate; the fourth time it stops.
    Back,
}

/// The optimisation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Train {
    /// Samples of one step on the device; 0 is filled in from the data.
    pub batch: usize,
    /// Batches whose gradients are summed before an update.
    pub accumulate: usize,
    /// Samples of one evaluation batch.
    pub eval_batch: usize,
    /// Epochs between evaluations on the validation clips.
    pub eval_every: usize,
    /// Passes over the training clips; 0 is filled in from the data.
    pub epochs: usize,
    /// `f32` or `f16`: number format of what enters a product of the LSTM layers, in training and evaluation. Any device
    /// takes both: f16 is for matrix units (`sinew devices`); what a device lacks stays f32, and a line says so. The CPU
    /// engine rounds the operands of its dense products alone, and is slower for it.
    #[serde(default)]
    pub precision: Precision,
    /// `adam`, `adamw`, `sgd`.
    pub optimiser: Optimiser,
    /// Learning rate at its highest.
    pub lr: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Momentum of `sgd`.
    pub momentum: f64,
    /// Nesterov's form of `sgd`.
    pub nesterov: bool,
    /// Largest global norm of the gradient; 0 leaves it as it is.
    pub clip_norm: f64,
    /// `stop`, `skip`, `back`: what becomes of a step whose loss or gradient is NaN or infinite.
    #[serde(default)]
    pub diverged: Diverged,
    /// Share of probability spread over all classes in the target.
    pub label_smoothing: f32,
    /// Share of training clips held out to choose the best checkpoint, by people where the data knows them; 0 trains on
    /// everything, so that the last epoch counts; -1 is filled in from the data.
    pub validation: f64,
    /// Steps between checkpoints within an epoch; 0 saves at epoch ends alone.
    pub save_every: usize,
    /// Regular checkpoints kept, beside the best weights.
    pub keep: usize,
}

/// The rate's course.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScheduleKind {
    /// The same rate throughout.
    Constant,
    /// Times `gamma` every `step` epochs.
    Step,
    /// Half a cosine down to zero over all steps.
    Cosine,
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
    /// Epochs of linear rise at the start; fractions are fine.
    pub warmup: f64,
}
