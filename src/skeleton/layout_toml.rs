//! Parser of `layout.toml`, with line numbers in errors.

use serde::Deserialize;
use toml::Spanned;

use super::check::{self, Fault};
use super::{Axis, BuiltIn, Layout, Part, Zeros, derive};
use crate::error::{Error, Place, Result};

/// A list with the position of itself and of each element in the text.
type List<T> = Spanned<Vec<Spanned<T>>>;

/// A layout file that describes the joints. Keys that can be derived are optional.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LayoutFile {
    name: String,
    joints: List<String>,
    bones: List<Vec<usize>>,
    unit: String,
    up: Axis,
    aspect: Option<Spanned<Vec<u32>>>,
    zeros: Option<Zeros>,
    most_people: Option<Spanned<usize>>,
    parts: Option<List<Part>>,
    chain: Option<List<usize>>,
    traversal: Option<List<usize>>,
    centre: Option<Spanned<usize>>,
    left_shoulder: Option<Spanned<usize>>,
    right_shoulder: Option<Spanned<usize>>,
    spine: Option<Spanned<Vec<usize>>>,
    mirror: Option<List<usize>>,
}

impl LayoutFile {
    /// The byte offset of the element at fault, or of its key if no single element is at fault.
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
            "most_people" => one(self.most_people.as_ref()),
            _ => None,
        };
        start.unwrap_or(0)
    }

    /// The layout, with missing keys derived.
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
        // The derivations require these to be valid.
        check::check_joints(&joints)?;
        let root = derive::root(joints.len(), &bones)?;
        let mirror = self
            .mirror
            .as_ref()
            .map_or_else(|| derive::mirror(&joints), plain);
        check::check_mirror(joints.len(), &mirror)?;
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
            zeros: self.zeros,
            most_people: number(self.most_people.as_ref()),
            joints,
            bones,
            parts,
            mirror,
        };
        check::check_layout(&layout)?;
        Ok(layout)
    }
}

/// A layout file that names a built-in layout, and may override keys that do not depend on the joints.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BuiltInFile {
    layout: Spanned<String>,
    unit: Option<String>,
    up: Option<Axis>,
    aspect: Option<Spanned<Vec<u32>>>,
    zeros: Option<Zeros>,
    most_people: Option<Spanned<usize>>,
}

impl BuiltInFile {
    /// The byte offset of the key at fault.
    fn start(&self, fault: &Fault) -> usize {
        let start = match fault.key {
            "aspect" => self.aspect.as_ref().map(|value| value.span().start),
            "most_people" => self.most_people.as_ref().map(|value| value.span().start),
            _ => None,
        };
        start.unwrap_or(self.layout.span().start)
    }

    /// The built-in layout with the overridden keys.
    fn layout(&self) -> std::result::Result<Layout, Fault> {
        let name = self.layout.get_ref();
        let Some(known) = BuiltIn::named(name) else {
            let what = format!(
                "unknown built-in layout {name:?}; did you mean {:?}?",
                BuiltIn::nearest(name)
            );
            return Err(Fault {
                key: "layout",
                at: None,
                what,
            });
        };
        let mut layout = known.layout();
        if let Some(unit) = &self.unit {
            layout.unit.clone_from(unit);
        }
        layout.up = self.up.unwrap_or(layout.up);
        if let Some(lengths) = &self.aspect {
            layout.aspect = exactly("aspect", None, lengths.get_ref())?;
        }
        layout.zeros = self.zeros.or(layout.zeros);
        layout.most_people = number(self.most_people.as_ref()).or(layout.most_people);
        check::check_layout(&layout)?;
        Ok(layout)
    }
}

/// The value without its position.
fn number(value: Option<&Spanned<usize>>) -> Option<usize> {
    value.map(|value| *value.get_ref())
}

/// A list without positions.
fn plain<T: Clone>(list: &List<T>) -> Vec<T> {
    let elements = list.get_ref().iter();
    elements.map(|element| element.get_ref().clone()).collect()
}

/// Converts a list to an array of exactly `N` elements; serde's own deserialiser would ignore extra elements.
fn exactly<T: Copy, const N: usize>(
    key: &'static str,
    at: Option<usize>,
    list: &[T],
) -> std::result::Result<[T; N], Fault> {
    list.try_into().map_err(|_| {
        let what = format!("expected {N} numbers, found {}", list.len());
        Fault { key, at, what }
    })
}

/// Parses a layout file of either form.
pub(super) fn parse(text: &str, place: &Place) -> Result<Layout> {
    // Windows editors add a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let fault = |at: usize, what: String, help: &str| {
        let before = text.as_bytes().iter().take(at);
        let line = before.filter(|byte| **byte == b'\n').count() + 1;
        Error::input(place.clone().line(line), what, help)
    };
    let no_toml = |error: toml::de::Error, help: &str| {
        let start = error.span().map_or(0, |span| span.start);
        fault(start, error.message().replace('\n', ", "), help)
    };
    let wrong = |start: usize, found: &Fault, help: &str| {
        fault(start, format!("`{}`: {}", found.key, found.what), help)
    };
    let table = text.parse::<toml::Table>().unwrap_or_default();
    if table.contains_key("layout") {
        let help = "`sinew layouts` lists the built-in layouts; with `layout`, only unit, up, aspect, zeros and \
                    most_people can be set";
        let named: BuiltInFile = toml::from_str(text).map_err(|error| no_toml(error, help))?;
        return named
            .layout()
            .map_err(|found| wrong(named.start(&found), &found, help));
    }
    let help = "correct the layout; joints are numbered from 0 in the order of `joints`";
    let written: LayoutFile = toml::from_str(text).map_err(|error| {
        let name = table.get("name").and_then(toml::Value::as_str);
        match name.and_then(BuiltIn::named) {
            Some(BuiltIn { name, .. }) if !table.contains_key("joints") => {
                let help = format!("write layout = \"{name}\" to use the built-in layout");
                no_toml(error, &help)
            }
            _ => no_toml(error, help),
        }
    })?;
    written
        .layout()
        .map_err(|found| wrong(written.start(&found), &found, help))
}
