//! The same clips make the same files, whatever the number of threads and whether they come zipped or not.

use crate::skeleton_text;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::skeleton_text::{folder, name, simple, sound, zip};
use sinew::prepare::{PrepareOptions, prepare};
use sinew::shards::{Prepared, ShardWriter};
use tempfile::tempdir;

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                fs::read(entry.path()).unwrap(),
            )
        })
        .collect()
}

#[test]
fn threads_and_packing_make_no_difference() {
    let dir = tempdir().unwrap();
    // More than one shard, with a bad entry to record.
    let mut entries: Vec<_> = (0..ShardWriter::CLIPS + 30)
        .map(|index| {
            (
                format!(
                    "S{:03}C001P001R{:03}A007.skeleton",
                    index % 17 + 1,
                    index / 17 + 1
                ),
                simple(1 + index % 3),
            )
        })
        .collect();
    entries.extend(sound(20));
    entries[40].1 = "rubbish".into();
    let zipped = zip(&dir.path().join("a.zip"), &entries);
    entries.reverse();
    let unpacked = folder(&dir.path().join("unpacked"), &entries);
    let mut found = Vec::new();
    for (source, threads) in [(&zipped, 1), (&zipped, 8), (&zipped, 3), (&unpacked, 2)] {
        let out = dir.path().join(format!("out{}", found.len()));
        let mut options = PrepareOptions::new([source], &out);
        (options.threads, options.skip_bad) = (threads, true);
        let summary = prepare(&options, &mut |_| {}).unwrap();
        assert_eq!((summary.shards, summary.skipped.len()), (2, 1));
        found.push(files(&out));
    }
    assert_eq!(
        found[0].keys().collect::<Vec<_>>(),
        [
            "manifest.json",
            "shard-00000.safetensors",
            "shard-00001.safetensors"
        ]
    );
    assert!(found[0] == found[1], "1 and 8 threads differ");
    assert!(found[0] == found[2], "1 and 3 threads differ");
    let shards =
        |files: &BTreeMap<String, Vec<u8>>| files.values().skip(1).cloned().collect::<Vec<_>>();
    assert!(
        shards(&found[0]) == shards(&found[3]),
        "zipped and unpacked differ"
    );
}

#[test]
fn two_sources_are_one_set() {
    let dir = tempdir().unwrap();
    let all = sound(9);
    let whole = zip(&dir.path().join("whole.zip"), &all);
    let parts = [
        zip(&dir.path().join("a.zip"), &all[..4]),
        zip(&dir.path().join("b.zip"), &all[4..]),
    ];
    for (sources, out) in [(vec![whole], "one"), (parts.to_vec(), "two")] {
        let options = PrepareOptions::new(sources, dir.path().join(out));
        prepare(&options, &mut |_| {}).unwrap();
    }
    assert!(files(&dir.path().join("one")) == files(&dir.path().join("two")));
}

#[test]
fn shards_are_safetensors_with_a_tensor_a_clip() {
    let dir = tempdir().unwrap();
    let source = zip(&dir.path().join("a.zip"), &sound(5));
    let out = dir.path().join("out");
    skeleton_text::prepared(&source, &out).unwrap();
    let bytes = fs::read(out.join("shard-00000.safetensors")).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let data = Prepared::open(&out).unwrap();
    assert_eq!(tensors.len(), 5);
    for index in 0..data.len() {
        let clip = data.clip(index).unwrap();
        let tensor = tensors.tensor(&clip.name).unwrap();
        assert_eq!(tensor.shape(), [clip.bodies, clip.frames, 25, 3]);
        assert_eq!(tensor.dtype(), safetensors::Dtype::F32);
        let expected: Vec<u8> = clip.data.iter().flat_map(|x| x.to_le_bytes()).collect();
        assert_eq!(tensor.data(), expected);
    }
    assert_eq!(data.clip(0).unwrap().name, name(0));
    assert!(
        data.clip(5)
            .unwrap_err()
            .to_string()
            .contains("no clip with index 5")
    );
}
