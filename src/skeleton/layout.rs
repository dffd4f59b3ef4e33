//! The joints of a body, the bones between them, and the orders in which the two streams read them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{BuiltIn, check, layout_toml};
use crate::error::{Error, Place, Result};

/// A direction along one axis of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Axis {
    /// Along x.
    #[serde(rename = "+x")]
    PlusX,
    /// Against x.
    #[serde(rename = "-x")]
    MinusX,
    /// Along y.
    #[serde(rename = "+y")]
    PlusY,
    /// Against y: image coordinates, where y grows downwards.
    #[serde(rename = "-y")]
    MinusY,
    /// Along z.
    #[serde(rename = "+z")]
    PlusZ,
    /// Against z.
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
    /// As files have it: `+y`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// What a joint at exactly (0, 0, 0) is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Zeros {
    /// A joint at the origin.
    #[default]
    Position,
    /// A joint that was not found, as NaN is.
    Missing,
}

impl Zeros {
    /// What such a joint is, in a word or two.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Zeros::Position => "positions",
            Zeros::Missing => "missing",
        }
    }
}

/// A part of the body that the hierarchical stream gives an LSTM of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// What it is called.
    pub name: String,
    /// Its joints, in the order of the LSTM's input.
    pub joints: Vec<usize>,
}

/// The joints of a body and everything that follows from how they hang together. All indices are 0-based.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// What the layout is called.
    pub name: String,
    /// Joint names, in the order of the data.
    pub joints: Vec<String>,
    /// `[child, parent]`: a tree, one bone fewer than joints.
    pub bones: Vec<[usize; 2]>,
    /// Body parts in the order of their concatenation; together each joint once.
    pub parts: Vec<Part>,
    /// Order of the spatial stream's chain.
    pub chain: Vec<usize>,
    /// Order of the spatial stream's traversal, a walk that comes back.
    pub traversal: Vec<usize>,
    /// The joint that centring moves to the origin.
    pub centre: usize,
    /// End of the shoulder axis on the left.
    pub left_shoulder: usize,
    /// End of the shoulder axis on the right.
    pub right_shoulder: usize,
    /// Lower and upper end of the body axis.
    pub spine: [usize; 2],
    /// For each joint, the one that takes its place when left and right are swapped.
    pub mirror: Vec<usize>,
    /// Unit of the coordinates.
    pub unit: String,
    /// Which way is up.
    pub up: Axis,
    /// Lengths of one unit of x, y and z beside each other; equal ones where all axes share a unit.
    #[serde(default = "one_unit")]
    pub aspect: [u32; 3],
    /// What a joint at exactly (0, 0, 0) is in arrays of this layout. None: a position, with a warning where it looks
    /// like a missing joint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zeros: Option<Zeros>,
    /// Most people of an array of this layout. None: [`Layout::USUAL_PEOPLE`], and no more than it has frames, because an
    /// array with more has probably its axes swapped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_people: Option<usize>,
}

/// All axes share a unit.
pub(super) fn one_unit() -> [u32; 3] {
    [1; 3]
}

impl Layout {
    /// NTU RGB+D: the 25 joints of Kinect v2, metres, y up.
    #[must_use]
    pub fn ntu25() -> Self {
        built_in("ntu25")
    }

    /// Kinect v1: 20 joints in the order of its SDK, metres, y up.
    #[must_use]
    pub fn kinect20() -> Self {
        built_in("kinect20")
    }

    /// SBU Kinect Interaction: 15 joints, normalised image positions with y down.
    #[must_use]
    pub fn sbu15() -> Self {
        built_in("sbu15")
    }

    /// COCO: 17 keypoints of a picture, pixels with y down.
    #[must_use]
    pub fn coco17() -> Self {
        built_in("coco17")
    }

    /// Reads a layout from TOML: either `layout = "…"`, the name of a [`BuiltIn`] one, or the joints themselves. Then
    /// `name`, `joints`, `bones`, `unit` and `up` must be there; what else is not named (`parts`, `chain`, `traversal`,
    /// `centre`, `left_shoulder`, `right_shoulder`, `spine`, `mirror`) is derived from the bones and the joint names.
    /// Beside the name of a built-in layout `unit`, `up`, `aspect`, `zeros` and `most_people` may stand.
    ///
    /// # Errors
    /// Not TOML, an unknown or missing key, no built-in layout of that name, an index without a joint, bones that are no
    /// tree, parts that don't hold each joint once: each at `place` with the line.
    pub fn from_toml(text: &str, place: &Place) -> Result<Self> {
        layout_toml::parse(text, place)
    }

    /// Number of joints.
    #[must_use]
    pub fn len(&self) -> usize {
        self.joints.len()
    }

    /// True for a layout without joints, which no constructor makes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.joints.is_empty()
    }

    /// The parent of each joint; none for the root.
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

    /// What makes the layout unusable: the key at fault and why. A layout that was read from elsewhere than
    /// [`Layout::from_toml`] must pass this before its indices are used.
    ///
    /// # Errors
    /// The key and the fault.
    pub fn check(&self) -> std::result::Result<(), (&'static str, String)> {
        check::layout(self).map_err(|fault| (fault.key, fault.what))
    }

    /// Most joints of a layout: whole-body models with hands and face stay well below.
    pub const MOST_JOINTS: usize = 1024;

    /// Most people of an array unless [`Layout::most_people`] says otherwise: what Kinect v2 tracks.
    pub const USUAL_PEOPLE: usize = 6;
}

/// A layout that is known to be there.
fn built_in(name: &str) -> Layout {
    BuiltIn::named(name)
        .expect("a layout of the program's own")
        .layout()
}

impl std::str::FromStr for Layout {
    type Err = Error;

    /// Reads the text of a `layout.toml`, as [`Layout::from_toml`].
    fn from_str(text: &str) -> Result<Self> {
        Layout::from_toml(text, &Place::file("the layout"))
    }
}
