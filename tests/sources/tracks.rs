//! Every tracked body keeps its id and its place in time, whatever the text looks like.

use crate::skeleton_text::{coordinate, prepared, simple, text, zip};
use sinew::error::Place;
use sinew::formats::ntu::{Tracks, parse};
use sinew::shards::Prepared;
use tempfile::tempdir;

fn read(text: &str) -> Tracks {
    parse(text.as_bytes(), &Place::file("clip")).unwrap()
}

#[test]
fn bodies_that_come_and_go_keep_their_place_in_time() {
    let (a, b, c) = (u64::MAX, u64::MAX - 1, 72_057_594_037_931_101);
    let frames: [&[u64]; 7] = [&[], &[a], &[b, a], &[], &[c, b], &[a, b, c], &[]];
    let dir = tempdir().unwrap();
    let source = zip(
        &dir.path().join("a.zip"),
        &[("S003C002P007R001A050.skeleton", text(&frames))],
    );
    prepared(&source, &dir.path().join("out")).unwrap();
    let data = Prepared::open(dir.path().join("out")).unwrap();
    let entry = &data.manifest().clips[0];
    assert_eq!(
        entry.ids,
        [
            "18446744073709551615",
            "18446744073709551614",
            "72057594037931101"
        ]
    );
    assert_eq!(entry.spans, [[1, 5], [2, 5], [4, 5]]);
    assert_eq!((entry.label, entry.bodies, entry.frames), (49, 3, 7));
    assert_eq!(
        (entry.about.performer, entry.about.camera, entry.about.setup),
        (Some(7), Some(2), Some(3))
    );
    let clip = data.clip(0).unwrap();
    for (body, id) in [a, b, c].into_iter().enumerate() {
        for (frame, ids) in frames.iter().enumerate() {
            assert_eq!(
                clip.present(body, frame),
                ids.contains(&id),
                "body {id} in frame {frame}"
            );
            for (joint, found) in clip.frame(body, frame).chunks_exact(3).enumerate() {
                if clip.present(body, frame) {
                    assert_eq!(found, coordinate(frame, id, joint));
                } else {
                    assert!(found.iter().all(|x| x.is_nan()));
                }
            }
        }
    }
}

#[test]
fn line_ends_and_spaces_make_no_difference() {
    let plain = text(&[&[1, 2], &[2]]);
    let expected = read(&plain);
    let same = |text: &str| {
        let found = read(text);
        assert_eq!(found.ids, expected.ids);
        assert!(
            found
                .data
                .iter()
                .zip(&expected.data)
                .all(|(a, b)| a == b || (a.is_nan() && b.is_nan()))
        );
    };
    same(&plain.replace('\n', "\r\n"));
    same(plain.trim_end());
    same(plain.replace('\n', "\r\n").trim_end());
    same(&(plain.clone() + "\n\r\n  \n"));
    same(&plain.replace(' ', "  ").replace('\n', " \n"));
    same(&plain.replace(' ', "\t"));
}

#[test]
fn six_bodies_are_read() {
    let tracks = read(&text(&[&[1, 2, 3, 4, 5, 6]]));
    assert_eq!(tracks.ids, [1, 2, 3, 4, 5, 6]);
    assert_eq!(tracks.data.len(), 6 * 25 * 3);
}

#[test]
fn a_clip_that_is_dense_in_memory_alone_is_refused() {
    // Another id at every frame: half a megabyte of text would be a quarter of a gigabyte of coordinates.
    let ids: Vec<[u64; 1]> = (0..1000).map(|id| [id]).collect();
    let frames: Vec<&[u64]> = ids.iter().map(|id| &id[..]).collect();
    let error = parse(text(&frames).as_bytes(), &Place::file("clip"))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("at least 112 bodies over 1000 frames"),
        "{error}"
    );
    assert_eq!(read(&simple(1000)).frames, 1000);
}
