//! One sample becomes one row of a batch.

use super::augment::Change;
use super::{Sequence, augment, features, people, purpose, sampling, transforms};
use crate::error::{Error, Result};
use crate::rng::Rng;
use crate::settings::{Augment, Data};
use crate::skeleton::{Clip, Layout};

/// Samples that go through the model together.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// Inputs [rows, frames, joints, channels] in C order; [`features::write`] says what the channels are.
    pub x: Vec<f32>,
    /// Class of each row.
    pub labels: Vec<usize>,
    /// Clip of each row, as the prepared data number it; rows of one clip are its people and samplings.
    pub clips: Vec<usize>,
    /// Steps of a row (T).
    pub frames: usize,
    /// Joints of a step.
    pub joints: usize,
    /// Numbers of a joint.
    pub channels: usize,
    /// Rows of the global batch before these, which other ranks have.
    pub before: usize,
    /// Rows of the global batch behind these, likewise.
    pub after: usize,
}

impl Batch {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Rows of the global batch, of which these are a share.
    #[must_use]
    pub fn global(&self) -> usize {
        self.before + self.len() + self.after
    }

    /// True without rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }
}

/// All rows of one clip as evaluation sees it, for a clip that is in no prepared data. Its number is 0.
///
/// # Errors
/// [`Error::Setting`] for a layout with another number of joints than the clip, and what [`transforms::centre`] refuses.
pub fn from_clip(clip: &Clip, layout: &Layout, data: &Data, seed: u64) -> Result<Batch> {
    let maker = Maker::new(layout.clone(), data.clone(), None, seed);
    let sequences = maker.sequences(clip)?;
    let lengths: Vec<usize> = sequences.iter().map(|s| s.frames).collect();
    let mut batch = maker.batch();
    for person in people::used(&lengths, data.sampling, false) {
        for number in 0..sampling::draws(data.sampling, data.test_clips) {
            let sample = Sample {
                clip: 0,
                person,
                number,
            };
            if let Some(sequence) = sequences.get(person) {
                maker.write(sequence, sample, clip.label, None, &mut batch);
            }
        }
    }
    Ok(batch)
}

/// Which sample of which clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sample {
    pub clip: usize,
    /// Which of the clip's sequences.
    pub person: usize,
    /// Window in training, draw in testing.
    pub number: usize,
}

/// Everything that turns a clip into rows.
#[derive(Debug)]
pub(super) struct Maker {
    pub layout: Layout,
    pub data: Data,
    /// Only training has it, also when it changes nothing.
    pub augment: Option<Augment>,
    pub seed: u64,
    parents: Vec<Option<usize>>,
    /// What each channel is multiplied by.
    factors: Vec<f32>,
}

impl Maker {
    pub fn new(layout: Layout, data: Data, augment: Option<Augment>, seed: u64) -> Self {
        let (parents, factors) = (layout.parents(), features::factors(&data));
        Maker {
            layout,
            data,
            augment,
            seed,
            parents,
            factors,
        }
    }

    /// A batch without rows.
    pub fn batch(&self) -> Batch {
        let (frames, joints, channels) = (
            self.data.frames,
            self.layout.len(),
            features::channels(&self.data),
        );
        Batch {
            frames,
            joints,
            channels,
            ..Batch::default()
        }
    }

    /// A clip's sequences, centred and turned.
    pub fn sequences(&self, clip: &Clip) -> Result<Vec<Sequence>> {
        if clip.joints != self.layout.len() {
            let (has, layout) = (clip.joints, &self.layout);
            let what = format!(
                "clip {} has {has} joints and the layout {} has {}",
                clip.name,
                layout.name,
                layout.len()
            );
            return Err(Error::setting(
                what,
                "use a clip of the skeleton that the model was trained on",
            ));
        }
        let mut sequences = people::sequences(clip, &self.data);
        let aspect = self.layout.aspect;
        for sequence in &mut sequences {
            transforms::equalise(sequence, aspect);
            transforms::centre(sequence, &self.layout, self.data.centre)?;
            transforms::turn(sequence, &self.layout, self.data.turn);
        }
        Ok(sequences)
    }

    /// Appends the row of a sample; `epoch` is none in testing.
    pub fn write(
        &self,
        sequence: &Sequence,
        sample: Sample,
        label: usize,
        epoch: Option<u64>,
        batch: &mut Batch,
    ) {
        let [clip, person, number] = [sample.clip, sample.person, sample.number].map(|n| n as u64);
        let draws = sampling::draws(self.data.sampling, self.data.test_clips);
        let (mut rng, of) = match epoch {
            Some(epoch) => (
                Rng::new(self.seed, &[purpose::TRAIN, epoch, clip, person, number]),
                1,
            ),
            // One draw for all of a clip's people, so that their steps show the same moments.
            None => (Rng::new(self.seed, &[purpose::TEST, clip, number]), draws),
        };
        let (start, length) = match (epoch, &self.augment) {
            (Some(_), Some(settings)) => augment::crop(settings, sequence.frames, &mut rng),
            _ => (0, sequence.frames),
        };
        let random = (epoch.is_some() || draws > 1).then_some(&mut rng);
        let which = (sample.number, of);
        let mut indices =
            sampling::indices(self.data.sampling, length, self.data.frames, which, random);
        indices
            .iter_mut()
            .flatten()
            .for_each(|frame| *frame += start);
        let mut taken = sequence.take(&indices);
        if epoch.is_none() {
            augment::test_copy(&mut taken, &self.layout, &self.data, which);
        }
        if let (Some(_), Some(settings)) = (epoch, &self.augment)
            && let Some(change) = Change::draw(settings, &mut rng)
        {
            change.apply(&mut taken, &self.layout, &mut rng);
        }
        let start = batch.x.len();
        features::write(
            &taken,
            &self.parents,
            self.data.bones,
            self.data.motion,
            &mut batch.x,
        );
        let factors = self.factors.iter().cycle();
        for (x, factor) in batch.x.iter_mut().skip(start).zip(factors) {
            *x *= factor;
        }
        batch.labels.push(label);
        batch.clips.push(sample.clip);
    }
}
