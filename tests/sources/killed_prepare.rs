//! A preparation that was killed at any moment is finished by the same command: finished shards stay as they are, and
//! the result is byte for byte that of an undisturbed run.

use crate::command;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use crate::skeleton_text::{simple, zip};
use sinew::Event;
use sinew::prepare::{PrepareOptions, PrepareSummary, prepare};
use sinew::shards::ShardWriter;
use tempfile::{TempDir, tempdir};

const MARKER: &str = ".sinew-preparing";

/// An archive of a little more than `shards` shards, with a bad entry in the second where there are two.
fn source(shards: usize) -> (TempDir, PathBuf) {
    let dir = tempdir().unwrap();
    let mut entries: Vec<_> = (0..shards * ShardWriter::CLIPS + 20)
        .map(|index| {
            let (replication, setup) = (index / 17 + 1, index % 17 + 1);
            let (camera, replication) = (replication / 999 + 1, replication % 999 + 1);
            let name = format!("S{setup:03}C{camera:03}P001R{replication:03}A007.skeleton");
            (name, simple(1 + index % 2))
        })
        .collect();
    entries.sort();
    if let Some(bad) = entries.get_mut(ShardWriter::CLIPS + 40) {
        bad.1 = "rubbish".into();
    }
    let archive = zip(&dir.path().join("a.zip"), &entries);
    (dir, archive)
}

fn run(source: &Path, out: &Path, progress: &mut dyn FnMut(usize)) -> PrepareSummary {
    prepare(&options(source, out), &mut |event| {
        if let Event::Progress { done, .. } = event {
            progress(done);
        }
    })
    .unwrap()
}

fn options(source: &Path, out: &Path) -> PrepareOptions {
    let mut options = PrepareOptions::new([source], out);
    options.threads = 2;
    options.skip_bad = true;
    options
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let name = |entry: &fs::DirEntry| entry.file_name().into_string().unwrap();
    entries
        .map(|entry| (name(&entry), fs::read(entry.path()).unwrap()))
        .collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for (name, bytes) in files(from) {
        fs::write(to.join(name), bytes).unwrap();
    }
}

fn written(shard: &Path) -> SystemTime {
    fs::metadata(shard).unwrap().modified().unwrap()
}

#[test]
fn what_was_finished_is_not_done_again() {
    let (dir, source) = source(2);
    let whole = dir.path().join("whole");
    let size = ShardWriter::CLIPS;
    let moments = [
        1,
        size - 1,
        size,
        size + 41,
        size + 42,
        2 * size + 1,
        2 * size + 20,
    ];
    run(&source, &whole, &mut |done| {
        if moments.contains(&done) {
            // What a kill would leave now.
            copy(&whole, &dir.path().join(format!("killed-{done}")));
        }
    });
    let wanted = files(&whole);
    assert_eq!(wanted.len(), 4);
    for (moment, shards) in moments.into_iter().zip([0, 0, 1, 1, 1, 2, 2]) {
        let out = dir.path().join(format!("killed-{moment}"));
        let first = out.join("shard-00000.safetensors");
        let before = (shards > 0).then(|| written(&first));
        sleep(Duration::from_millis(5));
        assert_eq!(run(&source, &out, &mut |_| {}).resumed, shards, "{moment}");
        assert!(files(&out) == wanted, "killed after clip {moment}");
        if let Some(before) = before {
            assert_eq!(written(&first), before, "the first shard was written again");
        }
    }
}

#[test]
fn what_is_not_whole_is_done_again() {
    let (dir, source) = source(2);
    let (whole, killed) = (dir.path().join("whole"), dir.path().join("killed"));
    run(&source, &whole, &mut |done| {
        if done == 2 * ShardWriter::CLIPS + 10 {
            copy(&whole, &killed);
        }
    });
    let wanted = files(&whole);
    let journal = fs::read(killed.join(MARKER)).unwrap();
    let ends: Vec<usize> = (0..journal.len())
        .filter(|at| journal[*at] == b'\n')
        .collect();
    assert_eq!(ends.len(), 3, "a job and two shards");
    let again = |name: &str, resumed: usize, damage: &dyn Fn(&Path)| {
        let out = dir.path().join(name);
        copy(&killed, &out);
        damage(&out);
        assert_eq!(run(&source, &out, &mut |_| {}).resumed, resumed, "{name}");
        assert!(files(&out) == wanted, "{name}");
    };
    for (cut, resumed) in [
        (0, 0),
        (ends[0] / 2, 0),
        (ends[0] + 1, 0),
        (ends[1], 0),
        (ends[1] + 1, 1),
        (ends[2] - 9, 1),
    ] {
        again(&format!("cut-{cut}"), resumed, &|out| {
            fs::write(out.join(MARKER), &journal[..cut]).unwrap();
        });
    }
    again("flipped", 1, &|out| {
        let path = out.join("shard-00001.safetensors");
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).unwrap();
    });
    again("lost", 0, &|out| {
        fs::remove_file(out.join("shard-00000.safetensors")).unwrap();
    });
    again("parts", 2, &|out| {
        fs::write(out.join(".shard-00002.safetensors.7.sinew-part"), "half").unwrap();
        fs::write(out.join("shard-00002.safetensors"), "half").unwrap();
    });
}

#[test]
fn a_stop_flag_keeps_what_was_finished() {
    let (dir, source) = source(1);
    let (whole, stopped) = (dir.path().join("whole"), dir.path().join("stopped"));
    run(&source, &whole, &mut |_| {});
    let stopping = options(&source, &stopped);
    let error = prepare(&stopping, &mut |event| {
        if matches!(event, Event::Progress { done, .. } if done > ShardWriter::CLIPS) {
            stopping.stop.store(true, Ordering::Relaxed);
        }
    });
    assert!(error.expect_err("it is stopped").is_interrupted());
    assert_eq!(run(&source, &stopped, &mut |_| {}).resumed, 1);
    assert!(files(&stopped) == files(&whole));
}

#[test]
fn another_job_starts_over() {
    let (dir, source) = source(1);
    let (whole, killed) = (dir.path().join("whole"), dir.path().join("killed"));
    run(&source, &whole, &mut |done| {
        if done == ShardWriter::CLIPS + 2 {
            copy(&whole, &killed);
        }
    });
    let other = zip(
        &dir.path().join("b.zip"),
        &[("S001C001P001R001A007.skeleton", simple(3))],
    );
    let summary = run(&other, &killed, &mut |_| {});
    assert_eq!((summary.resumed, summary.counts.clips), (0, 1));
}

#[test]
fn a_killed_command_is_taken_up() {
    let (dir, source) = source(4);
    let whole = dir.path().join("whole");
    run(&source, &whole, &mut |_| {});
    let wanted = files(&whole);
    let start = |out: &Path| {
        let arguments = ["prepare", "--skip-bad", "--threads", "1", "--out"];
        command::sinew(&arguments)
            .args([out, &source])
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    for delay in 1..=8 {
        let out = dir.path().join(format!("out-{delay}"));
        let mut child = start(&out);
        sleep(Duration::from_millis(15 * delay));
        child.kill().unwrap();
        child.wait().unwrap();
        if !out.join("manifest.json").exists() {
            run(&source, &out, &mut |_| {});
        } else if out.join(MARKER).exists() {
            // Published, and killed before the marker was removed.
            continue;
        }
        assert!(files(&out) == wanted, "killed after {delay} times 15 ms");
    }
    // Killed when the second shard is begun, so that the first is reused.
    let shards = |out: &Path| {
        let names = fs::read_dir(out).into_iter().flatten().flatten();
        let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter(|name| name.contains("shard-")).count()
    };
    for attempt in 1..=20 {
        let out = dir.path().join(format!("second-shard-{attempt}"));
        let mut child = start(&out);
        while child.try_wait().unwrap().is_none() && shards(&out) < 2 {
            sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        if !out.join("manifest.json").exists() {
            let resumed = run(&source, &out, &mut |_| {}).resumed;
            assert!(files(&out) == wanted, "killed in the second shard");
            if resumed > 0 {
                return;
            }
        }
    }
    panic!("in 20 attempts no kill came after the first shard");
}
