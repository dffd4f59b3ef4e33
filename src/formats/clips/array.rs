//! One clip as an array.

use crate::error::{Error, Place, Result};
use crate::formats::{MOST_COORDINATE, MOST_TENSOR, Recording};
use crate::skeleton::{About, Clip, Layout, Zeros};
use crate::text::counted;

/// Takes an array [frames, joints, 2 or 3] or [people, frames, joints, 2 or 3], its shape and its numbers with the last
/// axis fastest, as a clip. Two coordinates get z = 0; a joint with a missing coordinate, which is NaN, is missing, and so
/// is one at exactly zero where the layout says that zeros are; people who never appear are left out.
///
/// # Errors
/// [`Error::Input`] at `place`: another shape, other joints than the layout's, more people than the layout says (unless it
/// does: more than [`Layout::USUAL_PEOPLE`] or than frames), a coordinate beyond [`MOST_COORDINATE`], nobody in any frame,
/// or too large.
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
            let what = format!("its shape is {shape:?}, and the layout {name} has {joints} joints");
            let help = format!(
                "save it as [frames, {joints}, 2 or 3] or [people, frames, {joints}, 2 or 3]"
            );
            return fault(what, &help);
        }
    };
    if people == 0 || frames == 0 {
        return fault("it holds no frames".into(), "leave it out of the table");
    }
    if let Some((what, help)) = crowd(people, frames, layout) {
        return fault(format!("its shape is {shape:?}, {what}"), &help);
    }
    if people.saturating_mul(frames).saturating_mul(joints * 12) > MOST_TENSOR {
        return fault(
            format!("{frames} frames are more than a clip may have"),
            "cut it into shorter clips",
        );
    }
    if data.len() != people * frames * joints * dimensions {
        let what = format!("its shape is {shape:?}, and it has {} numbers", data.len());
        return fault(what, "give as many numbers as the shape says");
    }
    // NaN is no fault: it says that the joint is missing.
    let far = |x: &f32| x.abs() > MOST_COORDINATE;
    if let Some(at) = data.iter().position(far) {
        let joint = at / dimensions;
        let what = format!(
            "a coordinate of joint {} in frame {} is {:e}, which is no position",
            joint % joints,
            joint / joints % frames,
            data[at]
        );
        let help = format!(
            "write NaN where a joint is missing, and choose a unit in which all stay below {MOST_COORDINATE:e}"
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
        return fault(
            "nobody is in any of its frames".into(),
            "leave it out of the table",
        );
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

/// What looks wrong about a number of people, and what to do; none where it is as usual or as the layout says.
fn crowd(people: usize, frames: usize, layout: &Layout) -> Option<(String, String)> {
    let (usual, joints) = (Layout::USUAL_PEOPLE, layout.len());
    let said = "most_people in layout.toml";
    let of = format!("{people} people in {}", counted(frames, "frame"));
    match layout.most_people {
        Some(most) if people <= most => None,
        Some(most) => Some((
            format!("that is {people} people, and {said} is {most}"),
            format!("save it as [people, frames, {joints}, 2 or 3], or raise most_people"),
        )),
        None if people == 1 || (people <= frames && people <= usual) => None,
        None if people > frames => Some((
            format!("that is {of}: people and frames look swapped"),
            format!(
                "save it as [people, frames, {joints}, 2 or 3] (numpy.swapaxes(clip, 0, 1)), or set {said} if there \
                 are so many people"
            ),
        )),
        None => Some((
            format!("that is {of}, and more than {usual} people are unusual"),
            format!(
                "set most_people = {people} in layout.toml if there are so many people, or save it as [people, \
                 frames, {joints}, 2 or 3]"
            ),
        )),
    }
}
