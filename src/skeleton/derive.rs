//! Defaults of a layout, derived from its bones and joint names.

use super::Part;
use super::check::{Fault, no_joint};

/// The root of the tree that the bones `[child, parent]` form, or why they do not form one tree of all joints.
pub(super) fn root(count: usize, bones: &[[usize; 2]]) -> Result<usize, Fault> {
    let fault = |at: Option<usize>, what: String| Fault {
        key: "bones",
        at,
        what,
    };
    let mut parents = vec![None; count];
    for (at, &[child, parent]) in bones.iter().enumerate() {
        let here = |what: String| fault(Some(at), what);
        if let Some(joint) = [child, parent].into_iter().find(|joint| *joint >= count) {
            return Err(here(no_joint(joint, count)));
        }
        if child == parent {
            return Err(here(format!("joint {child} is its own parent")));
        }
        if parents[child].replace(parent).is_some() {
            return Err(here(format!("joint {child} has two parents")));
        }
    }
    let mut roots = (0..count).filter(|joint| parents[*joint].is_none());
    let Some(root) = roots.next() else {
        return Err(fault(None, "the bones form a cycle".into()));
    };
    if let Some(second) = roots.next() {
        let what = format!(
            "joints {root} and {second} both have no parent; only one joint can be the root"
        );
        return Err(fault(None, what));
    }
    // With one root and one parent each, joints that are not below the root are in a cycle.
    let below = children(count, bones);
    let mut reached = vec![root];
    let mut next = 0;
    while let Some(&joint) = reached.get(next) {
        reached.extend(&below[joint]);
        next += 1;
    }
    match bones.iter().position(|[child, _]| !reached.contains(child)) {
        Some(at) => {
            let what = format!("joint {} is in a cycle of bones", bones[at][0]);
            Err(fault(Some(at), what))
        }
        None => Ok(root),
    }
}

/// The children of each joint, in the order of the bones.
fn children(count: usize, bones: &[[usize; 2]]) -> Vec<Vec<usize>> {
    let mut children = vec![Vec::new(); count];
    for &[child, parent] in bones {
        children[parent].push(child);
    }
    children
}

/// A depth-first traversal of the tree that returns through the parents: 2 n − 1 steps for n joints.
pub(super) fn traversal(count: usize, bones: &[[usize; 2]], root: usize) -> Vec<usize> {
    let children = children(count, bones);
    let mut walk = vec![root];
    // The path to the current joint, with the number of children already visited.
    let mut path = vec![(root, 0)];
    while let Some((joint, visited)) = path.last_mut() {
        if let Some(&child) = children[*joint].get(*visited) {
            *visited += 1;
            path.push((child, 0));
            walk.push(child);
        } else {
            path.pop();
            walk.extend(path.last().map(|(parent, _)| *parent));
        }
    }
    walk
}

/// Body parts. If joint names distinguish left and right: each connected group of left or right joints, and the rest as the
/// trunk. Otherwise: each branch from its tip to the first fork, and the rest as the trunk.
pub(super) fn parts(
    joints: &[String],
    bones: &[[usize; 2]],
    root: usize,
    mirror: &[usize],
) -> Vec<Part> {
    let count = joints.len();
    let children = children(count, bones);
    let mut parents = vec![root; count];
    bones
        .iter()
        .for_each(|&[child, parent]| parents[child] = parent);
    let sided = (0..count).any(|joint| mirror[joint] != joint);
    let mut limb = vec![None; count];
    let order = first_visits(&traversal(count, bones, root), count);
    if sided {
        for &joint in &order {
            if mirror[joint] != joint {
                let parent = parents[joint];
                limb[joint] = limb[parent]
                    .filter(|_| side(&joints[parent]) == side(&joints[joint]))
                    .or(Some(joint));
            }
        }
    } else {
        for tip in (0..count).filter(|joint| children[*joint].is_empty() && *joint != root) {
            let mut branch = vec![tip];
            let mut joint = tip;
            while parents[joint] != root && children[parents[joint]].len() == 1 {
                joint = parents[joint];
                branch.push(joint);
            }
            branch
                .into_iter()
                .for_each(|member| limb[member] = Some(joint));
        }
    }
    let mut parts: Vec<Part> = Vec::new();
    for &first in order.iter().filter(|joint| limb[**joint] == Some(**joint)) {
        let members = order
            .iter()
            .copied()
            .filter(|joint| limb[*joint] == Some(first))
            .collect();
        parts.push(Part {
            name: joints[first].clone(),
            joints: members,
        });
    }
    let trunk: Vec<_> = order
        .iter()
        .copied()
        .filter(|joint| limb[*joint].is_none())
        .collect();
    if !trunk.is_empty() {
        parts.push(Part {
            name: "trunk".into(),
            joints: trunk,
        });
    }
    parts
}

/// The joints in the order of their first visit.
fn first_visits(walk: &[usize], count: usize) -> Vec<usize> {
    let mut seen = vec![false; count];
    walk.iter()
        .copied()
        .filter(|joint| !std::mem::replace(&mut seen[*joint], true))
        .collect()
}

/// For each joint, the joint whose name differs only in left and right, or itself if there is none.
pub(super) fn mirror(joints: &[String]) -> Vec<usize> {
    let keys: Vec<_> = joints
        .iter()
        .map(|name| (side(name), without_side(name)))
        .collect();
    let other = |joint: usize| {
        let (Some(side), rest) = &keys[joint] else {
            return None;
        };
        let mut matches = (0..keys.len())
            .filter(|other| keys[*other].0.is_some_and(|s| s != *side) && keys[*other].1 == *rest);
        matches.next().filter(|_| matches.next().is_none())
    };
    // Only mutual pairs, so that mirroring twice is the identity.
    (0..joints.len())
        .map(|joint| {
            other(joint)
                .filter(|twin| other(*twin) == Some(joint))
                .unwrap_or(joint)
        })
        .collect()
}

/// The side of the body in a joint's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// The words of a name in lower case, without the marker of a side, and the side each one states: `left`, `l`, `right`, `r`,
/// also at the start or end of a longer word (`leftHand`, `handright`).
fn words(name: &str) -> Vec<(String, Option<Side>)> {
    let mut words = Vec::new();
    for word in name
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        let cut = |long: &str| {
            word.strip_prefix(long)
                .or_else(|| word.strip_suffix(long))
                .map(str::to_string)
        };
        let (rest, side) = if word == "l" {
            (String::new(), Some(Side::Left))
        } else if word == "r" {
            (String::new(), Some(Side::Right))
        } else if let Some(rest) = cut("left") {
            (rest, Some(Side::Left))
        } else if let Some(rest) = cut("right") {
            (rest, Some(Side::Right))
        } else {
            (word.to_string(), None)
        };
        words.push((rest, side));
    }
    words
}

fn side(name: &str) -> Option<Side> {
    words(name).into_iter().find_map(|(_, side)| side)
}

fn without_side(name: &str) -> Vec<String> {
    words(name)
        .into_iter()
        .map(|(word, _)| word)
        .filter(|word| !word.is_empty())
        .collect()
}

/// The left and right end of the shoulder axis: by name, otherwise the mirrored pair closest to the root, otherwise the root.
pub(super) fn shoulders(
    joints: &[String],
    bones: &[[usize; 2]],
    root: usize,
    mirror: &[usize],
) -> [usize; 2] {
    let named = (0..joints.len()).find(|joint| {
        mirror[*joint] != *joint && without_side(&joints[*joint]).concat() == "shoulder"
    });
    let nearest = || {
        let children = children(joints.len(), bones);
        let mut queue = vec![root];
        let mut next = 0;
        while let Some(&joint) = queue.get(next) {
            if mirror[joint] != joint {
                return Some(joint);
            }
            queue.extend(&children[joint]);
            next += 1;
        }
        None
    };
    match named.or_else(nearest) {
        Some(joint) if side(&joints[joint]) == Some(Side::Left) => [joint, mirror[joint]],
        Some(joint) => [mirror[joint], joint],
        None => [root, root],
    }
}

/// The lower and upper end of the body axis: the root and its first child that is neither left nor right. If there is none,
/// the root twice, which disables turning.
pub(super) fn spine(bones: &[[usize; 2]], root: usize, mirror: &[usize]) -> [usize; 2] {
    let child = bones
        .iter()
        .find(|[child, parent]| *parent == root && mirror[*child] == *child);
    [root, child.map_or(root, |[child, _]| *child)]
}
