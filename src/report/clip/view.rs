//! The camera view of a clip: from the clip's axes to right, up and towards the viewer.

use crate::report::ClipFacts;
use crate::skeleton::{Axis, Clip, Layout};

/// The view from the camera, upright and centred on the actors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct View {
    /// Matrix from [x, y, z] of the clip to right, up and towards the viewer.
    pub rows: [[f32; 3]; 3],
    /// The centre of the actors, in view axes.
    pub centre: [f32; 3],
    /// Half of the actors' extent, in view axes.
    pub half: [f32; 3],
}

/// Fraction of the joints at each end of an axis that may lie outside the view, since trackers produce outliers.
const STRAYS: f32 = 0.003;

impl View {
    /// The view of a clip's actors, or of all bodies if there are no actors.
    pub fn of(clip: &Clip, layout: &Layout, facts: &ClipFacts) -> Self {
        let mut view = View {
            rows: rows(layout),
            centre: [0.0; 3],
            half: [1.0; 3],
        };
        let actor = |body: usize| facts.tracks.get(body).is_some_and(|t| t.actor.is_some());
        let mut bodies: Vec<usize> = (0..clip.bodies).filter(|body| actor(*body)).collect();
        if bodies.is_empty() {
            bodies = (0..clip.bodies).collect();
        }
        for axis in 0..3 {
            let joints = bodies
                .iter()
                .flat_map(|body| clip.body(*body).chunks_exact(3));
            let mut places: Vec<f32> = joints
                .map(|joint| view.turn(joint)[axis])
                .filter(|x| x.is_finite())
                .collect();
            let strays = (places.len() as f32 * STRAYS) as usize;
            places.sort_unstable_by(f32::total_cmp);
            let ends = (places.get(strays), places.iter().rev().nth(strays));
            if let (Some(low), Some(high)) = ends {
                view.centre[axis] = low + (high - low) / 2.0;
                view.half[axis] = (high - low) / 2.0;
            }
        }
        // A lower bound, so that the scale stays finite for a body in a single point.
        let most = view.half.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
        view.half = view.half.map(|x| x.max(most * 0.1));
        view
    }

    /// A joint in view axes, not centred.
    fn turn(&self, joint: &[f32]) -> [f32; 3] {
        self.rows.map(|row| {
            row.iter()
                .zip(joint)
                .map(|(a, b)| if *a == 0.0 { 0.0 } else { a * b })
                .sum()
        })
    }

    /// A joint in view axes relative to the centre; NaN if it is missing.
    pub fn place(&self, joint: &[f32]) -> [f32; 3] {
        let [x, y, z] = self.turn(joint);
        [x - self.centre[0], y - self.centre[1], z - self.centre[2]]
    }
}

/// The camera view of a right-handed system whose depth axis points away from the camera: z, or y if z is up.
fn rows(layout: &Layout) -> [[f32; 3]; 3] {
    let up = layout.up.vector();
    let near = match layout.up {
        Axis::PlusZ | Axis::MinusZ => [0.0, -1.0, 0.0],
        _ => [0.0, 0.0, -1.0],
    };
    let right = [
        up[1] * near[2] - up[2] * near[1],
        up[2] * near[0] - up[0] * near[2],
        up[0] * near[1] - up[1] * near[0],
    ];
    let stretch = stretch(layout);
    [right, up, near].map(|row| [0, 1, 2].map(|axis| row[axis] * stretch[axis]))
}

/// Scale factors that give all axes the same unit.
fn stretch(layout: &Layout) -> [f32; 3] {
    let least = layout.aspect.into_iter().min().unwrap_or(1).max(1);
    layout.aspect.map(|a| a as f32 / least as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_are_upright_and_not_mirrored() {
        let mut layout = Layout::ntu25();
        for up in [
            Axis::PlusX,
            Axis::MinusX,
            Axis::PlusY,
            Axis::MinusY,
            Axis::PlusZ,
            Axis::MinusZ,
        ] {
            layout.up = up;
            let [a, b, c] = rows(&layout);
            assert_eq!(b, up.vector());
            let determinant = a[0] * (b[1] * c[2] - b[2] * c[1])
                - a[1] * (b[0] * c[2] - b[2] * c[0])
                + a[2] * (b[0] * c[1] - b[1] * c[0]);
            assert_eq!(determinant, 1.0, "{up:?}");
        }
    }
}
