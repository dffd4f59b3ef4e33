//! A layout that cannot be used is refused with what is wrong and the line where it stands.

use sinew::error::Place;
use sinew::skeleton::Layout;

/// Sound; every list stands on lines of its own.
const PERSON: &str = "name = 'person'
unit = 'pixel'
up = '-y'
joints = [
    'hips',
    'head',
    'left hand',
    'right hand',
]
bones = [
    [1, 0],
    [2, 0],
    [3, 0],
]
parts = [
    { name = 'arms', joints = [2, 3] },
    { name = 'trunk', joints = [0, 1] },
]
chain = [
    2, 0, 1,
    3,
]
traversal = [0, 1, 0, 2, 0, 3, 0]
centre = 0
left_shoulder = 2
right_shoulder = 3
spine = [0, 1]
mirror = [
    0, 1,
    3,
    2,
]
aspect = [4, 3, 2]
";

fn read(text: &str) -> Result<Layout, String> {
    Layout::from_toml(text, &Place::file("layout.toml")).map_err(|error| error.to_string())
}

#[test]
fn it_is_sound_as_it_stands() {
    let layout = read(PERSON).unwrap();
    layout.check().unwrap();
    assert_eq!(
        (layout.len(), layout.chain.len(), layout.aspect),
        (4, 4, [4, 3, 2])
    );
    assert_eq!(read(&PERSON.replace('\n', "\r\n")).unwrap(), layout);
}

#[test]
fn faults_point_at_their_line() {
    let cases = [
        // Text that is no TOML, or says what is not asked.
        ("up = '-y'", "up = '-y", "", 3),
        ("[2, 0],", "[2, 0],,", "", 12),
        ("unit =", "units =", "unknown field `units`", 2),
        ("centre = 0", "center = 0", "unknown field `center`", 24),
        (
            "joints = [2, 3]",
            "joint = [2, 3]",
            "unknown field `joint`",
            16,
        ),
        ("up = '-y'\n", "", "missing field `up`", 1),
        ("centre = 0", "centre = 0\ncentre = 1", "duplicate key", 25),
        // Other types.
        ("up = '-y'", "up = 'down'", "unknown variant `down`", 3),
        ("up = '-y'", "up = 2", "", 3),
        ("'head'", "7", "expected a string", 6),
        (
            "[2, 0]",
            "[2, 0, 1]",
            "`bones`: expected 2 numbers, found 3",
            12,
        ),
        ("[2, 0]", "[2]", "`bones`: expected 2 numbers, found 1", 12),
        (
            "spine = [0, 1]",
            "spine = [0, 1, 2]",
            "`spine`: expected 2 numbers, found 3",
            27,
        ),
        ("[2, 0]", "[2, -1]", "", 12),
        ("[2, 0]", "['head', 0]", "expected usize", 12),
        ("centre = 0", "centre = 0.5", "expected usize", 24),
        ("centre = 0", "centre = [0]", "expected usize", 24),
        (
            "aspect = [4, 3, 2]",
            "aspect = [4, 3]",
            "`aspect`: expected 3 numbers, found 2",
            33,
        ),
        // Joints.
        ("'head'", "'hips'", "`joints`: duplicate joint \"hips\"", 6),
        // Bones.
        (
            "[2, 0]",
            "[2, 9]",
            "`bones`: there is no joint 9: 4 joints are numbered from 0 to 3",
            12,
        ),
        ("[2, 0]", "[4, 0]", "`bones`: there is no joint 4", 12),
        ("[2, 0]", "[2, 2]", "`bones`: joint 2 is its own parent", 12),
        ("[2, 0]", "[1, 2]", "`bones`: joint 1 has two parents", 12),
        (
            "    [3, 0],\n",
            "",
            "`bones`: joints 0 and 3 both have no parent",
            10,
        ),
        (
            "    [3, 0],\n",
            "    [3, 0], [0, 1],\n",
            "`bones`: the bones form a cycle",
            10,
        ),
        (
            "[2, 0],\n    [3, 0]",
            "[2, 3],\n    [3, 2]",
            "`bones`: joint 2 is in a cycle",
            12,
        ),
        // Parts and orders.
        ("[2, 3] }", "[2, 30] }", "`parts`: there is no joint 30", 16),
        (
            "[0, 1] }",
            "[0, 1, 3] }",
            "`parts`: joint 3 (right hand) is in 2 places",
            17,
        ),
        (
            "[0, 1] }",
            "[] }",
            "`parts`: the part \"trunk\" has no joints",
            17,
        ),
        (
            "[0, 1] }",
            "[0] }",
            "`parts`: joint 1 (head) is in no part",
            15,
        ),
        (
            "    3,\n]\ntraversal",
            "    5,\n]\ntraversal",
            "`chain`: there is no joint 5",
            21,
        ),
        (
            "    3,\n]\ntraversal",
            "]\ntraversal",
            "`chain`: joint 3 (right hand) is missing",
            19,
        ),
        (
            "[0, 1, 0, 2, 0, 3, 0]",
            "[0, 1, 0, 2, 0]",
            "`traversal`: joint 3 (right hand) is missing",
            23,
        ),
        // Single joints.
        (
            "centre = 0",
            "centre = 4",
            "`centre`: there is no joint 4",
            24,
        ),
        (
            "left_shoulder = 2",
            "left_shoulder = 4",
            "`left_shoulder`: there is no joint 4",
            25,
        ),
        (
            "right_shoulder = 3",
            "right_shoulder = 4",
            "`right_shoulder`: there is no joint 4",
            26,
        ),
        (
            "spine = [0, 1]",
            "spine = [0, 4]",
            "`spine`: there is no joint 4",
            27,
        ),
        // Left and right.
        (
            "    3,\n    2,\n",
            "    3,\n",
            "`mirror`: 3 entries for 4 joints",
            28,
        ),
        (
            "    3,\n    2,\n",
            "    3,\n    2, 0,\n",
            "`mirror`: 5 entries for 4 joints",
            28,
        ),
        (
            "    3,\n    2,\n",
            "    3,\n    8,\n",
            "`mirror`: there is no joint 8",
            31,
        ),
        (
            "    3,\n    2,\n",
            "    3,\n    1,\n",
            "`mirror`: mirroring twice does not map joint 2 to itself",
            30,
        ),
        (
            "[4, 3, 2]",
            "[4, 0, 2]",
            "`aspect`: lengths must be at least 1",
            33,
        ),
    ];
    for (old, new, what, line) in cases {
        assert_eq!(PERSON.matches(old).count(), 1, "{old}");
        let text = PERSON.replacen(old, new, 1);
        for text in [text.replace('\n', "\r\n"), text] {
            let error = read(&text).expect_err(new);
            assert!(error.contains(what), "{what} is not in: {error}");
            assert!(
                error.starts_with(&format!("layout.toml, line {line}: ")),
                "line {line}: {error}"
            );
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }
}

#[test]
fn there_are_joints_and_not_too_many() {
    let head = "name = 'a'\nunit = 'metre'\nup = '+y'\n";
    let error = read(&format!("{head}joints = []\nbones = []\n")).unwrap_err();
    assert!(
        error.starts_with("layout.toml, line 4: `joints`: 0 joints"),
        "{error}"
    );
    let many = |count: usize| {
        let names: Vec<String> = (0..count).map(|joint| format!("'{joint}'")).collect();
        let bones: Vec<String> = (1..count).map(|joint| format!("[{joint}, 0]")).collect();
        read(&format!(
            "{head}joints = [{}]\nbones = [{}]\n",
            names.join(","),
            bones.join(",")
        ))
    };
    assert_eq!(many(1024).unwrap().len(), 1024);
    assert!(
        many(1025)
            .unwrap_err()
            .contains("1025 joints; there must be 1 to 1024")
    );
    assert!(read("").unwrap_err().contains("missing field `name`"));
    let error = read("name = 'kinect20'\nunit = 'metre'\n").unwrap_err();
    assert!(
        error.contains("write layout = \"kinect20\" to use the built-in layout"),
        "{error}"
    );
}

#[test]
fn faults_beside_a_built_in_name_point_at_their_line() {
    for (text, what, line) in [
        (
            "# mine\nlayout = 'kinect'\n",
            "`layout`: unknown built-in layout \"kinect\"; did you mean \"kinect20\"?; `sinew layouts` lists",
            2,
        ),
        (
            "layout = 'coco17'\njoints = ['a']\n",
            "unknown field `joints`",
            2,
        ),
        (
            "layout = 'coco17'\nbones = []\n",
            "only unit, up, aspect, zeros and most_people can be set",
            2,
        ),
        ("layout = 17\n", "expected a string", 1),
        (
            "layout = 'coco17'\n\naspect = [1, 2]\n",
            "`aspect`: expected 3 numbers, found 2",
            3,
        ),
        (
            "layout = 'coco17'\nmost_people = 0\n",
            "`most_people`: must be at least 1",
            2,
        ),
        (
            "layout = 'coco17'\nzeros = 'none'\n",
            "unknown variant `none`",
            2,
        ),
    ] {
        let error = read(text).expect_err(what);
        assert!(error.contains(what), "{what} is not in: {error}");
        assert!(
            error.starts_with(&format!("layout.toml, line {line}: ")),
            "{error}"
        );
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    let zero = PERSON.replace("centre = 0", "centre = 0\nmost_people = 0");
    assert!(
        read(&zero)
            .unwrap_err()
            .starts_with("layout.toml, line 25: `most_people`")
    );
}
