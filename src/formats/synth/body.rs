//! A kinematic body: bone lengths from a person, joint angles from a pose, 25 joints in the order of Kinect v2.

use crate::rng::Rng;

/// A position in metres: x to the right of a person facing the camera, y up, z away from the camera.
pub type Point = [f32; 3];

/// Number of joints.
pub const JOINTS: usize = 25;

/// The proportions and habits of a person.
#[derive(Debug, Clone)]
pub struct Person {
    height: f32,
    trunk: f32,
    arm: f32,
    leg: f32,
    shoulders: f32,
    hips: f32,
    /// Amplitude factor of all gestures, about 1.
    pub vigour: f32,
    /// Speed factor, about 1.
    pub pace: f32,
    /// Habitual bend of the elbows, in radians.
    elbow: f32,
    /// Habitual angle between arms and trunk, in radians.
    spread: f32,
}

impl Person {
    /// Draws a person: 1.5 to 1.95 m tall, each proportion within about 10 % of the average.
    pub fn draw(rng: &mut Rng) -> Self {
        Person {
            height: rng.range(1.50, 1.95),
            trunk: rng.range(0.93, 1.07),
            arm: rng.range(0.92, 1.08),
            leg: rng.range(0.93, 1.07),
            shoulders: rng.range(0.88, 1.12),
            hips: rng.range(0.88, 1.12),
            vigour: rng.range(0.85, 1.15),
            pace: rng.range(0.85, 1.15),
            elbow: rng.range(0.15, 0.45),
            spread: rng.range(0.08, 0.22),
        }
    }
}

/// Joint angles in radians; all zeros is a person standing straight with the arms down. Pairs are [left, right].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pose {
    /// Upper arm forward and up.
    pub raise: [f32; 2],
    /// Upper arm away from the side.
    pub spread: [f32; 2],
    /// Elbow.
    pub elbow: [f32; 2],
    /// Thigh forward and up.
    pub lift: [f32; 2],
    /// Knee.
    pub knee: [f32; 2],
    /// Trunk forward.
    pub bend: f32,
    /// Trunk to the right.
    pub lean: f32,
    /// Shoulders about the spine.
    pub twist: f32,
    /// Head forward, beyond the trunk.
    pub nod: f32,
}

fn about_x(angle: f32, [x, y, z]: Point) -> Point {
    let (s, c) = angle.sin_cos();
    [x, y * c - z * s, y * s + z * c]
}

fn about_y(angle: f32, [x, y, z]: Point) -> Point {
    let (s, c) = angle.sin_cos();
    [x * c + z * s, y, z * c - x * s]
}

fn about_z(angle: f32, [x, y, z]: Point) -> Point {
    let (s, c) = angle.sin_cos();
    [x * c - y * s, x * s + y * c, z]
}

fn step(from: Point, direction: Point, length: f32) -> Point {
    std::array::from_fn(|i| from[i] + length * direction[i])
}

const DOWN: Point = [0.0, -1.0, 0.0];
const UP: Point = [0.0, 1.0, 0.0];

/// The joints of a person in a pose: the base of the spine above (0, 0), the lowest joint at height 0, facing the
/// camera (-z).
///
/// Lengths at the average height of 1.72 m are those that Kinect v2 reports for adults standing upright, to the centimetre;
/// its shoulders are lower and its hips closer together than anatomical ones.
pub fn joints(person: &Person, pose: &Pose) -> [Point; JOINTS] {
    let scale = person.height / 1.72;
    let trunk = |part: f32, v: Point| about_x(-part * pose.bend, about_z(-part * pose.lean, v));
    let chest = |v: Point| trunk(1.0, about_y(pose.twist, v));

    let mut joint = [[0.0; 3]; JOINTS];
    joint[1] = step(joint[0], trunk(0.5, UP), 0.27 * scale * person.trunk);
    joint[20] = step(joint[1], trunk(1.0, UP), 0.21 * scale * person.trunk);
    joint[2] = step(joint[20], trunk(1.0, UP), 0.07 * scale * person.trunk);
    joint[3] = step(joint[2], chest(about_x(-pose.nod, UP)), 0.13 * scale);

    for (side, sign) in [(0, -1.0), (1, 1.0)] {
        let arm = |v: Point| {
            chest(about_x(
                pose.raise[side],
                about_z(sign * (person.spread + pose.spread[side]), v),
            ))
        };
        let flex = person.elbow + pose.elbow[side];
        let shoulder = 4 + 4 * side;
        joint[shoulder] = step(
            joint[20],
            chest([sign * 0.97, -0.24, 0.0]),
            0.165 * scale * person.shoulders,
        );
        joint[shoulder + 1] = step(joint[shoulder], arm(DOWN), 0.26 * scale * person.arm);
        let fore = arm(about_x(flex, DOWN));
        joint[shoulder + 2] = step(joint[shoulder + 1], fore, 0.24 * scale * person.arm);
        joint[shoulder + 3] = step(joint[shoulder + 2], fore, 0.07 * scale * person.arm);
        joint[21 + 2 * side] = step(joint[shoulder + 3], fore, 0.07 * scale * person.arm);
        joint[22 + 2 * side] = step(
            joint[shoulder + 2],
            arm(about_x(flex + 0.9, DOWN)),
            0.06 * scale,
        );

        let hip = 12 + 4 * side;
        joint[hip] = step(
            joint[0],
            [sign * 0.95, -0.30, 0.0],
            0.08 * scale * person.hips,
        );
        joint[hip + 1] = step(
            joint[hip],
            about_x(pose.lift[side], DOWN),
            0.35 * scale * person.leg,
        );
        let below = pose.lift[side] - pose.knee[side];
        joint[hip + 2] = step(
            joint[hip + 1],
            about_x(below, DOWN),
            0.36 * scale * person.leg,
        );
        joint[hip + 3] = step(
            joint[hip + 2],
            about_x(below + 1.1, DOWN),
            0.11 * scale * person.leg,
        );
    }
    let floor = joint.iter().fold(f32::INFINITY, |low, p| low.min(p[1]));
    for point in &mut joint {
        point[1] -= floor;
    }
    joint
}

/// Rotates joints by `yaw` about the vertical axis, then translates them by `at`.
pub fn place(joint: &mut [Point; JOINTS], yaw: f32, at: Point) {
    for point in joint {
        *point = step(about_y(yaw, *point), at, 1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(a: Point, b: Point) -> f32 {
        (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f32>().sqrt()
    }

    #[test]
    fn poses_keep_bone_lengths() {
        let person = Person::draw(&mut Rng::new(1, &[]));
        let still = joints(&person, &Pose::default());
        let moved = Pose {
            raise: [1.0, 2.0],
            elbow: [0.3, 0.0],
            lift: [1.2, 0.0],
            knee: [1.5, 0.2],
            bend: 0.7,
            ..Pose::default()
        };
        let mut moved = joints(&person, &moved);
        place(&mut moved, 0.8, [0.3, -1.0, 3.0]);
        for (a, b) in [
            (0, 1),
            (1, 20),
            (20, 2),
            (4, 5),
            (5, 6),
            (8, 9),
            (9, 10),
            (12, 13),
            (13, 14),
            (18, 19),
            (11, 23),
        ] {
            assert!(
                (length(still[a], still[b]) - length(moved[a], moved[b])).abs() < 1e-5,
                "{a}-{b}"
            );
        }
        assert!(
            still[8][0] > still[4][0],
            "the right shoulder of a person facing the camera has the larger x"
        );
        assert!(still[3][1] > 1.3 && still[3][1] < 2.0);
    }
}
