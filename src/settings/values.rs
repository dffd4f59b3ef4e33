//! Values that settings of the model, the data and the training take by name.

use serde::{Deserialize, Serialize};

/// The temporal stream's layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Temporal {
    /// Two LSTM layers over all joints.
    Stacked,
    /// One LSTM per body part; their outputs are the input of one body LSTM.
    Hierarchical,
}

/// The spatial stream's order of joints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spatial {
    /// Arms, trunk, legs.
    Chain,
    /// A traversal of the body graph that returns to its root.
    Traversal,
}

/// Which joints the spatial stream's chain visits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChainJoints {
    /// Those of the layout's chain, in which a joint may come twice.
    AsListed,
    /// Each joint once, at its last place in the layout's chain: a joint of the trunk that arms share stays in the trunk.
    Once,
}

impl ChainJoints {
    /// Its name in settings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ChainJoints::AsListed => "as-listed",
            ChainJoints::Once => "once",
        }
    }
}

/// How the two streams' scores are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fusion {
    /// A fixed weight.
    Weighted,
    /// Two learned scalar gates.
    Gated,
}

/// What a weighted fusion averages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scores {
    /// Softmax posteriors; each stream is trained with its own loss (Wang & Wang 2017).
    Posteriors,
    /// Raw logits, one loss on the fused scores (the PyTorch re-implementation).
    Logits,
}

/// Which frames of a clip become the T steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sampling {
    /// The first T frames; a shorter clip is padded in front with zeros.
    First,
    /// T frames spread evenly over the clip.
    Uniform,
    /// T equal segments, one frame from each: a random one in training, the middle one or several draws in testing.
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
    /// The superseded re-implementation's: arms and the rest about their own means, then one scale per sample.
    Reference,
}

/// What is rotated so that the shoulders lie along x and the body axis along y.
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

/// How a clip's two actors become samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum People {
    /// Each is a sample; probabilities are averaged.
    Average,
    /// One sample; each joint carries both actors' coordinates.
    Concatenate,
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
}

/// The optimiser's rule, with PyTorch's meaning and defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptimiserKind {
    /// Adam, L2 weight decay.
    Adam,
    /// AdamW, decoupled weight decay.
    Adamw,
    /// SGD with momentum.
    Sgd,
}

pub use crate::lstm::Precision;

/// What to do after a step whose loss or gradient is NaN or infinite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnDivergence {
    /// End the run and name the step's clips.
    #[default]
    Stop,
    /// Discard the step and name its clips; ten such steps in a row end the run. Each step waits for its gradient, so the
    /// device idles between steps.
    Skip,
    /// Return to the last regular checkpoint and continue at half the learning rate; the fourth time, end the run.
    Back,
}

/// How the learning rate changes over the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScheduleKind {
    /// Constant.
    Constant,
    /// Multiplied by `gamma` every `step` epochs.
    Step,
    /// Half a cosine from its highest value to zero, over all steps.
    Cosine,
}
