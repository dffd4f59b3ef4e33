//! A clip goes in as its tracker saw it, however its bodies come and go: made text and real text, edited.

use crate::clips;
use std::fs;

use crate::skeleton_text::{data, prepared, simple, zip};
use sinew::loader::people;
use sinew::settings::Actors;
use sinew::shards::Prepared;
use sinew::skeleton::Clip;
use sinew::skeleton::actors::{Actor, choose};
use tempfile::tempdir;

/// A tracked body: its line and its joints' lines.
#[derive(Clone)]
struct Body {
    id: u64,
    rest: String,
    joints: Vec<String>,
}

impl Body {
    /// The same body with every joint's x, y and z changed.
    fn changed(&self, id: u64, change: impl Fn([f32; 3]) -> [f32; 3]) -> Self {
        let joint = |line: &String| {
            let mut words: Vec<String> = line.split(' ').map(String::from).collect();
            let point = [0, 1, 2].map(|axis| words[axis].parse().unwrap());
            (0..3).for_each(|axis| words[axis] = change(point)[axis].to_string());
            words.join(" ")
        };
        let joints = self.joints.iter().map(joint).collect();
        let rest = self.rest.clone();
        Body { id, rest, joints }
    }
}

/// A clip as text has it: the bodies of each frame.
type Frames = Vec<Vec<Body>>;

/// Takes sound text apart, line by line.
fn apart(text: &str) -> Frames {
    let mut lines = text.lines().map(str::trim);
    let mut next = || lines.next().unwrap().to_string();
    let frames: usize = next().parse().unwrap();
    (0..frames)
        .map(|_| {
            let bodies: usize = next().parse().unwrap();
            (0..bodies)
                .map(|_| {
                    let line = next();
                    let (id, rest) = line.split_once(' ').unwrap();
                    let (id, rest) = (id.parse().unwrap(), rest.into());
                    let joints: usize = next().parse().unwrap();
                    let joints = (0..joints).map(|_| next()).collect();
                    Body { id, rest, joints }
                })
                .collect()
        })
        .collect()
}

/// Puts a clip together again.
fn together(frames: &Frames) -> String {
    let mut text = format!("{}\n", frames.len());
    for bodies in frames {
        text += &format!("{}\n", bodies.len());
        for Body { id, rest, joints } in bodies {
            text += &format!("{id} {rest}\n{}\n{}\n", joints.len(), joints.join("\n"));
        }
    }
    text
}

/// What the text prepares to, and the ids of its bodies.
fn read(text: &str) -> (Clip, Vec<String>) {
    let dir = tempdir().unwrap();
    let name = "S001C001P001R001A001.skeleton";
    let source = zip(&dir.path().join("a.zip"), &[(name, text)]);
    prepared(&source, &dir.path().join("out")).unwrap();
    let data = Prepared::open(dir.path().join("out")).unwrap();
    (data.clip(0).unwrap(), data.manifest().clips[0].ids.clone())
}

fn same(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}

/// Clips of one body that is there throughout: a made one, and real ones where they are.
fn whole() -> Vec<String> {
    let mut texts = vec![simple(60)];
    for name in ["S001C001P001R001A001", "S002C001P003R001A003"] {
        let sample = data(&format!("ntu/samples/{name}.skeleton"));
        texts.extend(sample.map(|path| fs::read_to_string(path).unwrap()));
    }
    texts
}

fn published(clip: &Clip) -> Vec<Actor> {
    choose(clip, Actors::Published)
}

#[test]
fn editing_nothing_changes_nothing() {
    for text in whole() {
        let (clip, ids) = read(&text);
        assert_eq!((clip.bodies, ids.len()), (1, 1));
        assert!(clip.frames >= 60);
        let again = read(&together(&apart(&text))).0;
        assert!(same(&again.data, &clip.data));
        for text in [
            text.replace("\r\n", "\n").replace('\n', "\r\n"),
            text.trim_end().to_string(),
            text.replace("\r\n", "\n")
                .replace('\n', "\r\n")
                .trim_end()
                .to_string(),
        ] {
            assert!(same(&read(&text).0.data, &clip.data));
        }
    }
}

#[test]
fn frames_without_bodies_keep_their_place_in_time() {
    for text in whole() {
        let before = read(&text).0;
        let mut frames = apart(&text);
        let last = frames.len() - 1;
        for empty in [0, 20, 21, 22, last] {
            frames[empty].clear();
        }
        let clip = read(&together(&frames)).0;
        assert_eq!((clip.bodies, clip.frames), (1, before.frames));
        for frame in 0..clip.frames {
            let empty = [0, 20, 21, 22, last].contains(&frame);
            assert_eq!(clip.present(0, frame), !empty);
            assert!(empty || same(clip.frame(0, frame), before.frame(0, frame)));
        }
        // A sample begins and ends with its people; in between nothing moves up.
        let sequence = people::sequences(&clip, &clips::plain(8)).remove(0);
        assert_eq!(sequence.frames, before.frames - 2);
        assert!(sequence.frame(0, 19).iter().all(|x| x.is_nan()));
        assert!(same(sequence.frame(0, 22), before.frame(0, 23)));
    }
}

#[test]
fn a_body_that_changes_its_id_is_one_actor() {
    for text in whole() {
        let before = read(&text).0;
        let mut frames = apart(&text);
        let (old, new) = (frames[0][0].id, u64::MAX - 7);
        for bodies in &mut frames[30..] {
            bodies[0].id = new;
        }
        let (clip, ids) = read(&together(&frames));
        assert_eq!(ids, [old.to_string(), new.to_string()]);
        assert_eq!(
            (clip.span(0), clip.span(1)),
            (Some([0, 29]), Some([30, clip.frames - 1]))
        );
        let actors = published(&clip);
        assert_eq!(actors.len(), 1);
        assert!(same(&actors[0].data, &before.data));
    }
}

#[test]
fn of_three_people_the_two_who_move_most_are_actors() {
    for text in whole() {
        let before = read(&text).0;
        let mut frames = apart(&text);
        for bodies in &mut frames {
            // One stands aside and moves half as much, one a tenth; they stand before the first in the text.
            let aside = |share: f32, at: f32| {
                move |[x, y, z]: [f32; 3]| [x * share + at, y * share, z * share]
            };
            let first = bodies[0].clone();
            bodies.insert(0, first.changed(5, aside(0.1, 2.0)));
            bodies.insert(1, first.changed(6, aside(0.5, -2.0)));
        }
        let (clip, ids) = read(&together(&frames));
        assert_eq!((clip.bodies, &ids[..2]), (3, &["5".into(), "6".into()][..]));
        assert!(same(clip.body(2), &before.data));
        let actors = published(&clip);
        assert_eq!(actors.len(), 2);
        assert!(same(&actors[0].data, clip.body(2)) && same(&actors[1].data, clip.body(1)));
    }
}

#[test]
fn ghosts_are_kept_in_the_data_and_are_no_actors() {
    for text in whole() {
        let before = read(&text).0;
        let frames = apart(&text);
        // Eleven frames of somebody, and something wide that is seen from the first frame to the last.
        let mut short = frames.clone();
        for bodies in &mut short[10..21] {
            let ghost = bodies[0].changed(9, |[x, y, z]| [x + 1.0, y, z]);
            bodies.push(ghost);
        }
        let mut wide = frames.clone();
        for bodies in &mut wide {
            let ghost = bodies[0].changed(9, |[x, y, z]| [9.0 * y, x / 9.0, z]);
            bodies.push(ghost);
        }
        for (edited, span) in [(short, [10, 20]), (wide, [0, before.frames - 1])] {
            let (clip, ids) = read(&together(&edited));
            assert_eq!(
                (clip.bodies, ids[1].as_str(), clip.span(1)),
                (2, "9", Some(span))
            );
            let actors = published(&clip);
            assert_eq!(actors.len(), 1, "the ghost of frames {span:?}");
            assert!(same(&actors[0].data, &before.data));
        }
        // Twelve frames are somebody.
        let mut longer = frames;
        for bodies in &mut longer[10..22] {
            let second = bodies[0].changed(9, |[x, y, z]| [x + 1.0, y, z]);
            bodies.push(second);
        }
        assert_eq!(published(&read(&together(&longer)).0).len(), 2);
    }
}

#[test]
fn bodies_that_come_and_go_are_present_where_they_were_seen() {
    for text in whole() {
        let before = read(&text).0;
        let mut frames = apart(&text);
        let id = frames[0][0].id;
        for (frame, bodies) in frames.iter_mut().enumerate() {
            let second = bodies[0].changed(id + 1, |[x, y, z]| [x, y, z + 1.0]);
            match frame % 4 {
                0 => {}
                1 => bodies.insert(0, second),
                2 => bodies[0] = second,
                _ => bodies.push(second),
            }
        }
        let (clip, ids) = read(&together(&frames));
        assert_eq!(ids, [id.to_string(), (id + 1).to_string()]);
        for frame in 0..clip.frames {
            assert_eq!(clip.present(0, frame), frame % 4 != 2);
            assert_eq!(clip.present(1, frame), frame % 4 != 0);
            assert!(frame % 4 == 2 || same(clip.frame(0, frame), before.frame(0, frame)));
        }
    }
}
