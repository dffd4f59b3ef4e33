//! Statistics over the arrays of a dataset that reveal common mistakes: confidence scores read as z, and zeros in place of
//! NaN for missing joints.

use serde::{Deserialize, Serialize};

use crate::error::{Place, Warning};
use crate::skeleton::{Clip, Layout};
use crate::text::counted;

/// Counts over all clips so far. It is saved in the journal with each shard, so that a resumed preparation warns about all
/// clips.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Tally {
    /// Number of clips.
    clips: usize,
    /// Minimum and maximum of z; `None` before the first joint.
    z: Option<[f32; 2]>,
    /// Frames of a person in which every joint is at zero: their number, the number of clips with such frames, and the first
    /// one as clip and frame.
    zero_frames: usize,
    with_zero_frames: usize,
    first_zero_frame: Option<(String, usize)>,
    /// The first person of each clip, and all others. Data are often centred on a joint of the first person.
    people: [Person; 2],
    /// Number of clips with single joints at zero, and of clips in which these are more than one joint that may be the
    /// origin.
    with_zero_joints: usize,
    with_more_than_origins: usize,
}

/// Single joints at zero: frames in which all joints are at zero are not counted here.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Person {
    /// Number of frames counted.
    frames: usize,
    /// Counts by joint.
    joints: Vec<Joint>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Joint {
    /// Number of frames in which the joint is at zero.
    zeros: usize,
    /// Number of clips in whose first frame it is at zero.
    at_start: usize,
    /// The first such frame, as clip and frame.
    first: Option<(String, usize)>,
}

/// Whether `zeros` is at least 95 % of `of`: such a joint is the origin of the data.
fn nearly_all(zeros: usize, of: usize) -> bool {
    of > 0 && zeros * 20 >= of * 19
}

impl Tally {
    /// Adds a clip. Clips must come in order.
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
            person.merge(here);
        }
    }

    /// Examines the joints of one person in one frame: returns the number present, and fills `at_zero` with those at zero.
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

    /// The warnings, at most one per kind, for the dataset at `place`.
    pub fn warnings(&self, layout: &Layout, place: &Place) -> Vec<Warning> {
        let warnings = [self.scores(layout, place), self.zeros(layout, place)];
        warnings.into_iter().flatten().collect()
    }

    /// Confidence scores that are read as z.
    fn scores(&self, layout: &Layout, place: &Place) -> Option<Warning> {
        let [least, most] = self.z?;
        let unit = layout.unit.trim().to_lowercase();
        let pixels = matches!(unit.as_str(), "pixel" | "pixels" | "px");
        if !pixels || least < 0.0 || most > 1.0 || least == most {
            return None;
        }
        let what = format!(
            "the third value of all joints in {} is between {least} and {most}, and the unit is {:?}: these look like \
             confidence scores but are read as z",
            counted(self.clips, "clip"),
            layout.unit
        );
        let help =
            "save only the first two values (clip[..., :2]), with NaN where the confidence is low";
        Some(Warning::new(place.clone(), what, help))
    }

    /// Joints at exactly zero that are probably missing.
    fn zeros(&self, layout: &Layout, place: &Place) -> Option<Warning> {
        // The layout states what zeros mean.
        if layout.zeros.is_some() {
            return None;
        }
        let named = |joint: usize| format!("joint {joint} ({})", layout.joints[joint]);
        let origins = [0, 1].map(|role| self.origin(role, layout));
        let mut found = Vec::new();
        if let Some((clip, frame)) = &self.first_zero_frame {
            found.push(format!(
                "all joints of a person in {}, in {} of {}, first in frame {frame} of clip {clip}",
                counted(self.zero_frames, "frame"),
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
                "{} in {clips} of {}, first {} in frame {frame} of clip {clip}",
                counted(joints, "single joint"),
                counted(self.clips, "clip"),
                named(index)
            ));
        }
        if found.is_empty() {
            return None;
        }
        let what = format!(
            "joints exactly at zero, which are probably missing: {}",
            found.join("; ")
        );
        let help = match origin {
            None => "write NaN for missing joints, or set zeros = \"missing\" in layout.toml (zeros = \"position\" if they \
                     are real positions), then prepare again"
                .into(),
            Some(origin) => format!(
                "write NaN for missing joints, or set zeros = \"position\" in layout.toml if they are real positions; \
                 zeros = \"missing\" would also drop {}, which is the origin of this data",
                named(origin)
            ),
        };
        Some(Warning::new(place.clone(), what, help))
    }

    /// The joint on which the data of the first person (`role` 0) or the other people (1) is centred, if any.
    fn origin(&self, role: usize, layout: &Layout) -> Option<usize> {
        let Person { frames, joints } = &self.people[role];
        let always = |joint: &Joint| nearly_all(joint.zeros, *frames);
        // Centred on its position in the first frame.
        let at_start = |joint: &Joint| {
            nearly_all(joint.at_start, self.clips) && nearly_all(joint.at_start, joint.zeros)
        };
        let like = |is: &dyn Fn(&Joint) -> bool| {
            let all = joints.iter().enumerate().filter(|(_, joint)| is(joint));
            let all: Vec<usize> = all.map(|(index, _)| index).collect();
            match all[..] {
                [one] => Some(one),
                // Several joints cannot be in one place: all but the centre are missing.
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

    /// For the counts of a single clip: whether more joints are at zero than one that may be the origin.
    fn has_more_than_an_origin(&self) -> bool {
        let mut zeros = self.joints.iter().filter(|joint| joint.zeros > 0);
        match (zeros.next(), zeros.next()) {
            (Some(one), None) => !nearly_all(one.zeros, self.frames) && one.zeros > one.at_start,
            (one, _) => one.is_some(),
        }
    }

    /// Adds the counts of one clip.
    fn merge(&mut self, clip: Person) {
        self.frames += clip.frames;
        for (joint, here) in self.joints.iter_mut().zip(clip.joints) {
            joint.zeros += here.zeros;
            joint.at_start += here.at_start;
            joint.first = joint.first.take().or(here.first);
        }
    }
}
