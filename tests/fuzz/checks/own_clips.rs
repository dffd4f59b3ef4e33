//! Own clips: whatever table, layout and arrays are given, what is read is sound.
//!
//! An input is `layout.toml`, `clips.csv`, `classes.txt` and an array's bytes, with zero bytes between them. The set
//! has the array twice: as it is, and as numbers under a header that fits the layout.

use std::fs;
use std::path::Path;

use sinew::error::{Place, Result};
use sinew::formats::{Catalogue, Dataset, MOST_COORDINATE, MOST_TENSOR, Recording};
use sinew::skeleton::{Layout, Zeros};

use super::{joint, refusal};

pub fn check(bytes: &[u8]) {
    let mut parts = bytes.splitn(4, |byte| *byte == 0);
    let [layout, table, classes, array] = [(); 4].map(|()| parts.next().unwrap_or_default());
    let folder = tempfile::tempdir().expect("a folder");
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect(name);
        path
    };
    // A layout that is refused must not keep the array from being read.
    let skeleton = skeleton(layout).unwrap_or_else(Layout::sbu15);
    let raw = put("raw.npy", array);
    fs::create_dir(folder.path().join("in")).expect("a folder");
    let made = Made::new(array, skeleton.len());
    let fitting = put("in/made.npy", &made.file());
    if let Ok(Err(error)) = alone(&raw, &skeleton) {
        refusal(&error);
    }
    match (
        alone(&fitting, &skeleton).expect("an array"),
        made.plain(&skeleton),
    ) {
        (Ok(recording), Some((ids, data))) => {
            assert_eq!((&recording.ids, recording.clip.frames), (&ids, made.frames));
            let same = |(a, b): (&f32, &f32)| a == b || (a.is_nan() && b.is_nan());
            assert!(recording.clip.data.iter().zip(&data).all(same), "{data:?}");
            assert_eq!(recording.clip.data.len(), data.len());
        }
        (Err(error), None) => refusal(&error),
        (recording, plain) => panic!("{recording:?} where {plain:?} was expected"),
    }
    for (name, part) in [
        ("layout.toml", layout),
        ("clips.csv", table),
        ("classes.txt", classes),
    ] {
        if !part.is_empty() {
            put(name, part);
        }
    }
    set(folder.path());
}

/// Reads a layout, which can then be written and read again.
fn skeleton(bytes: &[u8]) -> Option<Layout> {
    let place = Place::file("layout.toml");
    match Layout::from_toml(str::from_utf8(bytes).ok()?, &place) {
        Ok(layout) => {
            assert_eq!(layout.check(), Ok(()));
            let text = toml::to_string(&layout).expect("a layout is TOML");
            assert_eq!(
                Layout::from_toml(&text, &place).expect("it was sound"),
                layout
            );
            Some(layout)
        }
        Err(error) => {
            refusal(&error);
            None
        }
    }
}

/// Reads the array that a file is, without a table.
fn alone(file: &Path, layout: &Layout) -> Result<Result<Recording>> {
    let catalogue = Catalogue::of_layout(&[file], layout)?;
    let read = catalogue.reader().read(&catalogue.items[0]);
    read.iter().for_each(|recording| sound(recording, layout));
    Ok(read)
}

/// Reads all that a folder's table lists.
fn set(folder: &Path) {
    let catalogue = match Catalogue::open(&[folder], Some(Dataset::Clips)) {
        Ok(catalogue) => catalogue,
        Err(error) => return refusal(&error),
    };
    assert_eq!(catalogue.layout.check(), Ok(()));
    catalogue.problems.iter().for_each(refusal);
    let names: Vec<_> = catalogue.items.iter().map(|item| &item.name).collect();
    assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
    let mut reader = catalogue.reader();
    for item in &catalogue.items {
        assert!(
            item.label
                .is_some_and(|label| label < catalogue.classes.len())
        );
        match reader.read(item) {
            Ok(recording) => sound(&recording, &catalogue.layout),
            Err(error) => refusal(&error),
        }
    }
}

/// People are there at some time, joints are whole.
fn sound(recording: &Recording, layout: &Layout) {
    let Recording { clip, ids, .. } = recording;
    assert!(clip.data.len() * 4 <= MOST_TENSOR);
    assert_eq!(clip.bodies, ids.len());
    clip.data.chunks_exact(3).for_each(joint);
    for body in 0..clip.bodies {
        assert!(!ids[..body].contains(&ids[body]));
        assert!(
            clip.span(body).is_some(),
            "person {} never appears",
            ids[body]
        );
    }
    super::clip(clip, layout);
}

/// An array of the input's bytes whose header fits a layout.
struct Made<'a> {
    /// `<f4`, `>f4`, `<f8` or `>f8`.
    kind: &'static str,
    /// None leaves the axis out.
    people: Option<usize>,
    frames: usize,
    joints: usize,
    dimensions: usize,
    numbers: &'a [u8],
}

impl<'a> Made<'a> {
    /// The first byte says which kind of array; the others are its numbers, up to the last whole frame.
    fn new(bytes: &'a [u8], joints: usize) -> Self {
        let (first, numbers) = bytes.split_first().unwrap_or((&0, &[]));
        let kind = ["<f4", ">f4", "<f8", ">f8"][usize::from(first & 3)];
        let dimensions = 2 + usize::from(first >> 2 & 1);
        let people = (first >> 3 & 3).checked_sub(1).map(usize::from);
        let size = usize::from(kind.as_bytes()[2] - b'0');
        let frame = people.unwrap_or(1) * joints * dimensions * size;
        let frames = numbers.len().checked_div(frame).unwrap_or(1);
        let numbers = &numbers[..frames * frame];
        Made {
            kind,
            people,
            frames,
            joints,
            dimensions,
            numbers,
        }
    }

    fn file(&self) -> Vec<u8> {
        let people = self
            .people
            .map_or(String::new(), |people| format!("{people}, "));
        let shape = format!(
            "({people}{}, {}, {})",
            self.frames, self.joints, self.dimensions
        );
        let kind = self.kind;
        let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let length = (header.len() as u16).to_le_bytes();
        [
            b"\x93NUMPY\x01\x00",
            &length[..],
            header.as_bytes(),
            self.numbers,
        ]
        .concat()
    }

    /// The people who appear and their coordinates; none where the array is no clip.
    fn plain(&self, layout: &Layout) -> Option<(Vec<String>, Vec<f32>)> {
        fn four(b: &[u8]) -> [u8; 4] {
            b.try_into().expect("four bytes")
        }
        fn eight(b: &[u8]) -> [u8; 8] {
            b.try_into().expect("eight bytes")
        }
        let (size, number): (usize, fn(&[u8]) -> f32) = match self.kind {
            "<f4" => (4, |b| f32::from_le_bytes(four(b))),
            ">f4" => (4, |b| f32::from_be_bytes(four(b))),
            "<f8" => (8, |b| f64::from_le_bytes(eight(b)) as f32),
            _ => (8, |b| f64::from_be_bytes(eight(b)) as f32),
        };
        let numbers: Vec<f32> = self.numbers.chunks_exact(size).map(number).collect();
        if numbers.iter().any(|x| x.abs() > MOST_COORDINATE) {
            return None;
        }
        let (people, usual) = (
            self.people.unwrap_or(1),
            Layout::USUAL_PEOPLE.min(self.frames),
        );
        if people > layout.most_people.unwrap_or(usual.max(1)) {
            return None;
        }
        let person = self.frames * self.joints * self.dimensions;
        let (mut ids, mut data) = (Vec::new(), Vec::new());
        for (id, numbers) in numbers.chunks_exact(person.max(1)).enumerate() {
            let mut points = Vec::new();
            for point in numbers.chunks_exact(self.dimensions) {
                let z = point.get(2).unwrap_or(&0.0);
                let zero = point.iter().all(|x| *x == 0.0);
                let missing = zero && layout.zeros == Some(Zeros::Missing);
                let whole = !missing && !point.iter().any(|x| x.is_nan());
                points.extend(if whole {
                    [point[0], point[1], *z]
                } else {
                    [f32::NAN; 3]
                });
            }
            if points.iter().any(|x| !x.is_nan()) {
                ids.push(id.to_string());
                data.extend(points);
            }
        }
        (!ids.is_empty() && data.len() * 4 <= MOST_TENSOR).then_some((ids, data))
    }
}
