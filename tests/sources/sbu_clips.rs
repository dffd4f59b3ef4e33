//! SBU's rows of two people go in whole, and a row that is not sound is named with its line.

use crate::skeleton_text::{folder, prepared, refused, zip};
use sinew::shards::Prepared;
use tempfile::tempdir;

const ENTRY: &str = "s03s05/02/004/skeleton_pos.txt";

/// A number of a row: `column` 0 to 89 are the first person's 15 joints × (x, y, z), then the second's.
fn number(frame: usize, column: usize) -> f32 {
    (frame * 90 + column) as f32 / 512.0
}

fn text(frames: usize) -> String {
    let row = |frame: usize| {
        let numbers = (0..90).map(|column| number(frame, column).to_string());
        let numbers: Vec<String> = numbers.collect();
        format!("{},{}\n", frame + 1, numbers.join(","))
    };
    (0..frames).map(row).collect()
}

#[test]
fn two_people_of_fifteen_joints() {
    let dir = tempdir().unwrap();
    let plain = text(6);
    for (index, text) in [
        plain.clone(),
        plain.replace('\n', "\r\n"),
        plain.trim_end().into(),
        plain.replace(',', ", "),
    ]
    .into_iter()
    .enumerate()
    {
        let sources = [
            folder(&dir.path().join(format!("set{index}")), &[(ENTRY, &text)]),
            zip(&dir.path().join(format!("{index}.zip")), &[(ENTRY, &text)]),
        ];
        for (kind, source) in sources.iter().enumerate() {
            let out = dir.path().join(format!("out{index}-{kind}"));
            prepared(source, &out).unwrap();
            let data = Prepared::open(&out).unwrap();
            let (entry, clip) = (&data.manifest().clips[0], data.clip(0).unwrap());
            assert_eq!((entry.name.as_str(), entry.label), ("s03s05-02-004", 1));
            assert_eq!(
                (entry.about.pair, entry.ids.join(" ")),
                (Some([3, 5]), "3 5".into())
            );
            assert_eq!((clip.bodies, clip.frames, clip.joints), (2, 6, 15));
            for person in 0..2 {
                for frame in 0..6 {
                    let expected: Vec<f32> =
                        (0..45).map(|at| number(frame, person * 45 + at)).collect();
                    assert_eq!(clip.frame(person, frame), expected);
                }
            }
        }
    }
}

#[test]
fn each_fault_is_named_with_its_line() {
    let dir = tempdir().unwrap();
    let second = |row: &str| {
        let plain = text(3);
        let mut lines: Vec<&str> = plain.lines().collect();
        lines[1] = row;
        lines.join("\n")
    };
    let row = text(2).lines().nth(1).unwrap().to_string();
    let with = |word: &str| row.replacen(&format!(",{},", number(1, 3)), &format!(",{word},"), 1);
    let cases = [
        (second(&with("NaN")), "line 2: \"NaN\" is not a coordinate"),
        (second(&with("1e7")), "line 2: \"1e7\" is not a coordinate"),
        (second(&with("x")), "line 2: \"x\" is not a coordinate"),
        (
            second(&format!("{row},1")),
            "line 2: 92 numbers instead of 91",
        ),
        (second(""), "line 2: 1 number instead of 91"),
        (text(3)[..900].to_string(), "instead of 91"),
        (String::new(), "no frames"),
    ];
    for (text, what) in cases {
        let source = zip(&dir.path().join("a.zip"), &[(ENTRY, &text)]);
        let message = refused(&source, &dir.path().join("out"));
        assert!(
            message.contains(what) && message.contains(ENTRY),
            "{what}: {message}"
        );
    }
}
