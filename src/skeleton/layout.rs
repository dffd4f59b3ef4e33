//! Skeleton layouts: joints, bones, body parts, and the joint orders of the two streams.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{BuiltIn, check, layout_toml};
use crate::error::{Error, Place, Result};

/// A direction along one axis of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Axis {
    /// Positive x.
    #[serde(rename = "+x")]
    PlusX,
    /// Negative x.
    #[serde(rename = "-x")]
    MinusX,
    /// Positive y.
    #[serde(rename = "+y")]
    PlusY,
    /// Negative y, as in image coordinates, where y grows downwards.
    #[serde(rename = "-y")]
    MinusY,
    /// Positive z.
    #[serde(rename = "+z")]
    PlusZ,
    /// Negative z.
    #[serde(rename = "-z")]
    MinusZ,
}

impl Axis {
    /// The direction as a unit vector [x, y, z].
    #[must_use]
    pub fn vector(self) -> [f32; 3] {
        match self {
            Axis::PlusX => [1.0, 0.0, 0.0],
            Axis::MinusX => [-1.0, 0.0, 0.0],
            Axis::PlusY => [0.0, 1.0, 0.0],
            Axis::MinusY => [0.0, -1.0, 0.0],
            Axis::PlusZ => [0.0, 0.0, 1.0],
            Axis::MinusZ => [0.0, 0.0, -1.0],
        }
    }
}

impl fmt::Display for Axis {
    /// The form used in files, such as `+y`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// The meaning of a joint at exactly (0, 0, 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Zeros {
    /// A joint at the origin.
    #[default]
    Position,
    /// A missing joint, like NaN.
    Missing,
}

impl Zeros {
    /// A word for messages.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Zeros::Position => "positions",
            Zeros::Missing => "missing",
        }
    }
}

/// A body part, which has its own LSTM in the hierarchical temporal stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Name.
    pub name: String,
    /// Joint indices, in the order of the LSTM's input.
    pub joints: Vec<usize>,
}

/// A skeleton layout. All joint indices are 0-based.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// Name of the layout.
    pub name: String,
    /// Joint names, in the order of the data.
    pub joints: Vec<String>,
    /// Bones as `[child, parent]`. They form a tree of all joints.
    pub bones: Vec<[usize; 2]>,
    /// Body parts, in the order in which their outputs are concatenated. Together they contain each joint exactly once.
    pub parts: Vec<Part>,
    /// Joint order of the spatial stream with `model.spatial = "chain"`.
    pub chain: Vec<usize>,
    /// Joint order of the spatial stream with `model.spatial = "traversal"`, which returns through the parents.
    pub traversal: Vec<usize>,
    /// The joint that centring moves to the origin.
    pub centre: usize,
    /// Left end of the shoulder axis.
    pub left_shoulder: usize,
    /// Right end of the shoulder axis.
    pub right_shoulder: usize,
    /// Lower and upper end of the body axis.
    pub spine: [usize; 2],
    /// For each joint, its counterpart when left and right are swapped.
    pub mirror: Vec<usize>,
    /// Unit of the coordinates.
    pub unit: String,
    /// The direction of up.
    pub up: Axis,
    /// Relative lengths of one unit along x, y and z; all equal if the axes share a unit.
    #[serde(default = "one_unit")]
    pub aspect: [u32; 3],
    /// The meaning of a joint at exactly (0, 0, 0). `None`: a position, with a warning if it looks like a missing joint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zeros: Option<Zeros>,
    /// Maximum number of people in an array. `None`: [`Layout::USUAL_PEOPLE`], and not more than frames, since the axes of
    /// such an array are probably swapped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_people: Option<usize>,
}

/// The aspect of axes that share a unit.
pub(super) fn one_unit() -> [u32; 3] {
    [1; 3]
}

impl Layout {
    /// NTU RGB+D: the 25 joints of Kinect v2, in metres, y up.
    #[must_use]
    pub fn ntu25() -> Self {
        built_in("ntu25")
    }

    /// Kinect v1: 20 joints in the order of its SDK, in metres, y up.
    #[must_use]
    pub fn kinect20() -> Self {
        built_in("kinect20")
    }

    /// SBU Kinect Interaction: 15 joints, normalised image coordinates, y down.
    #[must_use]
    pub fn sbu15() -> Self {
        built_in("sbu15")
    }

    /// COCO: 17 image keypoints, in pixels, y down.
    #[must_use]
    pub fn coco17() -> Self {
        built_in("coco17")
    }

    /// Parses a layout from TOML, in one of two forms:
    ///
    /// - `layout = "…"` with the name of a [`BuiltIn`] layout, optionally with `unit`, `up`, `aspect`, `zeros` and
    ///   `most_people` to override its values;
    /// - `name`, `joints`, `bones`, `unit` and `up`. The optional keys `parts`, `chain`, `traversal`, `centre`,
    ///   `left_shoulder`, `right_shoulder`, `spine` and `mirror` default to values derived from the bones and joint names.
    ///
    /// # Errors
    /// [`Error::Input`](crate::Error::Input) at `place` with the line for invalid TOML, an unknown or missing key, an unknown
    /// built-in layout, an index without a joint, bones that do not form a tree, and parts that do not contain each joint
    /// exactly once.
    pub fn from_toml(text: &str, place: &Place) -> Result<Self> {
        layout_toml::parse(text, place)
    }

    /// Number of joints.
    #[must_use]
    pub fn len(&self) -> usize {
        self.joints.len()
    }

    /// Whether there are no joints; never true for a valid layout.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.joints.is_empty()
    }

    /// The parent of each joint; `None` for the root.
    #[must_use]
    pub fn parents(&self) -> Vec<Option<usize>> {
        let mut parents = vec![None; self.len()];
        for &[child, parent] in &self.bones {
            if let Some(slot) = parents.get_mut(child) {
                *slot = Some(parent);
            }
        }
        parents
    }

    /// Validates the layout. Required before the indices of a layout are used that was not made by [`Layout::from_toml`].
    ///
    /// # Errors
    /// The key at fault, and what is wrong with it.
    pub fn check(&self) -> std::result::Result<(), (&'static str, String)> {
        check::check_layout(self).map_err(|fault| (fault.key, fault.what))
    }

    /// Maximum number of joints; whole-body models with hands and face have far fewer.
    pub const MOST_JOINTS: usize = 1024;

    /// Maximum number of people in an array without [`Layout::most_people`]: what Kinect v2 tracks.
    pub const USUAL_PEOPLE: usize = 6;
}

/// A built-in layout that is known to exist.
fn built_in(name: &str) -> Layout {
    BuiltIn::named(name).expect("a built-in layout").layout()
}

impl std::str::FromStr for Layout {
    type Err = Error;

    /// Reads the text of a `layout.toml`, as [`Layout::from_toml`].
    fn from_str(text: &str) -> Result<Self> {
        Layout::from_toml(text, &Place::file("the layout"))
    }
}
