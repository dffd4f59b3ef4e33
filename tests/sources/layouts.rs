//! Built-in layouts are sound, orders are as published, and what a layout does not name follows from its bones.

use sinew::error::Place;
use sinew::skeleton::{Axis, BuiltIn, Layout, Zeros};

fn read(text: &str) -> Result<Layout, String> {
    Layout::from_toml(text, &Place::file("layout.toml")).map_err(|error| error.to_string())
}

fn is_closed_walk(layout: &Layout, walk: &[usize]) -> bool {
    walk.first() == walk.last()
        && walk.windows(2).all(|pair| {
            layout.bones.iter().any(|[child, parent]| {
                [*child, *parent] == [pair[0], pair[1]] || [*parent, *child] == [pair[0], pair[1]]
            })
        })
}

#[test]
fn built_in_layouts_are_sound() {
    for (layout, joints, chain, traversal) in [
        (Layout::ntu25(), 25, 26, 47),
        (Layout::kinect20(), 20, 20, 39),
        (Layout::sbu15(), 15, 15, 29),
    ] {
        layout.check().unwrap();
        assert_eq!(layout.len(), joints, "{}", layout.name);
        assert_eq!(layout.bones.len(), joints - 1);
        assert_eq!(layout.chain.len(), chain);
        assert_eq!(layout.traversal.len(), traversal);
        assert_eq!(layout.parts.len(), 5);
        assert_eq!(layout.joints[layout.left_shoulder], "left shoulder");
        assert_eq!(layout.joints[layout.right_shoulder], "right shoulder");
        for (joint, name) in layout.joints.iter().enumerate() {
            let twin = name
                .replace("left", "RIGHT")
                .replace("right", "left")
                .replace("RIGHT", "right");
            assert_eq!(layout.joints[layout.mirror[joint]], twin);
        }
    }
}

#[test]
fn the_layout_for_keypoints_of_pictures_is_sound() {
    let text = include_str!("../../assets/layouts/coco17.toml");
    let layout = read(text).unwrap();
    assert_eq!((layout.len(), layout.parts.len()), (17, 5));
    assert!(is_closed_walk(&layout, &layout.traversal));
    let shoulders = [layout.left_shoulder, layout.right_shoulder].map(|j| &layout.joints[j]);
    assert_eq!(shoulders, ["left shoulder", "right shoulder"]);
    assert_eq!(
        layout
            .mirror
            .iter()
            .filter(|j| layout.mirror[**j] != **j)
            .count(),
        16
    );
}

#[test]
fn orders_of_the_25_joints_are_the_published_ones() {
    let layout = Layout::ntu25();
    let parts: Vec<_> = layout
        .parts
        .iter()
        .flat_map(|part| part.joints.clone())
        .collect();
    assert_eq!(
        parts,
        [
            23, 24, 11, 10, 9, 8, 4, 5, 6, 7, 22, 21, 19, 18, 17, 16, 12, 13, 14, 15, 3, 2, 20, 1,
            0
        ]
    );
    assert_eq!(
        layout
            .parts
            .iter()
            .map(|part| part.joints.len())
            .collect::<Vec<_>>(),
        [6, 6, 4, 4, 5]
    );
    assert_eq!(
        layout.chain,
        [
            23, 24, 11, 10, 9, 8, 20, 4, 5, 6, 7, 21, 22, 3, 2, 20, 1, 0, 19, 18, 17, 16, 12, 13,
            14, 15
        ]
    );
    assert_eq!(
        layout.traversal[..10],
        [20, 8, 9, 10, 11, 23, 24, 23, 11, 10]
    );
    assert_eq!(
        layout.traversal[37..],
        [12, 13, 14, 15, 14, 13, 12, 0, 1, 20]
    );
}

#[test]
fn the_walks_of_the_smaller_skeletons_follow_their_bones() {
    for layout in [Layout::kinect20(), Layout::sbu15()] {
        assert!(
            is_closed_walk(&layout, &layout.traversal),
            "{}",
            layout.name
        );
    }
}

const PERSON: &str = "
name = 'person'
unit = 'pixel'
up = '-y'
joints = ['hips', 'chest', 'head', 'l_shoulder', 'l_hand', 'r_shoulder', 'r_hand', 'leftFoot', 'rightFoot']
bones = [[1, 0], [2, 1], [3, 1], [4, 3], [5, 1], [6, 5], [7, 0], [8, 0]]
";

#[test]
fn what_is_not_named_is_derived() {
    let layout = read(PERSON).unwrap();
    assert_eq!(layout.mirror, [0, 1, 2, 5, 6, 3, 4, 8, 7]);
    assert_eq!(
        [layout.centre, layout.left_shoulder, layout.right_shoulder],
        [0, 3, 5]
    );
    assert_eq!(layout.spine, [0, 1]);
    let parts: Vec<_> = layout
        .parts
        .iter()
        .map(|part| (part.name.as_str(), part.joints.as_slice()))
        .collect();
    let expected: [(&str, &[usize]); 5] = [
        ("l_shoulder", &[3, 4]),
        ("r_shoulder", &[5, 6]),
        ("leftFoot", &[7]),
        ("rightFoot", &[8]),
        ("trunk", &[0, 1, 2]),
    ];
    assert_eq!(parts, expected);
    assert_eq!(layout.chain, [3, 4, 5, 6, 7, 8, 0, 1, 2]);
    assert!(is_closed_walk(&layout, &layout.traversal));
    assert_eq!(layout.traversal.len(), 2 * 9 - 1);
}

#[test]
fn without_sides_each_branch_is_a_part() {
    let text = "name='hand'\nunit='metre'\nup='+y'\njoints=['a','b','c','d','e']\nbones=[[1,0],[2,1],[3,0],[4,3]]";
    let layout = read(text).unwrap();
    let parts: Vec<_> = layout
        .parts
        .iter()
        .map(|part| part.joints.clone())
        .collect();
    assert_eq!(parts, [vec![1, 2], vec![3, 4], vec![0]]);
    assert_eq!(layout.mirror, [0, 1, 2, 3, 4]);
    let point = read("name='point'\nunit='metre'\nup='+y'\njoints=['a']\nbones=[]").unwrap();
    assert_eq!(
        (point.traversal, point.chain, point.parts.len()),
        (vec![0], vec![0], 1)
    );
}

#[test]
fn built_in_layouts_have_names() {
    let names: Vec<&str> = BuiltIn::all().iter().map(|known| known.name).collect();
    assert_eq!(names, ["ntu25", "sbu15", "kinect20", "coco17"]);
    for known in BuiltIn::all() {
        let layout = known.layout();
        assert_eq!(layout.name, known.name);
        assert_eq!(read(known.text).unwrap(), layout);
        assert_eq!(read(&format!("layout = '{}'", known.name)).unwrap(), layout);
        assert!(known.about().len() > 10, "{}", known.about());
        // What the text of old manifests and exports does not have is not written.
        let written = serde_json::to_string(&layout).unwrap();
        assert!(
            !written.contains("zeros") && !written.contains("most_people"),
            "{written}"
        );
        assert_eq!(serde_json::from_str::<Layout>(&written).unwrap(), layout);
    }
    assert_eq!(BuiltIn::nearest("Kinect-20"), "kinect20");
}

#[test]
fn beside_a_built_in_name_stands_what_does_not_hang_on_joints() {
    let text = "\u{feff}layout = 'kinect20'\r\nunit = 'millimetre'\r\nup = '-y'\r\naspect = [1, 1, 2]\r\n\
        zeros = 'missing'\r\nmost_people = 10\r\n";
    let layout = read(text).unwrap();
    let expected = Layout {
        unit: "millimetre".into(),
        up: Axis::MinusY,
        aspect: [1, 1, 2],
        zeros: Some(Zeros::Missing),
        most_people: Some(10),
        ..Layout::kinect20()
    };
    assert_eq!(layout, expected);
    let written = toml::to_string(&layout).unwrap();
    assert_eq!(read(&written).unwrap(), layout);
    let own = read(&format!("{PERSON}zeros = 'position'\nmost_people = 7\n")).unwrap();
    assert_eq!(
        (own.zeros, own.most_people),
        (Some(Zeros::Position), Some(7))
    );
}
