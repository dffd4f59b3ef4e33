//! Whatever signals and kills a run met, and however often it went back on the way, the files at its end are those of a run
//! that was left alone. `SINEW_TEST_STOPS=N` stops each run up to N times, for longer trials by hand.
#![cfg(unix)]

use crate::command::{must, must_fail, sinew, text};
use crate::diverging::{WILD, args, data};
use crate::events::repeatable;
use crate::runs::{contents, leftovers};
use sinew::Error;
use sinew::device::{Choice, Compute, open};
use sinew::rng::Rng;
use sinew::shards::Prepared;
use sinew::train::ranks::single;
use sinew::train::{Checkpoint, Event, Run, Session, Setup, check_run, checkpoints};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// Settings of runs that go back twice, with other numbers of checkpoints, and with clips held out or not.
const VARIANTS: [[&str; 3]; 3] = [
    ["train.keep=1", "train.save_every=25", "train.validation=0"],
    ["train.keep=2", "train.save_every=7", "train.validation=0.2"],
    ["train.keep=1", "train.save_every=0", "train.validation=0.2"],
];

const CLIPS: usize = 90;

/// One test at a time: a child that another test starts holds the lock of a run of this process until it is the command.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn alone_here() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The settings of a variant, the two epochs in it.
fn sets(variant: [&'static str; 3]) -> Vec<&'static str> {
    let more = ["train.epochs=2", "schedule.warmup=0"];
    [&WILD[..], &more, &variant].concat()
}

/// How often a run is stopped at most.
fn stops(few: usize) -> usize {
    let asked = std::env::var("SINEW_TEST_STOPS").ok();
    asked.map_or(few, |asked| asked.parse().expect("a number"))
}

fn random() -> Rng {
    let seed = SystemTime::UNIX_EPOCH.elapsed().expect("a time").as_nanos() as u64;
    println!("what is random is drawn from {seed}");
    Rng::new(seed, &[])
}

/// A run that was left alone, which went back at least once.
fn undisturbed(data: &Path, out: PathBuf, sets: &[&str]) -> PathBuf {
    must(&args(data, &out, sets));
    let last = checkpoints(&out.join("checkpoints")).expect("a list");
    let last = Checkpoint::load(last.last().expect("one")).expect("whole");
    assert!(last.position.returns > 0, "it never went back");
    out
}

fn same(whole: &Path, stopped: &Path) {
    let [a, b] = [whole, stopped].map(contents);
    let names = |files: &[(String, Vec<u8>)]| -> Vec<String> {
        files.iter().map(|(name, _)| name.clone()).collect()
    };
    assert_eq!(names(&a), names(&b));
    for ((name, a), (_, b)) in a.iter().zip(&b) {
        // What holds times of day, or checksums of what does.
        let timed = ["timing.jsonl", "checksums.json"].contains(&name.as_str());
        assert!(
            timed || name.starts_with("tensorboard/") || a == b,
            "{name} differs"
        );
    }
    assert_eq!(repeatable(whole), repeatable(stopped));
    assert_eq!(leftovers(stopped), Vec::<String>::new());
    let found = check_run(stopped);
    assert!(found.problems.is_empty() && found.warnings.is_empty());
}

#[test]
fn stopped_at_any_step() {
    let _alone = alone_here();
    let folder = tempfile::tempdir().expect("a folder");
    let data = data(folder.path(), CLIPS, false);
    let prepared = Arc::new(Prepared::open(&data).expect("data"));
    let compute = open(Choice::Cpu).expect("the CPU");
    let mut rng = random();
    for (number, variant) in VARIANTS.into_iter().enumerate() {
        let sets = sets(variant);
        let whole = undisturbed(&data, folder.path().join(format!("whole-{number}")), &sets);
        for round in 0..stops(30).div_ceil(30) {
            let out = folder.path().join(format!("stopped-{number}-{round}"));
            start(&args(&data, &out, &sets), &out);
            let mut count = 0;
            loop {
                match until_stopped(&out, &prepared, &compute, rng.below(13)) {
                    Ok(()) => break,
                    Err(Error::Interrupted(_)) => count += 1,
                    Err(error) => panic!("{error}"),
                }
            }
            println!("{variant:?}: stopped {count} times");
            must(&["check", text(&out)]);
            same(&whole, &out);
        }
    }
}

/// Trains on and stops the run after some steps.
fn until_stopped(
    out: &Path,
    prepared: &Arc<Prepared>,
    compute: &Compute,
    mut left: usize,
) -> sinew::Result<()> {
    let run = Run::open(out).expect("a run");
    let (prepared, compute) = (prepared.clone(), compute.clone());
    let settings = run.settings.clone();
    let setup = Setup::new(settings, prepared, compute, single(), &mut |_| ());
    let session = setup.and_then(|setup| Session::resume(setup, run, &mut |_| ()));
    let stop = AtomicBool::new(false);
    let ended = session.expect("a session").train(&stop, &mut |event| {
        if let Event::Step { .. } = event {
            stop.store(left == 0, Ordering::Relaxed);
            left = left.saturating_sub(1);
        }
    });
    let problems = check_run(out).problems;
    assert!(problems.is_empty(), "{problems:?}");
    ended
}

#[test]
fn a_run_that_diverges_for_good_leaves_the_same_files() {
    let _alone = alone_here();
    let folder = tempfile::tempdir().expect("a folder");
    let data = data(folder.path(), 24, true);
    let prepared = Arc::new(Prepared::open(&data).expect("data"));
    let compute = open(Choice::Cpu).expect("the CPU");
    let mut rng = random();
    for (number, diverged) in ["stop", "back"].into_iter().enumerate() {
        let diverged = format!("train.diverged={diverged}");
        let sets = ["train.epochs=9", "train.batch=1"];
        let sets = [&sets[..], &[&diverged]].concat();
        let [whole, out] =
            ["whole", "stopped"].map(|name| folder.path().join(format!("{name}-{number}")));
        must_fail(&args(&data, &whole, &sets), 1);
        start(&args(&data, &out, &sets), &out);
        let ended = loop {
            match until_stopped(&out, &prepared, &compute, rng.below(4)) {
                Err(Error::Interrupted(_)) => {}
                ended => break ended,
            }
        };
        let error = ended.expect_err("it diverges").to_string();
        assert!(error.contains("bad-clip"), "{error}");
        same(&whole, &out);
    }
}

/// Starts a run and kills it at once, so that there is one to go on with.
fn start(args: &[&str], out: &Path) {
    let mut child = sinew(args)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    while !out.join("config.toml").exists() && child.try_wait().is_ok_and(|ended| ended.is_none()) {
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().expect("it is killed");
    child.wait().expect("it ends");
}

#[test]
fn killed_and_stopped_at_any_moment() {
    let _alone = alone_here();
    let folder = tempfile::tempdir().expect("a folder");
    let data = data(folder.path(), CLIPS, false);
    let mut rng = random();
    for (number, variant) in VARIANTS.into_iter().enumerate() {
        let sets = sets(variant);
        let whole = undisturbed(&data, folder.path().join(format!("whole-{number}")), &sets);
        for round in 0..stops(16).div_ceil(16) {
            let out = folder.path().join(format!("killed-{number}-{round}"));
            let (anew, on) = (args(&data, &out, &sets), ["train", "--resume", text(&out)]);
            let (mut kills, mut signals) = (0, 0);
            loop {
                let stands = out.join("config.toml").exists();
                let mut child = sinew(if stands { &on } else { &anew })
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn()
                    .expect("it starts");
                // Later each time, so that it comes to its end.
                let most = 60 + 4 * (kills + signals);
                std::thread::sleep(Duration::from_millis(rng.below(most) as u64));
                let killed = rng.below(2) == 0;
                if killed {
                    child.kill().expect("it is killed");
                } else {
                    // SAFETY: the child has not been waited for, so the number is still its own.
                    unsafe { libc::kill(child.id() as i32, libc::SIGINT) };
                }
                if child.wait().expect("it ends").success() {
                    break;
                }
                if out.join("config.toml").exists() {
                    let problems = check_run(&out).problems;
                    assert!(problems.is_empty(), "{problems:?}");
                }
                *if killed { &mut kills } else { &mut signals } += 1;
                if kills + signals >= 16 {
                    break;
                }
            }
            println!("{variant:?}: {kills} kills, {signals} signals");
            if !out.join("config.toml").exists() {
                must(&anew);
            }
            // A kill at the very end leaves the last tidying to whoever resumes the run.
            must(&on);
            same(&whole, &out);
        }
    }
}
