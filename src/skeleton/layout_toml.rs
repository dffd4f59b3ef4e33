//! A layout as TOML, with errors that point at the line.

use serde::Deserialize;
use toml::Spanned;

use super::check::{self, Fault};
use super::{Axis, Layout, Part, derive};
use crate::error::{Error, Place, Result};

/// A list that knows where it and each of its elements stand in the text.
type List<T> = Spanned<Vec<Spanned<T>>>;

/// A layout file as it is written: what can be derived may be left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    joints: List<String>,
    bones: List<Vec<usize>>,
    unit: String,
    up: Axis,
    aspect: Option<Spanned<Vec<u32>>>,
    parts: Option<List<Part>>,
    chain: Option<List<usize>>,
    traversal: Option<List<usize>>,
    centre: Option<Spanned<usize>>,
    left_shoulder: Option<Spanned<usize>>,
    right_shoulder: Option<Spanned<usize>>,
    spine: Option<Spanned<Vec<usize>>>,
    mirror: Option<List<usize>>,
}

impl Written {
    /// Where a fault's element stands, or its key where no element is at fault.
    fn start(&self, fault: &Fault) -> usize {
        fn list<T>(list: Option<&List<T>>, at: Option<usize>) -> Option<usize> {
            let element = |at: usize| Some(list?.get_ref().get(at)?.span().start);
            at.and_then(element).or_else(|| Some(list?.span().start))
        }
        fn one<T>(value: Option<&Spanned<T>>) -> Option<usize> {
            Some(value?.span().start)
        }
        let start = match fault.key {
            "joints" => list(Some(&self.joints), fault.at),
            "bones" => list(Some(&self.bones), fault.at),
            "parts" => list(self.parts.as_ref(), fault.at),
            "chain" => list(self.chain.as_ref(), fault.at),
            "traversal" => list(self.traversal.as_ref(), fault.at),
            "mirror" => list(self.mirror.as_ref(), fault.at),
            "centre" => one(self.centre.as_ref()),
            "left_shoulder" => one(self.left_shoulder.as_ref()),
            "right_shoulder" => one(self.right_shoulder.as_ref()),
            "spine" => one(self.spine.as_ref()),
            "aspect" => one(self.aspect.as_ref()),
            _ => None,
        };
        start.unwrap_or(0)
    }

    /// The layout, with what is not written derived.
    fn layout(&self) -> std::result::Result<Layout, Fault> {
        let joints = plain(&self.joints);
        let bones = plain(&self.bones)
            .iter()
            .enumerate()
            .map(|(at, bone)| exactly("bones", Some(at), bone))
            .collect::<std::result::Result<Vec<_>, _>>()?;
        let one = |value: &Option<Spanned<usize>>, derived| {
            value.as_ref().map_or(derived, |v| *v.get_ref())
        };
        // What is derived needs these to be sound.
        check::joints(&joints)?;
        let root = derive::root(joints.len(), &bones)?;
        let mirror = self
            .mirror
            .as_ref()
            .map_or_else(|| derive::mirror(&joints), plain);
        check::mirror(joints.len(), &mirror)?;
        let parts = self
            .parts
            .as_ref()
            .map_or_else(|| derive::parts(&joints, &bones, root, &mirror), plain);
        let [left, right] = derive::shoulders(&joints, &bones, root, &mirror);
        let layout = Layout {
            chain: self.chain.as_ref().map_or_else(
                || parts.iter().flat_map(|p: &Part| p.joints.clone()).collect(),
                plain,
            ),
            traversal: self
                .traversal
                .as_ref()
                .map_or_else(|| derive::traversal(joints.len(), &bones, root), plain),
            centre: one(&self.centre, root),
            left_shoulder: one(&self.left_shoulder, left),
            right_shoulder: one(&self.right_shoulder, right),
            spine: match &self.spine {
                Some(joints) => exactly("spine", None, joints.get_ref())?,
                None => derive::spine(&bones, root, &mirror),
            },
            name: self.name.clone(),
            unit: self.unit.clone(),
            up: self.up,
            aspect: match &self.aspect {
                Some(lengths) => exactly("aspect", None, lengths.get_ref())?,
                None => super::layout::one_unit(),
            },
            joints,
            bones,
            parts,
            mirror,
        };
        check::layout(&layout)?;
        Ok(layout)
    }
}

/// A list without its places.
fn plain<T: Clone>(list: &List<T>) -> Vec<T> {
    let elements = list.get_ref().iter();
    elements.map(|element| element.get_ref().clone()).collect()
}

/// So many numbers and no more: an array's own reader passes over those that are too many.
fn exactly<T: Copy, const N: usize>(
    key: &'static str,
    at: Option<usize>,
    list: &[T],
) -> std::result::Result<[T; N], Fault> {
    list.try_into().map_err(|_| {
        let what = format!("{} numbers where {N} are wanted", list.len());
        Fault { key, at, what }
    })
}

pub(super) fn parse(text: &str, place: &Place) -> Result<Layout> {
    let fault = |at: usize, what: String| {
        let before = text.as_bytes().iter().take(at);
        let line = before.filter(|byte| **byte == b'\n').count() + 1;
        let help = "correct the layout; joints are numbered from 0 in the order of `joints`";
        Error::input(place.clone().line(line), what, help)
    };
    let written: Written = toml::from_str(text).map_err(|error| {
        fault(
            error.span().map_or(0, |span| span.start),
            error.message().replace('\n', ", "),
        )
    })?;
    written.layout().map_err(|found| {
        fault(
            written.start(&found),
            format!("`{}`: {}", found.key, found.what),
        )
    })
}
