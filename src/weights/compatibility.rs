//! Whether clips are of the kind that weights were trained on. Other joints, units or classes give scores that mean
//! nothing, and nothing in the scores shows it.

use super::Weights;
use crate::error::{Error, Place, Result};
use crate::shards::Manifest;
use crate::skeleton::Layout;

impl Weights {
    /// Refuses clips of another skeleton: other joints, or the same ones in another order; another unit, up axis, or
    /// lengths of the axes; other bones or another centre. The names of joints and units are compared without regard to
    /// case, blanks and punctuation; the layout's own name does not matter.
    ///
    /// # Errors
    /// [`Error::Input`] at `place` with the first difference.
    pub fn check_layout(&self, clips: &Layout, place: Place) -> Result<()> {
        match layout_difference(clips, &self.layout) {
            None => Ok(()),
            Some(what) => {
                let help = "use clips of the skeleton that the weights were trained on, or write these in its order and unit";
                Err(Error::input(place, what, help))
            }
        }
    }

    /// Refuses prepared data of another skeleton, as [`Weights::check_layout`], or with other classes, or the same ones
    /// in another order.
    ///
    /// # Errors
    /// [`Error::Input`] at `place` with the first difference.
    pub fn check_data(&self, manifest: &Manifest, place: Place) -> Result<()> {
        self.check_layout(&manifest.layout, place.clone())?;
        match class_difference(&manifest.classes, &self.classes) {
            None => Ok(()),
            Some(what) => {
                let help = "use data with the classes of the weights; for own clips, classes.txt sets their order";
                Err(Error::input(place, what, help))
            }
        }
    }
}

/// What is different about the joints of some clips and those that weights know; none where nothing is.
pub(crate) fn layout_difference(clips: &Layout, weights: &Layout) -> Option<String> {
    if clips.len() != weights.len() {
        let (here, there) = (clips.len(), weights.len());
        return Some(format!(
            "the clips have {here} joints ({}), and the weights are for {there} ({})",
            clips.name, weights.name
        ));
    }
    let mut joints = clips.joints.iter().zip(&weights.joints).enumerate();
    if let Some((joint, (here, there))) = joints.find(|(_, (a, b))| plain(a) != plain(b)) {
        return Some(format!(
            "joint {joint} is {here:?} in the clips and {there:?} in the weights"
        ));
    }
    if unit(&clips.unit) != unit(&weights.unit) {
        let (here, there) = (&clips.unit, &weights.unit);
        return Some(format!(
            "the unit is {here} in the clips and {there} in the weights"
        ));
    }
    if clips.up != weights.up {
        let (here, there) = (clips.up, weights.up);
        return Some(format!(
            "up is {here} in the clips and {there} in the weights"
        ));
    }
    if !same_ratios(clips.aspect, weights.aspect) {
        let (here, there) = (clips.aspect, weights.aspect);
        return Some(format!(
            "the axes' lengths (aspect) are {here:?} in the clips and {there:?} in the weights"
        ));
    }
    let (parents, others) = (clips.parents(), weights.parents());
    let mut bones = parents.iter().zip(&others).enumerate();
    if let Some((joint, (here, there))) = bones.find(|(_, (a, b))| a != b) {
        let end = |parent: &Option<usize>| match parent.and_then(|parent| clips.joints.get(parent))
        {
            Some(name) => format!("hangs from {name:?}"),
            None => "is the root".into(),
        };
        let (name, here, there) = (&clips.joints[joint], end(here), end(there));
        return Some(format!(
            "joint {joint} ({name:?}) {here} in the clips and {there} in the weights"
        ));
    }
    let axes = |layout: &Layout| {
        let ends = [layout.left_shoulder, layout.right_shoulder];
        [[layout.centre; 2], ends, layout.spine]
    };
    let named = ["centre", "left_shoulder and right_shoulder", "spine"];
    let mut each = named.iter().zip(axes(clips)).zip(axes(weights));
    each.find(|((_, a), b)| a != b)
        .map(|((key, _), _)| format!("{key} differs between the clips and the weights"))
}

/// What is different about two lists of classes, by index; none where nothing is.
pub(crate) fn class_difference(data: &[String], weights: &[String]) -> Option<String> {
    if data.len() != weights.len() {
        let (here, there) = (data.len(), weights.len());
        return Some(format!(
            "the data have {here} classes and the weights {there}"
        ));
    }
    let mut classes = data.iter().zip(weights).enumerate();
    classes
        .find(|(_, (a, b))| a != b)
        .map(|(class, (here, there))| {
            format!("class {class} is {here:?} in the data and {there:?} in the weights")
        })
}

/// A name without case, blanks and punctuation.
fn plain(name: &str) -> String {
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// A unit's usual spellings as one.
fn unit(name: &str) -> String {
    let name = plain(name);
    let known = match name.as_str() {
        "m" | "meter" | "meters" | "metres" => "metre",
        "cm" | "centimeter" | "centimeters" | "centimetres" => "centimetre",
        "mm" | "millimeter" | "millimeters" | "millimetres" => "millimetre",
        "px" | "pixels" => "pixel",
        other => other,
    };
    known.to_string()
}

/// Whether three lengths are another three, but for one factor.
fn same_ratios(a: [u32; 3], b: [u32; 3]) -> bool {
    let product = |x: u32, y: u32| u64::from(x) * u64::from(y);
    (0..3).all(|at| product(a[at], b[0]) == product(b[at], a[0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_makes_no_difference_and_order_does() {
        let layout = Layout::kinect20();
        let mut other = layout.clone();
        other.name = "mine".into();
        other.unit = "Meters".into();
        other.aspect = [3; 3];
        for name in &mut other.joints {
            *name = name.to_uppercase().replace(' ', "_");
        }
        assert_eq!(layout_difference(&other, &layout), None);
        type Change = fn(&mut Layout);
        let changes: [(Change, &str); 7] = [
            (|l| l.joints.swap(7, 11), "joint 7 is"),
            (|l| l.unit = "pixel".into(), "the unit is pixel"),
            (|l| l.up = crate::skeleton::Axis::PlusZ, "up is +z"),
            (|l| l.aspect = [1, 1, 2], "aspect"),
            (|l| l.bones[0] = [0, 2], "hangs from"),
            (|l| l.centre = 3, "centre"),
            (|l| l.joints.truncate(17), "17 joints"),
        ];
        for (change, says) in changes {
            let mut other = layout.clone();
            change(&mut other);
            let what = layout_difference(&other, &layout).expect("a difference");
            assert!(what.contains(says), "{what}");
        }
        let names = ["a", "b"].map(String::from);
        assert_eq!(class_difference(&names, &names), None);
        let swapped = ["b", "a"].map(String::from);
        let what = class_difference(&swapped, &names).expect("a difference");
        assert!(what.contains("class 0 is \"b\""), "{what}");
    }
}
