//! A trained model that scores single clips, as a whole or window by window.

use super::dump::Dump;
use super::windows::windows;
use crate::device::Compute;
use crate::error::{Error, Result};
use crate::loader::from_clip;
use crate::model::TwoStream;
use crate::scores::{Evaluator, mean_rows, ranking};
use crate::skeleton::Clip;
use crate::train::inference_context;
use crate::weights::{Lengths, Weights};
use crate::{lstm::Context, settings::People};
use burn::tensor::Device;
use serde::Serialize;
use std::ops::Range;

/// The prediction for one clip.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Prediction {
    /// The clip's name.
    pub clip: String,
    /// Its length in frames.
    pub frames: usize,
    /// The most probable classes, of the whole clip or as the mean over the windows.
    pub classes: Vec<ClassProbability>,
    /// The windows; none where the clip was scored as a whole.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<WindowPrediction>,
}

/// The prediction for the frames from `start` up to, but not including, `end`, counted from 0.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct WindowPrediction {
    /// The first frame.
    pub start: usize,
    /// The frame after the last one.
    pub end: usize,
    /// The most probable classes; none where no body is present.
    pub classes: Vec<ClassProbability>,
}

/// A class and its probability.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ClassProbability {
    /// The class's name.
    pub name: String,
    /// From 0 to 1.
    pub probability: f64,
}

/// A trained model on a device, which scores clips one by one: files through [`predict()`](super::predict()), or clips in
/// memory through [`Predictor::predict`].
///
/// ```no_run
/// # fn main() -> sinew::Result<()> {
/// use sinew::{Clip, DeviceChoice, device, predict::Predictor, weights::Weights};
///
/// let weights = Weights::read("weights.safetensors".as_ref())?;
/// let compute = device::open(DeviceChoice::Auto)?;
/// let predictor = Predictor::new(weights, &compute, &mut |warning| eprintln!("{warning}"))?;
/// let (bodies, frames, joints) = (1, 30, 25);
/// let data = vec![0.5; bodies * frames * joints * 3];
/// let clip = Clip { name: "wave".into(), label: 0, bodies, frames, joints, data };
/// println!("{}", predictor.predict(&clip)?.classes[0].name);
/// # Ok(())
/// # }
/// ```
pub struct Predictor {
    weights: Weights,
    model: TwoStream,
    device: Device,
    context: Context,
    /// Classes in a prediction, the most probable first.
    pub top: usize,
    /// Frames of a window. Default: the median length of the training clips, for clips longer than any of them; shorter
    /// clips are scored as a whole.
    pub window: Option<usize>,
    /// Frames from the start of one window to the next; default: a quarter of the window.
    pub stride: Option<usize>,
}

/// Refuses sizes of zero.
pub(super) fn check_sizes(top: usize, window: Option<usize>, stride: Option<usize>) -> Result<()> {
    let sizes = [
        ("--window", window),
        ("--stride", stride),
        ("--top", Some(top)),
    ];
    for (option, size) in sizes {
        if size == Some(0) {
            let what = format!("{option} must be at least 1");
            return Err(Error::usage(what, "leave it out to use the default"));
        }
    }
    Ok(())
}

impl Predictor {
    /// Puts the weights on a device. `warn` receives what differs from the device that they were trained on.
    ///
    /// # Errors
    /// As [`Weights::model`].
    pub fn new(weights: Weights, compute: &Compute, warn: &mut dyn FnMut(String)) -> Result<Self> {
        let model = weights.model(&compute.device)?;
        Ok(Predictor {
            context: inference_context(&weights, compute, warn),
            device: compute.device.clone(),
            weights,
            model,
            top: 5,
            window: None,
            stride: None,
        })
    }

    /// The weights.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// Whether the weights were trained on pairs of people.
    pub(super) fn takes_pairs(&self) -> bool {
        self.weights.settings.data.people == People::Concatenate
    }

    /// Scores a clip, whose joints and unit must be those of [`Weights::layout`].
    ///
    /// # Errors
    /// [`Error::Usage`] where [`Predictor::top`], [`Predictor::window`] or [`Predictor::stride`] is zero;
    /// [`Error::Setting`] for a clip of other joints, one whose data do not fit its sizes, and one without any body;
    /// [`Error::Device`].
    pub fn predict(&self, clip: &Clip) -> Result<Prediction> {
        check_sizes(self.top, self.window, self.stride)?;
        self.predict_into(clip, None)
    }

    /// The same, with every row added to a dump.
    pub(super) fn predict_into(
        &self,
        clip: &Clip,
        mut dump: Option<&mut Dump>,
    ) -> Result<Prediction> {
        self.check(clip)?;
        let Some((window, stride)) = self.sliding(clip.frames) else {
            let probabilities = self.probabilities(clip, dump)?;
            return Ok(self.prediction(clip, &probabilities, Vec::new()));
        };
        let (mut sum, mut scored) = (vec![0.0; self.weights.classes.len()], 0usize);
        let mut all = Vec::new();
        for Range { start, end } in windows(clip.frames, window, stride) {
            let part = clip.part(start..end);
            let classes = if part.data.iter().all(|x| x.is_nan()) {
                Vec::new()
            } else {
                let probabilities = self.probabilities(&part, dump.as_deref_mut())?;
                scored += 1;
                sum.iter_mut()
                    .zip(&probabilities)
                    .for_each(|(s, p)| *s += p);
                self.most_probable(&probabilities)
            };
            all.push(WindowPrediction {
                start,
                end,
                classes,
            });
        }
        if scored == 0 {
            let help = "use a recording with a skeleton";
            return Err(Error::setting("no frame has a skeleton", help));
        }
        sum.iter_mut().for_each(|s| *s /= scored as f64);
        Ok(self.prediction(clip, &sum, all))
    }

    /// Refuses a clip that the model cannot read.
    fn check(&self, clip: &Clip) -> Result<()> {
        let joints = self.weights.layout.len();
        let mut numbers = [clip.bodies, clip.frames, clip.joints, 3].into_iter();
        let numbers = numbers.try_fold(1usize, usize::checked_mul);
        let what = if clip.joints != joints {
            format!(
                "the clip has {} joints, and the weights are for {joints}",
                clip.joints
            )
        } else if numbers != Some(clip.data.len()) {
            let (bodies, frames, data) = (clip.bodies, clip.frames, clip.data.len());
            format!(
                "a clip of {bodies} bodies, {frames} frames and {joints} joints does not have {data} coordinates"
            )
        } else {
            return Ok(());
        };
        let help = "give coordinates [bodies, frames, joints, 3] in the layout of the weights";
        Err(Error::setting(what, help))
    }

    /// Probabilities of a clip, averaged over its people and samplings.
    fn probabilities(&self, clip: &Clip, dump: Option<&mut Dump>) -> Result<Vec<f64>> {
        let settings = &self.weights.settings;
        let batch = from_clip(
            clip,
            &self.weights.layout,
            &settings.data,
            settings.run.seed,
        )?;
        let evaluator = Evaluator {
            model: &self.model,
            device: &self.device,
            context: self.context,
        };
        let all = evaluator.probabilities(&batch)?;
        if let Some(dump) = dump {
            dump.add(&evaluator, &batch)?;
        }
        mean_rows(&all, self.weights.classes.len())
    }

    fn most_probable(&self, probabilities: &[f64]) -> Vec<ClassProbability> {
        let class = |class: usize| ClassProbability {
            name: self.weights.classes[class].clone(),
            probability: probabilities[class],
        };
        let order = ranking(probabilities).into_iter();
        order.take(self.top).map(class).collect()
    }

    /// Frames of a window and from one window to the next, for a clip of so many frames; none where it is scored as a
    /// whole.
    fn sliding(&self, frames: usize) -> Option<(usize, usize)> {
        let long = |l: &Lengths| frames > l.longest;
        let derived = self.weights.lengths.filter(long).map(|l| l.median);
        let window = self.window.or(derived).filter(|window| frames > *window)?;
        Some((window, self.stride.unwrap_or((window / 4).max(1))))
    }

    fn prediction(
        &self,
        clip: &Clip,
        probabilities: &[f64],
        windows: Vec<WindowPrediction>,
    ) -> Prediction {
        Prediction {
            clip: clip.name.clone(),
            frames: clip.frames,
            classes: self.most_probable(probabilities),
            windows,
        }
    }
}
