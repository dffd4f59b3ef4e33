//! One recording: the joints of every tracked body over time, and what is known about it.

use serde::{Deserialize, Serialize};
use std::ops::Range;

/// What a source says about a clip beside its class. What it does not say is none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct About {
    /// Performer (NTU RGB+D, 1-based).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub performer: Option<u32>,
    /// Camera (1-based).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub camera: Option<u32>,
    /// Camera setup (1-based).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setup: Option<u32>,
    /// Replication (NTU RGB+D, 1-based).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replication: Option<u32>,
    /// The two people, in order (SBU, 1-based).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pair: Option<[u32; 2]>,
    /// The person, by any name (own clips).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// `train`, `val` or `test` (own clips).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
}

impl About {
    /// Of a clip of one's own, that it belongs to `train`, `val` or `test`.
    #[must_use]
    pub fn in_split(split: &str) -> Self {
        About {
            split: Some(split.into()),
            ..About::default()
        }
    }
}

/// One clip: coordinates [bodies, frames, joints, 3] in the source's unit, before any normalisation. A frame
/// without a body is NaN throughout; bodies are in the order in which they first appear.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Clip {
    /// The clip's name in its source.
    pub name: String,
    /// Class index.
    pub label: usize,
    /// Tracked bodies.
    pub bodies: usize,
    /// Frames, those without any body included.
    pub frames: usize,
    /// Joints of a body.
    pub joints: usize,
    /// Coordinates, [bodies, frames, joints, 3].
    pub data: Vec<f32>,
}

impl Clip {
    /// Numbers of one frame of one body.
    #[must_use]
    pub fn stride(&self) -> usize {
        self.joints * 3
    }

    /// All frames of a body, [frames, joints, 3].
    ///
    /// # Panics
    /// Where there is no such body.
    #[must_use]
    pub fn body(&self, body: usize) -> &[f32] {
        let size = self.frames * self.stride();
        &self.data[body * size..(body + 1) * size]
    }

    /// One frame of a body, [joints, 3].
    ///
    /// # Panics
    /// Where there is no such body or frame.
    #[must_use]
    pub fn frame(&self, body: usize, frame: usize) -> &[f32] {
        assert!(frame < self.frames, "frame {frame} of {}", self.frames);
        let start = (body * self.frames + frame) * self.stride();
        &self.data[start..start + self.stride()]
    }

    /// True where the body was tracked in the frame: any of its coordinates is a number.
    ///
    /// # Panics
    /// Where there is no such body or frame.
    #[must_use]
    pub fn present(&self, body: usize, frame: usize) -> bool {
        self.frame(body, frame).iter().any(|x| !x.is_nan())
    }

    /// Some of the frames as a clip of its own; none beyond the end.
    #[must_use]
    pub fn part(&self, frames: Range<usize>) -> Clip {
        let end = frames.end.min(self.frames);
        let (start, size) = (frames.start.min(end), self.stride());
        let bodies = (0..self.bodies).flat_map(|body| &self.body(body)[start * size..end * size]);
        Clip {
            name: self.name.clone(),
            frames: end - start,
            data: bodies.copied().collect(),
            ..*self
        }
    }

    /// First and last frame in which a body is present; none for a body that never is.
    ///
    /// # Panics
    /// Where there is no such body.
    #[must_use]
    pub fn span(&self, body: usize) -> Option<[usize; 2]> {
        let first = (0..self.frames).find(|frame| self.present(body, *frame))?;
        let last = (0..self.frames)
            .rev()
            .find(|frame| self.present(body, *frame))?;
        Some([first, last])
    }
}
