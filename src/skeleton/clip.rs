//! A clip: the joints of every tracked body over time, and its metadata.

use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Metadata of a clip other than its class. Fields that the source does not state are `None`.
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
    /// The two people in order (SBU, 1-based).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pair: Option<[u32; 2]>,
    /// Name of the person (dataset type `clips`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// `train`, `val` or `test` (dataset type `clips`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
}

impl About {
    /// Metadata of a clip of which only the split is known: `train`, `val` or `test`.
    #[must_use]
    pub fn in_split(split: &str) -> Self {
        About {
            split: Some(split.into()),
            ..About::default()
        }
    }
}

/// One clip: coordinates [bodies, frames, joints, 3] in the source's unit, before any normalisation. Frames without a body
/// are all NaN for that body. Bodies are in the order of their first appearance.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Clip {
    /// Name of the clip in its source.
    pub name: String,
    /// Class index.
    pub label: usize,
    /// Number of tracked bodies.
    pub bodies: usize,
    /// Number of frames, including those without bodies.
    pub frames: usize,
    /// Number of joints per body.
    pub joints: usize,
    /// Coordinates, [bodies, frames, joints, 3].
    pub data: Vec<f32>,
}

impl Clip {
    /// Number of values in one frame of one body.
    #[must_use]
    pub fn stride(&self) -> usize {
        self.joints * 3
    }

    /// All frames of a body, [frames, joints, 3].
    ///
    /// # Panics
    /// If there is no such body.
    #[must_use]
    pub fn body(&self, body: usize) -> &[f32] {
        let size = self.frames * self.stride();
        &self.data[body * size..(body + 1) * size]
    }

    /// One frame of a body, [joints, 3].
    ///
    /// # Panics
    /// If there is no such body or frame.
    #[must_use]
    pub fn frame(&self, body: usize, frame: usize) -> &[f32] {
        assert!(frame < self.frames, "frame {frame} of {}", self.frames);
        let start = (body * self.frames + frame) * self.stride();
        &self.data[start..start + self.stride()]
    }

    /// Whether the body was tracked in the frame, that is, at least one of its coordinates is not NaN.
    ///
    /// # Panics
    /// If there is no such body or frame.
    #[must_use]
    pub fn present(&self, body: usize, frame: usize) -> bool {
        self.frame(body, frame).iter().any(|x| !x.is_nan())
    }

    /// A range of frames as a new clip. The range is clamped to the length of the clip.
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

    /// First and last frame in which a body is present; `None` if it never is.
    ///
    /// # Panics
    /// If there is no such body.
    #[must_use]
    pub fn span(&self, body: usize) -> Option<[usize; 2]> {
        let first = (0..self.frames).find(|frame| self.present(body, *frame))?;
        let last = (0..self.frames)
            .rev()
            .find(|frame| self.present(body, *frame))?;
        Some([first, last])
    }
}
