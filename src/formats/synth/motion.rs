//! Motion classes: cyclic sequences of gestures.
//!
//! A class is a cyclic order of four gestures. All classes of a group use the same four gestures equally often and for
//! equally long, so the mean position of a joint and its amount of motion do not reveal the class; only the order does.
//! Four gestures have six cyclic orders, which form three pairs: an order and its reverse.

use super::body::{JOINTS, Person, Point, Pose, joints, place};
use crate::rng::Rng;

/// Maximum number of classes: the actions of NTU RGB+D 120.
pub const CLASSES: usize = 120;

/// Number of gestures to choose from; each starts and ends in the standing pose.
const GESTURES: usize = 10;

/// The cyclic orders of four elements, up to reversal.
const ORDERS: [[usize; 4]; 3] = [[0, 1, 2, 3], [0, 1, 3, 2], [0, 2, 1, 3]];

/// Duration of a gesture as a fraction of a cycle: a little over a quarter, so that gestures overlap.
const BREADTH: f32 = 0.30;

/// A motion class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    gestures: [usize; 4],
    /// Two people facing each other, half a cycle apart.
    pub pair: bool,
    backwards: bool,
}

impl Class {
    /// Class `index` of a synthetic archive with its own classes: in every fourth pair of classes there are two people.
    pub fn numbered(index: usize) -> Self {
        let couple = index / 2;
        let pair = couple % 4 == 3;
        Class::build(
            if pair {
                couple / 4
            } else {
                couple - couple / 4
            },
            pair,
            index % 2 == 1,
        )
    }

    /// A description: the gestures, the number of people and the direction of time.
    pub fn name(&self) -> String {
        let gestures = self.gestures.map(|which| NAMES[which]).join(", ");
        let people = if self.pair { "two people: " } else { "" };
        let way = if self.backwards { ", backwards" } else { "" };
        format!("{people}{gestures}{way}")
    }

    /// The class for an NTU action (1 to 120); actions 50 to 60 and 106 to 120 have two people.
    pub fn action(action: usize) -> Self {
        let (index, pair) = match action {
            ..50 => (action.saturating_sub(1), false),
            50..=60 => (action - 50, true),
            61..106 => (action - 61 + 49, false),
            _ => (action - 106 + 11, true),
        };
        Class::build(index / 2, pair, index % 2 == 1)
    }

    /// The `couple`-th pair of classes with one or two people; two pairs share a group of gestures.
    fn build(couple: usize, pair: bool, backwards: bool) -> Self {
        // Visits the 210 combinations of four gestures out of ten without repetition, since 83 and 210 are coprime.
        let group = couple / 2 * 2 + usize::from(pair);
        let mut left = (group * 83) % 210;
        let mut gestures = [0; 4];
        let mut taken = 0;
        for gesture in 0..GESTURES {
            let with = choices(GESTURES - 1 - gesture, 4 - taken - 1);
            if left < with {
                gestures[taken] = gesture;
                taken += 1;
                if taken == 4 {
                    break;
                }
            } else {
                left -= with;
            }
        }
        let order = ORDERS[couple % 2 + couple / 2 % 2];
        Class {
            gestures: order.map(|i| gestures[i]),
            pair,
            backwards,
        }
    }
}

/// The binomial coefficient n over k.
fn choices(n: usize, k: usize) -> usize {
    if k > n {
        0
    } else {
        (0..k).fold(1, |ways, i| ways * (n - i) / (i + 1))
    }
}

/// The names of the gestures, in the order of [`gesture`].
const NAMES: [&str; GESTURES] = [
    "right arm up",
    "left arm up",
    "right knee up",
    "left knee up",
    "bow",
    "squat",
    "right arm out",
    "left arm out",
    "twist",
    "lean",
];

/// Adds `amount` (0 to about 1) of a gesture to a pose.
fn gesture(pose: &mut Pose, which: usize, amount: f32) {
    match which {
        0 => {
            (pose.raise[1], pose.elbow[1]) =
                (pose.raise[1] + 2.5 * amount, pose.elbow[1] + 0.2 * amount)
        }
        1 => {
            (pose.raise[0], pose.elbow[0]) =
                (pose.raise[0] + 2.5 * amount, pose.elbow[0] + 0.2 * amount)
        }
        2 => {
            (pose.lift[1], pose.knee[1]) =
                (pose.lift[1] + 1.4 * amount, pose.knee[1] + 1.6 * amount)
        }
        3 => {
            (pose.lift[0], pose.knee[0]) =
                (pose.lift[0] + 1.4 * amount, pose.knee[0] + 1.6 * amount)
        }
        4 => (pose.bend, pose.nod) = (pose.bend + 0.9 * amount, pose.nod + 0.2 * amount),
        5 => {
            for side in 0..2 {
                pose.lift[side] += 1.2 * amount;
                pose.knee[side] += 2.0 * amount;
            }
        }
        6 => pose.spread[1] += 1.6 * amount,
        7 => pose.spread[0] += 1.6 * amount,
        8 => pose.twist += 0.9 * amount,
        _ => pose.lean += 0.6 * amount,
    }
}

/// One person's joints, frame by frame, in metres in camera space.
pub type Track = Vec<[Point; JOINTS]>;

/// Animates a class: one track per person. `turn` is the camera's angle about the vertical axis in radians, `floor` the height
/// of the floor in camera space in metres.
///
/// Phase, speed, amplitude, position and orientation have the same distribution for every class. A backwards class uses the
/// same draws with time reversed, so only the order of frames distinguishes it from its forward class.
pub fn animate(
    class: &Class,
    people: &[Person],
    frames: usize,
    turn: f32,
    floor: f32,
    rng: &mut Rng,
) -> Vec<Track> {
    let pace = people.first().map_or(1.0, |p| p.pace);
    let cycles = (frames as f32 * pace / rng.range(34.0, 52.0)).clamp(1.5, 4.0);
    let phase = rng.unit();
    let sway = [rng.range(0.0, 0.06), rng.unit()];
    let middle = [rng.range(-0.4, 0.4), floor, rng.range(2.6, 3.8)];
    let facing = turn + 0.15 * rng.normal();
    // The line between two people is perpendicular to the viewing direction, in either order.
    let across = facing
        + if rng.chance(0.5) {
            std::f32::consts::PI
        } else {
            0.0
        };
    let apart = rng.range(0.45, 0.65);
    people
        .iter()
        .enumerate()
        .map(|(who, person)| {
            let side = if who == 0 { -1.0 } else { 1.0 };
            let (yaw, at) = if class.pair {
                let (s, c) = across.sin_cos();
                let toward = across + side * std::f32::consts::FRAC_PI_2;
                (
                    toward + 0.1 * rng.normal(),
                    [
                        middle[0] + side * apart * c,
                        middle[1],
                        middle[2] - side * apart * s,
                    ],
                )
            } else {
                (facing, middle)
            };
            let strength: [f32; 4] = std::array::from_fn(|_| person.vigour * rng.range(0.8, 1.15));
            let drift = [rng.range(-0.06, 0.06), rng.range(-0.06, 0.06)];
            let breath = [rng.range(2.0, 4.0), rng.unit()];
            let lag = if who == 0 { 0.0 } else { 0.5 };
            (0..frames)
                .map(|frame| {
                    let time = (frame as f32 + 0.5) / frames as f32;
                    let time = if class.backwards { 1.0 - time } else { time };
                    let wave = |rate: f32, start: f32| {
                        (std::f32::consts::TAU * (rate * time + start)).sin()
                    };
                    let turn = phase + lag + cycles * time + sway[0] * wave(1.0, sway[1]);
                    let mut pose = Pose::default();
                    for (slot, &which) in class.gestures.iter().enumerate() {
                        gesture(
                            &mut pose,
                            which,
                            strength[slot] * bump(turn - slot as f32 / 4.0),
                        );
                    }
                    pose.bend += 0.02 * wave(breath[0], breath[1]);
                    pose.lean += 0.02 * wave(breath[0] / 2.0, breath[1]);
                    let mut body = joints(person, &pose);
                    let place_at = [
                        at[0] + drift[0] * (time - 0.5),
                        at[1],
                        at[2] + drift[1] * (time - 0.5),
                    ];
                    place(&mut body, yaw, place_at);
                    for point in &mut body {
                        for x in point {
                            *x += 0.006 * rng.normal();
                        }
                    }
                    body
                })
                .collect()
        })
        .collect()
}

/// A smooth pulse around integer values of `turn`.
fn bump(turn: f32) -> f32 {
    let from = turn - turn.round();
    if from.abs() < BREADTH / 2.0 {
        0.5 + 0.5 * (std::f32::consts::TAU * from / BREADTH).cos()
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// The cyclic order starting at its smallest gesture, in playing direction.
    fn seen(class: &Class) -> (bool, [usize; 4]) {
        let mut order = class.gestures;
        if class.backwards {
            order.reverse();
        }
        let smallest = (0..4).min_by_key(|&i| order[i]).unwrap_or(0);
        order.rotate_left(smallest);
        (class.pair, order)
    }

    #[test]
    fn all_classes_differ() {
        let plain: BTreeSet<_> = (0..60).map(|i| seen(&Class::numbered(i))).collect();
        assert_eq!(plain.len(), 60);
        let actions: BTreeSet<_> = (1..=120).map(|a| seen(&Class::action(a))).collect();
        assert_eq!(actions.len(), 120);
        assert_eq!((1..=120).filter(|&a| Class::action(a).pair).count(), 26);
    }

    #[test]
    fn the_second_of_a_pair_is_the_first_backwards() {
        let people = [Person::draw(&mut Rng::new(2, &[]))];
        for index in [0, 2, 4] {
            let [a, b] = [index, index + 1].map(|i| {
                animate(
                    &Class::numbered(i),
                    &people,
                    60,
                    0.0,
                    -1.0,
                    &mut Rng::new(5, &[]),
                )
            });
            for frame in 0..60 {
                for joint in 0..JOINTS {
                    for axis in 0..3 {
                        let gap = a[0][frame][joint][axis] - b[0][59 - frame][joint][axis];
                        assert!(
                            gap.abs() < 0.08,
                            "noise aside, frame {frame} joint {joint}: {gap}"
                        );
                    }
                }
            }
        }
    }
}
