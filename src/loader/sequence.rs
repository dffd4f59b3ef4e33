//! Coordinates of one or two people over time, on their way from a clip to an input.

/// A coordinate farther from zero than this is none: prepared data stay far below, and what is made of them on the way
/// to an input stays finite.
const FARTHEST: f32 = 1e9;

/// Coordinates [people, frames, joints, 3] in C order; NaN where a person or joint is absent.
#[derive(Debug, Clone, PartialEq)]
pub struct Sequence {
    /// People: 1, or 2 when their coordinates are concatenated.
    pub people: usize,
    /// Frames.
    pub frames: usize,
    /// Joints of a person.
    pub joints: usize,
    /// Coordinates, people × frames × joints × 3 numbers.
    pub data: Vec<f32>,
}

impl Sequence {
    /// A sequence of a shape, everybody absent.
    #[must_use]
    pub fn absent(people: usize, frames: usize, joints: usize) -> Self {
        Sequence {
            people,
            frames,
            joints,
            data: vec![f32::NAN; people * frames * joints * 3],
        }
    }

    /// The index of a joint's x in `data`.
    fn at(&self, person: usize, frame: usize, joint: usize) -> usize {
        ((person * self.frames + frame) * self.joints + joint) * 3
    }

    /// A joint's position, if it is there: all three coordinates are numbers that a position can have.
    #[must_use]
    pub fn joint(&self, person: usize, frame: usize, joint: usize) -> Option<[f32; 3]> {
        if person >= self.people || frame >= self.frames || joint >= self.joints {
            return None;
        }
        let at = self.at(person, frame, joint);
        match self.data.get(at..at + 3) {
            Some(&[x, y, z]) => Some([x, y, z]).filter(|p| p.iter().all(|x| x.abs() <= FARTHEST)),
            _ => None,
        }
    }

    /// The joints of a person in a frame, each [x, y, z]; empty beyond the shape.
    pub fn points_mut(
        &mut self,
        person: usize,
        frame: usize,
    ) -> impl Iterator<Item = &mut [f32; 3]> {
        let inside = person < self.people && frame < self.frames;
        let start = if inside { self.at(person, frame, 0) } else { 0 };
        let end = if inside { start + self.joints * 3 } else { 0 };
        self.data
            .get_mut(start..end)
            .unwrap_or_default()
            .as_chunks_mut::<3>()
            .0
            .iter_mut()
    }

    /// Every joint of everybody, each [x, y, z], in the order of the data.
    pub fn all_mut(&mut self) -> impl Iterator<Item = &mut [f32; 3]> {
        self.data.as_chunks_mut::<3>().0.iter_mut()
    }

    /// The coordinates of one person in one frame, [joints, 3]; empty beyond the shape.
    #[must_use]
    pub fn frame(&self, person: usize, frame: usize) -> &[f32] {
        if person >= self.people || frame >= self.frames {
            return &[];
        }
        let at = self.at(person, frame, 0);
        self.data.get(at..at + self.joints * 3).unwrap_or_default()
    }

    /// The frames that `indices` name, in that order; absent where there is none.
    #[must_use]
    pub fn take(&self, indices: &[Option<usize>]) -> Sequence {
        let mut taken = Sequence::absent(self.people, indices.len(), self.joints);
        let size = (self.joints * 3).max(1);
        let slots = taken.data.chunks_exact_mut(size);
        let sources =
            (0..self.people).flat_map(|person| indices.iter().map(move |index| (person, *index)));
        for (slot, (person, index)) in slots.zip(sources) {
            let source = index.map_or(&[][..], |frame| self.frame(person, frame));
            if source.len() == slot.len() {
                slot.copy_from_slice(source);
            }
        }
        taken
    }
}
