//! A clip from an array of coordinates.

use crate::error::{Error, Place, Result};
use crate::formats::{MOST_COORDINATE, MOST_TENSOR, Recording};
use crate::skeleton::{About, Clip, Layout, Zeros};
use crate::text::counted;

/// Converts an array of shape [frames, joints, 2 or 3] or [people, frames, joints, 2 or 3] (row-major) to a clip.
///
/// Two-dimensional coordinates get z = 0. A joint with a NaN coordinate is missing; so is a joint at exactly zero if the
/// layout sets `zeros = "missing"`. People who appear in no frame are left out.
///
/// # Errors
/// [`Error::Input`] at `place` for another shape or number of joints, more people than [`Layout::most_people`] (if unset:
/// more than [`Layout::USUAL_PEOPLE`], or more people than frames), a coordinate beyond [`MOST_COORDINATE`], no person in
/// any frame, or an array that is too large.
pub fn from_array(
    shape: &[usize],
    data: &[f32],
    name: &str,
    label: usize,
    about: About,
    layout: &Layout,
    place: &Place,
) -> Result<Recording> {
    let joints = layout.len();
    let fault = |what: String, help: &str| Err(Error::input(place.clone(), what, help));
    let (people, frames, dimensions) = match *shape {
        [frames, found, dimensions @ (2 | 3)] if found == joints => (1, frames, dimensions),
        [people, frames, found, dimensions @ (2 | 3)] if found == joints => {
            (people, frames, dimensions)
        }
        _ => {
            let name = &layout.name;
            let what = format!("the shape is {shape:?}, but the layout {name} has {joints} joints");
            let help = format!(
                "save it as [frames, {joints}, 2 or 3] or [people, frames, {joints}, 2 or 3]"
            );
            return fault(what, &help);
        }
    };
    if people == 0 || frames == 0 {
        return fault("no frames".into(), "remove it from the table");
    }
    if let Some((what, help)) = unusual_people(people, frames, layout) {
        return fault(format!("the shape is {shape:?}: {what}"), &help);
    }
    if people.saturating_mul(frames).saturating_mul(joints * 12) > MOST_TENSOR {
        return fault(
            format!("{frames} frames are too many for one clip"),
            "split it into shorter clips",
        );
    }
    if data.len() != people * frames * joints * dimensions {
        let what = format!(
            "the shape is {shape:?}, but there are {} numbers",
            data.len()
        );
        return fault(what, "pass as many numbers as the shape requires");
    }
    // NaN is allowed: it marks a missing joint.
    let far = |x: &f32| x.abs() > MOST_COORDINATE;
    if let Some(at) = data.iter().position(far) {
        let joint = at / dimensions;
        let what = format!(
            "joint {} in frame {} has a coordinate of {:e}, which is out of range",
            joint % joints,
            joint / joints % frames,
            data[at]
        );
        let help = format!(
            "write NaN for missing joints, and use a unit in which all coordinates stay below {MOST_COORDINATE:e}"
        );
        return fault(what, &help);
    }
    let missing_at_zero = layout.zeros == Some(Zeros::Missing);
    let point = |joint: &[f32]| match *joint {
        [x, y] if !x.is_nan() && !y.is_nan() => [x, y, 0.0],
        [x, y, z] if !x.is_nan() && !y.is_nan() && !z.is_nan() => [x, y, z],
        _ => [f32::NAN; 3],
    };
    let point = |joint| match point(joint) {
        [0.0, 0.0, 0.0] if missing_at_zero => [f32::NAN; 3],
        point => point,
    };
    let mut ids = Vec::new();
    let mut kept = Vec::new();
    for (person, body) in data.chunks_exact(frames * joints * dimensions).enumerate() {
        let start = kept.len();
        kept.extend(body.chunks_exact(dimensions).flat_map(point));
        if kept[start..].iter().all(|x: &f32| x.is_nan()) {
            kept.truncate(start);
        } else {
            ids.push(person.to_string());
        }
    }
    if ids.is_empty() {
        return fault("no person in any frame".into(), "remove it from the table");
    }
    let clip = Clip {
        name: name.into(),
        label,
        bodies: ids.len(),
        frames,
        joints,
        data: kept,
    };
    Ok(Recording { clip, ids, about })
}

/// What is suspicious about the number of people, and what to do; `None` if it is usual or allowed by the layout.
fn unusual_people(people: usize, frames: usize, layout: &Layout) -> Option<(String, String)> {
    let (usual, joints) = (Layout::USUAL_PEOPLE, layout.len());
    let key = "most_people in layout.toml";
    let of = format!("{people} people in {}", counted(frames, "frame"));
    match layout.most_people {
        Some(most) if people <= most => None,
        Some(most) => Some((
            format!("{people} people, but {key} is {most}"),
            format!("save it as [people, frames, {joints}, 2 or 3], or raise most_people"),
        )),
        None if people == 1 || (people <= frames && people <= usual) => None,
        None if people > frames => Some((
            format!("{of}, so people and frames look swapped"),
            format!(
                "save it as [people, frames, {joints}, 2 or 3] (numpy.swapaxes(clip, 0, 1)), or set {key} if there \
                 really are that many people"
            ),
        )),
        None => Some((
            format!("{of}, but more than {usual} people are unusual"),
            format!(
                "set most_people = {people} in layout.toml if there really are that many people, or save it as [people, \
                 frames, {joints}, 2 or 3]"
            ),
        )),
    }
}
