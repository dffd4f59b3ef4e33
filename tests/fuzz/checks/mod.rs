//! What must hold of any input, however it was made: shared by the fuzz targets and the test that replays their corpus.
#![allow(dead_code, reason = "each fuzz target uses its own check")]

pub mod archive;
pub mod own_clips;
pub mod prepared;
pub mod skeleton_text;

use sinew::error::Error;
use sinew::formats::MOST_COORDINATE;
use sinew::loader;
use sinew::settings::{Actors, Centre, Data, People, Sampling, Turn};
use sinew::skeleton::{Clip, Layout};

/// A refusal is one line for people, or a list of such lines: nothing of the input reaches the terminal as it is.
fn refusal(error: &Error) {
    if let Error::Several { errors, .. } = error {
        return errors.iter().for_each(refusal);
    }
    let line = error.to_string();
    assert!(!line.contains(char::is_control), "{line:?}");
    assert!(line.len() < 4000, "{} bytes: {line}", line.len());
}

/// A joint is there, within reach, or it is missing.
fn joint(point: &[f32]) {
    let there = point.iter().all(|x| x.abs() <= MOST_COORDINATE);
    assert!(there || point.iter().all(|x| x.is_nan()), "{point:?}");
}

/// A clip of the layout has the numbers that it says, and every way to an input gives finite ones.
fn clip(clip: &Clip, layout: &Layout) {
    assert_eq!(clip.joints, layout.len());
    assert!(clip.bodies > 0 && clip.frames > 0);
    assert_eq!(clip.data.len(), clip.bodies * clip.frames * clip.joints * 3);
    let ways = [
        (
            Sampling::Uniform,
            Centre::Frame,
            Turn::Frame,
            People::Average,
            Actors::Published,
        ),
        (
            Sampling::Ends,
            Centre::FirstFrame,
            Turn::FirstFrame,
            People::Average,
            Actors::Reference,
        ),
        (
            Sampling::Segments,
            Centre::Frame,
            Turn::Frame,
            People::Concatenate,
            Actors::All,
        ),
    ];
    for (sampling, centre, turn, people, actors) in ways {
        let data = Data {
            frames: 4,
            sampling,
            test_clips: 2,
            centre,
            turn,
            people,
            actors,
            bones: true,
            motion: true,
            test_turn: 0.0,
            test_swap: false,
            scale: [1.0; 3],
        };
        let batch = loader::from_clip(clip, layout, &data, 1).expect("settings that fit");
        let size = batch.len() * batch.frames * batch.joints * batch.channels;
        assert_eq!(batch.x.len(), size);
        assert!(batch.x.iter().all(|x| x.is_finite()), "{data:?}");
    }
}
