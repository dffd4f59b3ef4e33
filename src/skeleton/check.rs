//! Validation of layouts.

use super::{Layout, derive};
use crate::text::counted;

/// A problem and its location.
#[derive(Debug)]
pub(super) struct Fault {
    /// The key of the layout.
    pub key: &'static str,
    /// The index of the element, if the key is a list and one element is at fault.
    pub at: Option<usize>,
    pub what: String,
}

fn fault(key: &'static str, at: Option<usize>, what: impl Into<String>) -> Result<(), Fault> {
    let what = what.into();
    Err(Fault { key, at, what })
}

/// Checks a whole layout.
pub(super) fn check_layout(layout: &Layout) -> Result<(), Fault> {
    let count = layout.len();
    check_joints(&layout.joints)?;
    derive::root(count, &layout.bones)?;
    check_parts(layout)?;
    for (key, order) in [("chain", &layout.chain), ("traversal", &layout.traversal)] {
        if order.len() > 4 * count {
            let steps = order.len();
            return fault(
                key,
                None,
                format!("{steps} steps are too many for {}", counted(count, "joint")),
            );
        }
        check_indices(key, count, order)?;
        if let Some(missed) = (0..count).find(|joint| !order.contains(joint)) {
            let name = &layout.joints[missed];
            return fault(key, None, format!("joint {missed} ({name}) is missing"));
        }
    }
    for (key, joints) in [
        ("centre", &[layout.centre][..]),
        ("left_shoulder", &[layout.left_shoulder]),
        ("right_shoulder", &[layout.right_shoulder]),
        ("spine", &layout.spine),
    ] {
        check_indices(key, count, joints)?;
    }
    check_mirror(count, &layout.mirror)?;
    if layout.aspect.contains(&0) {
        return fault("aspect", None, "lengths must be at least 1");
    }
    if layout.most_people == Some(0) {
        return fault("most_people", None, "must be at least 1");
    }
    Ok(())
}

/// Checks the number of joints, and that their names are unique.
pub(super) fn check_joints(joints: &[String]) -> Result<(), Fault> {
    let (count, most) = (joints.len(), Layout::MOST_JOINTS);
    if count == 0 || count > most {
        return fault(
            "joints",
            None,
            format!("{count} joints; there must be 1 to {most}"),
        );
    }
    match (0..count).find(|joint| joints[..*joint].contains(&joints[*joint])) {
        Some(joint) => {
            let what = format!("duplicate joint {:?}", joints[joint]);
            fault("joints", Some(joint), what)
        }
        None => Ok(()),
    }
}

/// Checks that mirroring twice is the identity.
pub(super) fn check_mirror(count: usize, mirror: &[usize]) -> Result<(), Fault> {
    check_indices("mirror", count, mirror)?;
    if mirror.len() != count {
        let entries = counted(mirror.len(), "entry");
        let what = format!("{entries} for {}", counted(count, "joint"));
        return fault("mirror", None, what);
    }
    match (0..count).find(|joint| mirror[mirror[*joint]] != *joint) {
        Some(joint) => {
            let what = format!("mirroring twice does not map joint {joint} to itself");
            fault("mirror", Some(joint), what)
        }
        None => Ok(()),
    }
}

/// Checks that the parts contain each joint exactly once.
fn check_parts(layout: &Layout) -> Result<(), Fault> {
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
                    "joint {joint} ({name}) is in 2 places; each joint belongs to exactly one part"
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
                format!(
                    "joint {joint} ({name}) is in no part; each joint belongs to exactly one part"
                ),
            )
        }
        None => Ok(()),
    }
}

/// Checks that every index is that of a joint.
fn check_indices(key: &'static str, count: usize, joints: &[usize]) -> Result<(), Fault> {
    match joints.iter().position(|joint| *joint >= count) {
        Some(at) => fault(key, Some(at), no_joint(joints[at], count)),
        None => Ok(()),
    }
}

/// The message for an index beyond the last joint.
pub(super) fn no_joint(joint: usize, count: usize) -> String {
    format!(
        "there is no joint {joint}: {count} joints are numbered from 0 to {}",
        count.saturating_sub(1)
    )
}
