//! What looks wrong about a set of arrays once all are read: confidences where z should be, and zeros where NaN should.

use serde::{Deserialize, Serialize};

use crate::error::{Place, Warning};
use crate::skeleton::{Clip, Layout};
use crate::text::counted;

/// What is counted over the clips of a set. It is written down with each finished shard, so that a preparation that was
/// interrupted and goes on warns of all clips.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Tally {
    /// Clips.
    clips: usize,
    /// Least and greatest third number; none before the first joint.
    z: Option<[f32; 2]>,
    /// Frames of people in which every joint is at zero, how many clips have some, and the first: clip and frame.
    zero_frames: usize,
    with_zero_frames: usize,
    first_zero_frame: Option<(String, usize)>,
    /// Each clip's first person, and all others: data are often moved so that a joint of the first is the origin.
    people: [Person; 2],
    /// Clips with single joints at zero, and those with more of them than one that might be the origin.
    with_zero_joints: usize,
    with_more_than_origins: usize,
}

/// Joints at zero in frames of people in which not all are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Person {
    /// Such frames.
    frames: usize,
    /// By joint.
    joints: Vec<Joint>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Joint {
    /// Frames in which it is at zero.
    zeros: usize,
    /// Clips in whose first frame it is.
    at_start: usize,
    /// The first of these frames: clip and frame.
    first: Option<(String, usize)>,
}

/// A joint at zero in so many of the frames, or nearly, lies at the origin.
fn nearly_all(zeros: usize, of: usize) -> bool {
    of > 0 && zeros * 20 >= of * 19
}

impl Tally {
    /// Counts a clip. Clips come in their order.
    pub fn add(&mut self, clip: &Clip) {
        self.clips += 1;
        for person in &mut self.people {
            person.joints.resize_with(clip.joints, Joint::default);
        }
        let zero_frames = self.zero_frames;
        let mut here = [Person::default(), Person::default()];
        for person in &mut here {
            person.joints.resize_with(clip.joints, Joint::default);
        }
        let mut at_zero = Vec::new();
        for body in 0..clip.bodies {
            let role = body.min(1);
            let mut started = role > 0;
            for (frame, points) in clip.body(body).chunks_exact(clip.stride()).enumerate() {
                let there = self.joints(points, &mut at_zero);
                if there == 0 {
                    continue;
                }
                let start = !std::mem::replace(&mut started, true);
                if at_zero.len() == there {
                    self.zero_frames += 1;
                    let first = || (clip.name.clone(), frame);
                    self.first_zero_frame.get_or_insert_with(first);
                    continue;
                }
                here[role].frames += 1;
                for &joint in &at_zero {
                    let joint = &mut here[role].joints[joint];
                    joint.zeros += 1;
                    joint.at_start += usize::from(start);
                    let first = || (clip.name.clone(), frame);
                    joint.first.get_or_insert_with(first);
                }
            }
        }
        self.with_zero_frames += usize::from(self.zero_frames > zero_frames);
        self.with_zero_joints += usize::from(here.iter().any(|person| person.zeros() > 0));
        self.with_more_than_origins +=
            usize::from(here.iter().any(Person::has_more_than_an_origin));
        for (person, here) in self.people.iter_mut().zip(here) {
            person.take(here);
        }
    }

    /// Looks at the joints of a person in a frame: how many are there, and which of these are at zero.
    fn joints(&mut self, points: &[f32], at_zero: &mut Vec<usize>) -> usize {
        at_zero.clear();
        let mut there = 0;
        for (joint, point) in points.chunks_exact(3).enumerate() {
            let z = point[2];
            if z.is_nan() {
                continue;
            }
            there += 1;
            let [least, most] = self.z.get_or_insert([z; 2]);
            (*least, *most) = (least.min(z), most.max(z));
            if point == [0.0; 3] {
                at_zero.push(joint);
            }
        }
        there
    }

    /// What looks wrong, a warning a kind. `place` is that of the set.
    pub fn warnings(&self, layout: &Layout, place: &Place) -> Vec<Warning> {
        let warnings = [self.scores(layout, place), self.zeros(layout, place)];
        warnings.into_iter().flatten().collect()
    }

    /// Confidences that were taken for z.
    fn scores(&self, layout: &Layout, place: &Place) -> Option<Warning> {
        let [least, most] = self.z?;
        let unit = layout.unit.trim().to_lowercase();
        let pixels = matches!(unit.as_str(), "pixel" | "pixels" | "px");
        if !pixels || least < 0.0 || most > 1.0 || least == most {
            return None;
        }
        let what = format!(
            "every third number of its {} clips is within {least} to {most}, and the unit is {:?}: they look like \
             confidence scores but are read as z",
            self.clips, layout.unit
        );
        let help =
            "save the first two numbers alone (clip[..., :2]), NaN where the confidence is low";
        Some(Warning::new(place.clone(), what, help))
    }

    /// Joints at exactly zero that were probably not found.
    fn zeros(&self, layout: &Layout, place: &Place) -> Option<Warning> {
        // Who says what zeros are knows of them.
        if layout.zeros.is_some() {
            return None;
        }
        let named = |joint: usize| format!("joint {joint} ({})", layout.joints[joint]);
        let origins = [0, 1].map(|role| self.origin(role, layout));
        let mut found = Vec::new();
        if let Some((clip, frame)) = &self.first_zero_frame {
            found.push(format!(
                "{} of people in {} of {}, the first in frame {frame} of clip {clip}",
                counted(self.zero_frames, "whole frame"),
                self.with_zero_frames,
                counted(self.clips, "clip")
            ));
        }
        let others = self
            .people
            .iter()
            .zip(origins)
            .flat_map(|(person, origin)| {
                let joints = person.joints.iter().enumerate();
                joints.filter(move |(index, joint)| joint.zeros > 0 && Some(*index) != origin)
            });
        let joints: usize = others.clone().map(|(_, joint)| joint.zeros).sum();
        let first = others.min_by_key(|(index, joint)| (&joint.first, *index));
        let origin = origins.into_iter().flatten().next();
        if let Some((
            index,
            Joint {
                first: Some((clip, frame)),
                ..
            },
        )) = first
        {
            let clips = match origin {
                Some(_) => self.with_more_than_origins,
                None => self.with_zero_joints,
            };
            found.push(format!(
                "{} in {clips} of {}, the first {} in frame {frame} of clip {clip}",
                counted(joints, "single joint"),
                counted(self.clips, "clip"),
                named(index)
            ));
        }
        if found.is_empty() {
            return None;
        }
        let what = format!(
            "exactly at zero, as if nothing had been found there: {}",
            found.join("; ")
        );
        let help = match origin {
            None => "write NaN where nothing was found, or set zeros = \"missing\" in layout.toml (zeros = \"position\" \
                     if they are meant), and prepare again"
                .into(),
            Some(origin) => format!(
                "write NaN where nothing was found, or set zeros = \"position\" in layout.toml if they are meant; \
                 {} is the origin of these data, which zeros = \"missing\" would leave out as well",
                named(origin)
            ),
        };
        Some(Warning::new(place.clone(), what, help))
    }

    /// The joint of the first or of the other people that lies at the origin since the data were moved there.
    fn origin(&self, role: usize, layout: &Layout) -> Option<usize> {
        let Person { frames, joints } = &self.people[role];
        let always = |joint: &Joint| nearly_all(joint.zeros, *frames);
        // Moved by where it is in the first frame.
        let at_start = |joint: &Joint| {
            nearly_all(joint.at_start, self.clips) && nearly_all(joint.at_start, joint.zeros)
        };
        let like = |is: &dyn Fn(&Joint) -> bool| {
            let all = joints.iter().enumerate().filter(|(_, joint)| is(joint));
            let all: Vec<usize> = all.map(|(index, _)| index).collect();
            match all[..] {
                [one] => Some(one),
                // Two joints are not in one place: all but the centre were not found.
                _ => all.into_iter().find(|index| *index == layout.centre),
            }
        };
        like(&always).or_else(|| like(&at_start))
    }
}

impl Person {
    fn zeros(&self) -> usize {
        self.joints.iter().map(|joint| joint.zeros).sum()
    }

    /// Of one clip: more joints are at zero somewhere than one that might be the origin.
    fn has_more_than_an_origin(&self) -> bool {
        let mut zeros = self.joints.iter().filter(|joint| joint.zeros > 0);
        match (zeros.next(), zeros.next()) {
            (Some(one), None) => !nearly_all(one.zeros, self.frames) && one.zeros > one.at_start,
            (one, _) => one.is_some(),
        }
    }

    /// Adds what was counted in a clip.
    fn take(&mut self, clip: Person) {
        self.frames += clip.frames;
        for (joint, here) in self.joints.iter_mut().zip(clip.joints) {
            joint.zeros += here.zeros;
            joint.at_start += here.at_start;
            joint.first = joint.first.take().or(here.first);
        }
    }
}
