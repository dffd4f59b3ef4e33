//! `.npy` files alone can be scored where a run says what their joints are.

use crate::clips;
use crate::npy;
use std::fs;
use std::path::PathBuf;

use crate::npy::array;
use crate::skeleton_text::{folder, simple, zip};
use sinew::formats::{Catalogue, Dataset};
use sinew::loader::from_clip;
use sinew::settings::{Actors, Data};
use sinew::skeleton::Layout;
use tempfile::{TempDir, tempdir};

fn sources() -> (TempDir, PathBuf, PathBuf) {
    let dir = tempdir().unwrap();
    let entries = [
        ("new/a.npy", array(&[9, 15, 3], &[0.5f32; 9 * 45])),
        ("new/b.NPY", array(&[2, 4, 15, 2], &[0.5f64; 2 * 4 * 30])),
        ("notes.txt", b"mine".to_vec()),
        (".c.npy", b"left by an editor".to_vec()),
    ];
    let folder = folder(&dir.path().join("set"), &entries);
    let zip = zip(&dir.path().join("set.zip"), &entries);
    (dir, folder, zip)
}

#[test]
fn files_folders_and_archives_of_arrays_are_clips() {
    let (_dir, folder, zip) = sources();
    let layout = Layout::sbu15();
    let single = folder.join("new/a.npy");
    for (source, names) in [
        (&folder, &["new/a", "new/b"][..]),
        (
            &zip,
            &["nturgb+d_skeletons/new/a", "nturgb+d_skeletons/new/b"],
        ),
        (&single, &["a"]),
    ] {
        let list = Catalogue::of_layout(&[source], &layout).unwrap();
        assert_eq!(list.dataset, Dataset::Clips);
        assert!(list.problems.is_empty());
        let found: Vec<&str> = list.items.iter().map(|item| item.name.as_str()).collect();
        assert_eq!(found, names);
        let mut reader = list.reader();
        for (item, shape) in list.items.iter().zip([(1, 9), (2, 4)]) {
            let clip = reader.read(item).unwrap().clip;
            assert_eq!(
                (clip.bodies, clip.frames, clip.joints),
                (shape.0, shape.1, 15)
            );
            let data = Data {
                actors: Actors::All,
                ..clips::plain(8)
            };
            let rows = from_clip(&clip, &layout, &data, 1).unwrap();
            assert_eq!(rows.len(), shape.0);
            assert!(rows.x.iter().all(|x| x.is_finite()));
        }
    }
}

#[test]
fn other_joints_than_the_run_has_are_refused() {
    let (_dir, folder, _) = sources();
    let list = Catalogue::of_layout(&[folder.join("new/a.npy")], &Layout::ntu25()).unwrap();
    let error = list.reader().read(&list.items[0]).unwrap_err().to_string();
    assert!(
        error.contains("a.npy: the shape is [9, 15, 3], but the layout ntu25 has 25 joints; save it as [frames, 25, 2 or 3]"),
        "{error}"
    );
}

#[test]
fn what_says_itself_what_it_is_stays_that() {
    let (dir, folder, _) = sources();
    // Without a run nobody knows the joints.
    let error = Catalogue::unlabelled(&[&folder], None)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("contains .npy arrays but no clips.csv that lists them; add clips.csv"),
        "{error}"
    );
    // A skeleton file among arrays is a clip, the arrays are not.
    fs::write(folder.join("x.skeleton"), simple(3)).unwrap();
    let list = Catalogue::of_layout(&[&folder], &Layout::sbu15()).unwrap();
    assert_eq!((list.dataset, list.items.len()), (Dataset::Ntu, 1));
    fs::remove_file(folder.join("x.skeleton")).unwrap();
    // A table names its clips, and the layout beside it their joints.
    fs::write(
        folder.join("clips.csv"),
        "file,label,split\nnew/a.npy,x,test\n",
    )
    .unwrap();
    fs::write(folder.join("layout.toml"), npy::layout(15)).unwrap();
    let list = Catalogue::of_layout(&[&folder], &Layout::sbu15()).unwrap();
    assert_eq!((list.items.len(), list.layout.name.as_str()), (1, "made"));
    let nothing = dir.path().join("nothing.txt");
    fs::write(&nothing, "").unwrap();
    let error = Catalogue::of_layout(&[nothing], &Layout::sbu15()).unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("no .skeleton, no skeleton_pos.txt, no .npy and no clips.csv"),
        "{error}"
    );
}
