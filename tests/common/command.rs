//! Running the `sinew` command and small prepared data to run it on.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The command, with Ctrl-C as from a terminal: tests that run in the background inherit that it is ignored.
pub fn sinew(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sinew"));
    command.args(args);
    #[cfg(unix)]
    disposition(&mut command, libc::SIGINT, libc::SIG_DFL);
    command
}

/// Starts a command with what becomes of a signal.
#[cfg(unix)]
pub fn disposition(command: &mut Command, signal: i32, becomes: libc::sighandler_t) {
    use std::os::unix::process::CommandExt;
    // Safe: `signal` may be called between fork and exec.
    unsafe {
        command.pre_exec(move || {
            libc::signal(signal, becomes);
            Ok(())
        });
    }
}

/// Starts a command under a limit (`RLIMIT_AS`, `RLIMIT_FSIZE`, …).
#[cfg(target_os = "linux")]
pub fn limit(command: &mut Command, resource: libc::__rlimit_resource_t, most: u64) {
    use std::os::unix::process::CommandExt;
    let limit = libc::rlimit {
        rlim_cur: most,
        rlim_max: most,
    };
    // SAFETY: `setrlimit` may be called between fork and exec.
    unsafe {
        command.pre_exec(move || match libc::setrlimit(resource, &limit) {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        });
    }
}

/// Runs a command to its end, which must come within a minute.
pub fn in_time(mut command: Command) -> Output {
    use std::process::Stdio;
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let child = command.stderr(Stdio::piped()).spawn().expect("it starts");
    let id = child.id().to_string();
    let (ended, end) = std::sync::mpsc::channel();
    let guard = std::thread::spawn(move || {
        let hangs = end
            .recv_timeout(std::time::Duration::from_secs(60))
            .is_err();
        if hangs {
            let _ = Command::new("kill").args(["-9", &id]).status();
        }
        hangs
    });
    let output = child.wait_with_output().expect("it ends");
    let _ = ended.send(());
    assert!(!guard.join().expect("a guard"), "it hangs");
    output
}

/// Runs the command to its end.
pub fn run(args: &[&str]) -> Output {
    sinew(args).output().expect("the command starts")
}

/// Runs the command, which must succeed; returns its standard output.
pub fn must(args: &[&str]) -> String {
    let output = run(args);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "sinew {args:?}: {errors}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Runs the command, which must fail with this exit code; returns its standard error.
pub fn must_fail(args: &[&str], code: i32) -> String {
    let output = run(args);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "sinew {args:?}: {errors}");
    errors
}

/// A path as text.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// Prepared data of made clips in `folder`, which trains in seconds.
pub fn made_data(folder: &Path, clips: usize) -> PathBuf {
    let (archive, data) = (folder.join("made.zip"), folder.join("data"));
    must(&[
        "synth",
        "--out",
        text(&archive),
        "--clips",
        &clips.to_string(),
        "--classes",
        "4",
    ]);
    must(&["prepare", text(&archive), "--out", text(&data)]);
    data
}

/// Settings of a model that is as small as it gets.
pub const TINY: [&str; 10] = [
    "--set",
    "model.hidden=8",
    "--set",
    "data.frames=12",
    "--set",
    "data.test_clips=1",
    "--set",
    "train.batch=8",
    "--set",
    "schedule.warmup=1",
];

/// The arguments that train a tiny model, with more behind the usual ones.
pub fn train_args<'a>(data: &'a Path, out: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec![
        "train",
        text(data),
        "--protocol",
        "xsub",
        "--out",
        text(out),
    ];
    args.extend(TINY);
    args.extend(more);
    args
}

/// Trains a tiny model with more arguments behind the usual ones.
pub fn train(data: &Path, out: &Path, more: &[&str]) -> String {
    must(&train_args(data, out, more))
}
