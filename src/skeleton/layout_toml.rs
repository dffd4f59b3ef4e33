//! A layout as TOML, with errors that point at the line.

use serde::Deserialize;
use toml::Spanned;

use super::{Axis, Layout, Part, derive};
use crate::error::{Error, Place, Result};

/// A layout file as it is written: what can be derived may be left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    joints: Spanned<Vec<String>>,
    bones: Spanned<Vec<Spanned<[usize; 2]>>>,
    unit: String,
    up: Axis,
    #[serde(default = "super::layout::one_unit")]
    aspect: [u32; 3],
    parts: Option<Spanned<Vec<Spanned<Part>>>>,
    chain: Option<Spanned<Vec<Spanned<usize>>>>,
    traversal: Option<Spanned<Vec<Spanned<usize>>>>,
    centre: Option<Spanned<usize>>,
    left_shoulder: Option<Spanned<usize>>,
    right_shoulder: Option<Spanned<usize>>,
    spine: Option<Spanned<[usize; 2]>>,
    mirror: Option<Spanned<Vec<Spanned<usize>>>>,
}

const HELP: &str = "correct the layout; joints are numbered from 0 in the order of `joints`";

/// Reads, derives, checks.
pub(super) fn parse(text: &str, place: &Place) -> Result<Layout> {
    let line = |at: usize| {
        text.as_bytes()
            .iter()
            .take(at)
            .filter(|byte| **byte == b'\n')
            .count()
            + 1
    };
    let fault = |at: usize, what: String| Error::input(place.clone().line(line(at)), what, HELP);
    let written: Written = toml::from_str(text).map_err(|error| {
        fault(
            error.span().map_or(0, |span| span.start),
            error.message().replace('\n', ", "),
        )
    })?;

    let joints = written.joints.get_ref().clone();
    let bones: Vec<[usize; 2]> = written
        .bones
        .get_ref()
        .iter()
        .map(|bone| *bone.get_ref())
        .collect();
    // Where each key stands, and within it the first index that has no joint.
    let mut at = vec![
        ("joints", written.joints.span().start),
        ("bones", written.bones.span().start),
    ];
    if let Some(wrong) = written
        .bones
        .get_ref()
        .iter()
        .find(|b| b.get_ref().iter().any(|j| *j >= joints.len()))
    {
        at.insert(0, ("bones", wrong.span().start));
    }
    if let Some(parts) = &written.parts {
        let wrong = parts
            .get_ref()
            .iter()
            .find(|part| part.get_ref().joints.iter().any(|j| *j >= joints.len()));
        at.push((
            "parts",
            wrong.map_or(parts.span().start, |part| part.span().start),
        ));
    }
    for (key, list) in [
        ("chain", &written.chain),
        ("traversal", &written.traversal),
        ("mirror", &written.mirror),
    ] {
        if let Some(list) = list {
            let wrong = list
                .get_ref()
                .iter()
                .find(|joint| *joint.get_ref() >= joints.len());
            at.push((
                key,
                wrong.map_or(list.span().start, |joint| joint.span().start),
            ));
        }
    }
    for (key, joint) in [
        ("centre", &written.centre),
        ("left_shoulder", &written.left_shoulder),
        ("right_shoulder", &written.right_shoulder),
    ] {
        at.extend(joint.as_ref().map(|joint| (key, joint.span().start)));
    }
    at.extend(
        written
            .spine
            .as_ref()
            .map(|joints| ("spine", joints.span().start)),
    );
    let fault_in = |(key, what): (&str, String)| {
        let start = at
            .iter()
            .find(|(name, _)| *name == key)
            .map_or(0, |(_, start)| *start);
        fault(start, format!("`{key}`: {what}"))
    };

    if joints.is_empty() || joints.len() > Layout::MOST_JOINTS {
        return Err(fault_in((
            "joints",
            format!(
                "{} joints; 1 to {} can be read",
                joints.len(),
                Layout::MOST_JOINTS
            ),
        )));
    }
    let root = derive::root(joints.len(), &bones).map_err(|what| fault_in(("bones", what)))?;
    let plain = |list: Spanned<Vec<Spanned<usize>>>| {
        list.into_inner()
            .into_iter()
            .map(Spanned::into_inner)
            .collect()
    };
    let mirror: Vec<usize> = written
        .mirror
        .clone()
        .map_or_else(|| derive::mirror(&joints), plain);
    if mirror.len() != joints.len() || mirror.iter().any(|joint| *joint >= joints.len()) {
        return Err(fault_in((
            "mirror",
            format!(
                "it must give one of the {} joints for each of them",
                joints.len()
            ),
        )));
    }
    let parts = match written.parts.clone() {
        Some(parts) => parts
            .into_inner()
            .into_iter()
            .map(Spanned::into_inner)
            .collect(),
        None => derive::parts(&joints, &bones, root, &mirror),
    };
    let [left, right] = derive::shoulders(&joints, &bones, root, &mirror);
    let layout = Layout {
        chain: written.chain.clone().map_or_else(
            || parts.iter().flat_map(|p: &Part| p.joints.clone()).collect(),
            plain,
        ),
        traversal: written
            .traversal
            .clone()
            .map_or_else(|| derive::traversal(joints.len(), &bones, root), plain),
        centre: written
            .centre
            .as_ref()
            .map_or(root, |joint| *joint.get_ref()),
        left_shoulder: written
            .left_shoulder
            .as_ref()
            .map_or(left, |joint| *joint.get_ref()),
        right_shoulder: written
            .right_shoulder
            .as_ref()
            .map_or(right, |joint| *joint.get_ref()),
        spine: written.spine.as_ref().map_or_else(
            || derive::spine(&bones, root, &mirror),
            |joints| *joints.get_ref(),
        ),
        name: written.name.clone(),
        unit: written.unit.clone(),
        up: written.up,
        aspect: written.aspect,
        joints,
        bones,
        parts,
        mirror,
    };
    layout.check().map_err(fault_in)?;
    Ok(layout)
}
