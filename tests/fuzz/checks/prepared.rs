//! Prepared data: a manifest and shards that contradict themselves or each other are refused; what opens can be read.
//!
//! An input is the manifest's text, a zero byte, and the bytes of two equal shards. It is tried with the manifest's own
//! checksum set right, and once more with all that must agree with the shards, so that a change of either gets further
//! than to a wrong sum.

use std::fs;
use std::path::Path;

use safetensors::SafeTensors;
use serde_json::{Map, Value};
use sinew::shards::{MANIFEST, Prepared, checksum, shard_name};

use super::refusal;

/// What stands in the place of a manifest's checksum while that is computed.
const BLANK: &str = "0000000000000000";

pub fn check(bytes: &[u8]) {
    let cut = bytes.iter().position(|byte| *byte == 0);
    let (text, rest) = bytes.split_at(cut.unwrap_or(bytes.len()));
    let shard = rest.get(1..).unwrap_or_default();
    let folder = tempfile::tempdir().expect("a folder");
    let put = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).expect(name);
    put(&shard_name(0), shard);
    put(&shard_name(1), shard);
    match str::from_utf8(text)
        .ok()
        .and_then(|text| summed(text, BLANK))
    {
        Some(text) => put(MANIFEST, text.as_bytes()),
        None => put(MANIFEST, text),
    }
    read(folder.path(), false);
    if let Some(text) = agreeing(text, shard) {
        put(MANIFEST, text.as_bytes());
        read(folder.path(), true);
    }
}

/// Opens and reads everything. Data whose sums all `agree` are whole once they open.
fn read(folder: &Path, agree: bool) {
    let data = match Prepared::open(folder) {
        Ok(data) => data,
        Err(error) => return refusal(&error),
    };
    let manifest = data.manifest();
    for (index, entry) in manifest.clips.iter().enumerate() {
        assert!(entry.label < manifest.classes.len());
        match data.clip(index) {
            Ok(clip) => {
                assert_eq!(
                    (&clip.name, clip.label, clip.bodies, clip.frames),
                    (&entry.name, entry.label, entry.bodies, entry.frames)
                );
                super::clip(&clip, &manifest.layout);
            }
            Err(error) => {
                assert!(!agree, "{error}");
                refusal(&error);
            }
        }
    }
    refusal(&data.clip(data.len()).expect_err("there is no such clip"));
    let damage = data.verify();
    damage.iter().for_each(refusal);
    assert!(!agree || damage.is_empty(), "{damage:?}");
}

/// The text with its checksum in the last place that is marked for it.
fn summed(text: &str, mark: &str) -> Option<String> {
    let (before, after) = text.rsplit_once(mark)?;
    let sum = checksum(format!("{before}{BLANK}{after}").as_bytes());
    Some(format!("{before}{sum}{after}"))
}

/// The manifest with counts, sizes and sums that agree with what it lists and with the shard.
fn agreeing(text: &[u8], shard: &[u8]) -> Option<String> {
    fn entries<'a>(
        all: &'a mut Value,
        key: &str,
    ) -> impl Iterator<Item = &'a mut Map<String, Value>> {
        let list = all.get_mut(key).and_then(Value::as_array_mut);
        list.into_iter().flatten().filter_map(Value::as_object_mut)
    }
    let mut all: Value = serde_json::from_slice(text).ok()?;
    for entry in entries(&mut all, "shards") {
        entry.insert("bytes".into(), shard.len().into());
        entry.insert("checksum".into(), checksum(shard).into());
    }
    let tensors = SafeTensors::deserialize(shard).ok();
    for entry in entries(&mut all, "clips") {
        let name = entry.get("name").and_then(Value::as_str);
        let tensor = name.and_then(|name| tensors.as_ref()?.tensor(name).ok());
        if let Some(tensor) = tensor {
            entry.insert("checksum".into(), checksum(tensor.data()).into());
        }
    }
    let clips = all
        .get("clips")
        .and_then(Value::as_array)
        .map_or(0, Vec::len);
    all.get_mut("counts")?
        .as_object_mut()?
        .insert("clips".into(), clips.into());
    let mark = "the checksum's place";
    all.as_object_mut()?.insert("checksum".into(), mark.into());
    summed(&all.to_string(), mark)
}
