//! What makes a layout unusable.

use super::{Layout, derive};

/// What is wrong, and where.
#[derive(Debug)]
pub(super) struct Fault {
    /// The layout's key.
    pub key: &'static str,
    /// Which element of the key's list, where it is one of them.
    pub at: Option<usize>,
    pub what: String,
}

fn fault(key: &'static str, at: Option<usize>, what: impl Into<String>) -> Result<(), Fault> {
    let what = what.into();
    Err(Fault { key, at, what })
}

/// Checks everything.
pub(super) fn layout(layout: &Layout) -> Result<(), Fault> {
    let count = layout.len();
    joints(&layout.joints)?;
    derive::root(count, &layout.bones)?;
    parts(layout)?;
    for (key, order) in [("chain", &layout.chain), ("traversal", &layout.traversal)] {
        if order.len() > 4 * count {
            let steps = order.len();
            return fault(
                key,
                None,
                format!("{steps} steps for {count} joints are too many"),
            );
        }
        inside(key, count, order)?;
        if let Some(missed) = (0..count).find(|joint| !order.contains(joint)) {
            let name = &layout.joints[missed];
            return fault(key, None, format!("joint {missed} ({name}) is left out"));
        }
    }
    for (key, joints) in [
        ("centre", &[layout.centre][..]),
        ("left_shoulder", &[layout.left_shoulder]),
        ("right_shoulder", &[layout.right_shoulder]),
        ("spine", &layout.spine),
    ] {
        inside(key, count, joints)?;
    }
    mirror(count, &layout.mirror)?;
    if layout.aspect.contains(&0) {
        return fault("aspect", None, "a length of 0 would flatten the body");
    }
    if layout.most_people == Some(0) {
        return fault("most_people", None, "a clip has at least one person");
    }
    Ok(())
}

/// There are joints, not too many, each with a name of its own.
pub(super) fn joints(joints: &[String]) -> Result<(), Fault> {
    let (count, most) = (joints.len(), Layout::MOST_JOINTS);
    if count == 0 || count > most {
        return fault(
            "joints",
            None,
            format!("{count} joints; 1 to {most} can be read"),
        );
    }
    match (0..count).find(|joint| joints[..*joint].contains(&joints[*joint])) {
        Some(joint) => {
            let what = format!("the joint {:?} is named twice", joints[joint]);
            fault("joints", Some(joint), what)
        }
        None => Ok(()),
    }
}

/// Swapping left and right twice brings every joint back.
pub(super) fn mirror(count: usize, mirror: &[usize]) -> Result<(), Fault> {
    inside("mirror", count, mirror)?;
    if mirror.len() != count {
        let what = format!("it has {} entries for {count} joints", mirror.len());
        return fault("mirror", None, what);
    }
    match (0..count).find(|joint| mirror[mirror[*joint]] != *joint) {
        Some(joint) => {
            let what = format!("swapping twice does not bring joint {joint} back");
            fault("mirror", Some(joint), what)
        }
        None => Ok(()),
    }
}

/// The parts hold each joint once.
fn parts(layout: &Layout) -> Result<(), Fault> {
    let mut seen = vec![false; layout.len()];
    for (index, part) in layout.parts.iter().enumerate() {
        let here = |what: String| fault("parts", Some(index), what);
        if part.joints.is_empty() {
            return here(format!("the part {:?} has no joints", part.name));
        }
        for &joint in &part.joints {
            let Some(seen) = seen.get_mut(joint) else {
                return here(no_joint(joint, layout.len()));
            };
            if std::mem::replace(seen, true) {
                let name = &layout.joints[joint];
                return here(format!(
                    "joint {joint} ({name}) is in 2 places; each is in one"
                ));
            }
        }
    }
    match seen.iter().position(|seen| !seen) {
        Some(joint) => {
            let name = &layout.joints[joint];
            fault(
                "parts",
                None,
                format!("joint {joint} ({name}) is in no part; each is in one"),
            )
        }
        None => Ok(()),
    }
}

/// Every index is a joint's.
fn inside(key: &'static str, count: usize, joints: &[usize]) -> Result<(), Fault> {
    match joints.iter().position(|joint| *joint >= count) {
        Some(at) => fault(key, Some(at), no_joint(joints[at], count)),
        None => Ok(()),
    }
}

/// For a joint that is beyond the last.
pub(super) fn no_joint(joint: usize, count: usize) -> String {
    format!(
        "there is no joint {joint}: {count} joints are numbered from 0 to {}",
        count.saturating_sub(1)
    )
}
