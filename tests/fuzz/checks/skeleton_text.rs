//! A clip's text: what is taken is what a plain reader takes, and written down and read again it is the same.

use std::fmt::Write;

use sinew::error::{Error, Place};
use sinew::formats::ntu::{Tracks, parse};
use sinew::formats::{MOST_COORDINATE, MOST_TENSOR};

use super::{joint, refusal};

/// Numbers of a body in a frame.
const STRIDE: usize = 75;

pub fn check(text: &[u8]) {
    let place = Place::file("clip.skeleton");
    let plain = plain(text);
    match parse(text, &place) {
        Ok(tracks) => {
            whole(&tracks);
            let plain = plain.expect("a plain reader takes it too");
            assert!(same(&tracks, &plain), "{tracks:?} {plain:?}");
            let again = parse(written(&tracks).as_bytes(), &place).expect("what was read is sound");
            assert!(same(&tracks, &again), "{tracks:?} {again:?}");
        }
        Err(error) => {
            refusal(&error);
            assert_eq!(plain, None, "{error}");
            let Error::Input { place, .. } = error else {
                panic!("{error:?}");
            };
            let lines = text.split(|byte| *byte == b'\n').count();
            assert!(place.line.is_none_or(|line| (1..=lines).contains(&line)));
        }
    }
}

/// Every body is whole or absent in a frame, is there at some time, and they are in the order of their first frame.
fn whole(tracks: &Tracks) {
    let (bodies, frames) = (tracks.ids.len(), tracks.frames);
    assert!(bodies > 0 && frames > 0);
    assert_eq!(tracks.data.len(), bodies * frames * STRIDE);
    assert!(tracks.data.len() * 4 <= MOST_TENSOR);
    let mut last = 0;
    for (body, id) in tracks.ids.iter().enumerate() {
        assert!(!tracks.ids[..body].contains(id), "{id} twice");
        let all = &tracks.data[body * frames * STRIDE..(body + 1) * frames * STRIDE];
        for frame in all.chunks_exact(STRIDE) {
            let absent = frame.iter().all(|x| x.is_nan());
            assert!(absent || !frame.iter().any(|x| x.is_nan()), "{frame:?}");
            frame.chunks_exact(3).for_each(joint);
        }
        let first = all
            .chunks_exact(STRIDE)
            .position(|frame| !frame[0].is_nan());
        let first = first.expect("a body is there at some time");
        assert!(
            first >= last,
            "body {body} comes before the one in front of it"
        );
        last = first;
    }
}

/// To the bit, for minus zero and NaN.
fn same(a: &Tracks, b: &Tracks) -> bool {
    let bits = |tracks: &Tracks| tracks.data.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    (a.frames, &a.ids, bits(a)) == (b.frames, &b.ids, bits(b))
}

fn written(tracks: &Tracks) -> String {
    let mut text = format!("{}\n", tracks.frames);
    for frame in 0..tracks.frames {
        let body = |body| &tracks.data[(body * tracks.frames + frame) * STRIDE..][..STRIDE];
        let here: Vec<usize> = (0..tracks.ids.len())
            .filter(|index| !body(*index)[0].is_nan())
            .collect();
        let _ = writeln!(text, "{}", here.len());
        for index in here {
            let _ = writeln!(text, "{} 0 1 1 1 1 0 0 0 2\n25", tracks.ids[index]);
            for point in body(index).chunks_exact(3) {
                let _ = writeln!(
                    text,
                    "{} {} {} 0 0 0 0 0 0 0 0 2",
                    point[0], point[1], point[2]
                );
            }
        }
    }
    text
}

/// The same format without a thought of speed or of what to tell the user.
fn plain<'a>(text: &'a [u8]) -> Option<Tracks> {
    let mut lines = text.split(|byte| *byte == b'\n');
    let mut line = || lines.next();
    let number = |word: &[u8]| {
        let digits = word.iter().all(u8::is_ascii_digit);
        str::from_utf8(word)
            .ok()
            .filter(|_| digits)?
            .parse::<u64>()
            .ok()
    };
    let count = |line: &[u8]| number(line.trim_ascii());
    let words = |line: &'a [u8]| -> Vec<&'a [u8]> {
        let words = line.split(|byte| *byte <= b' ');
        words.filter(|word| !word.is_empty()).collect()
    };
    let frames = count(line()?)? as usize;
    if frames > text.len() {
        return None;
    }
    let (mut ids, mut data) = (Vec::new(), Vec::new());
    for frame in 0..frames {
        let bodies = count(line()?).filter(|bodies| *bodies <= 6)?;
        let mut here = Vec::new();
        for _ in 0..bodies {
            let body = words(line()?);
            let id = number(body.first()?).filter(|_| body.len() == 10)?;
            count(line()?).filter(|joints| *joints == 25)?;
            let known = ids.iter().position(|known| *known == id);
            let body = known.unwrap_or_else(|| {
                ids.push(id);
                data.resize(data.len() + frames * STRIDE, f32::NAN);
                ids.len() - 1
            });
            if here.contains(&body) || data.len() * 4 > MOST_TENSOR {
                return None;
            }
            here.push(body);
            for joint in 0..25 {
                let words = words(line()?);
                let [x, y, z, _, _, _, _, _, _, _, _, _] = words[..] else {
                    return None;
                };
                for (axis, word) in [x, y, z].into_iter().enumerate() {
                    let x: f32 = str::from_utf8(word).ok()?.parse().ok()?;
                    let at = (body * frames + frame) * STRIDE + joint * 3 + axis;
                    data[at] = Some(x).filter(|x| x.abs() <= MOST_COORDINATE)?;
                }
            }
        }
    }
    let rest = lines.all(|line| line.trim_ascii().is_empty());
    (rest && !ids.is_empty()).then_some(Tracks { ids, frames, data })
}
