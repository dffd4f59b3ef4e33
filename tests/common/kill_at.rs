//! Killing or interrupting the command at a named point of a write, and faults of the system at a named point: a library
//! laid under its system calls does it there.
#![cfg(target_os = "linux")]
#![allow(dead_code, reason = "each test uses its own part")]

use super::command::sinew;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// `KILL_AT` is `CALL PART N`: at the Nth call of CALL on a path that holds PART. A write is cut in half; `renamed` is
/// after the rename, all others before the call. What is raised is SIGKILL, or with `KILL_BY` another signal, after which
/// the thread waits for its end. Two calls are faults and no death: `mmap` has the file cut to a page after it is mapped, and
/// `threads - N` refuses every thread from the Nth on.
const SHIM: &str = r#"
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::atomic::{AtomicUsize, Ordering};

unsafe extern "C" {
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
    fn raise(signal: c_int) -> c_int;
}

macro_rules! next {
    ($name:literal, $kind:ty) => {
        unsafe { std::mem::transmute::<*mut c_void, $kind>(dlsym(-1isize as *mut c_void, $name.as_ptr())) }
    };
}

/// Calls up to and with this one that are meant, and the number of the one where something happens; none for other calls.
fn count(call: &str, path: &str) -> Option<(usize, usize)> {
    static PASSED: AtomicUsize = AtomicUsize::new(0);
    let at = std::env::var("KILL_AT").ok()?;
    let at: Vec<&str> = at.split(' ').collect();
    let meant = at[0] == call && path.contains(at[1]);
    meant.then(|| (PASSED.fetch_add(1, Ordering::SeqCst) + 1, at[2].parse().unwrap()))
}

fn here(call: &str, path: &str) -> bool {
    count(call, path).is_some_and(|(passed, wanted)| passed == wanted)
}

fn kill_if(dies: bool) {
    if dies {
        let by = std::env::var("KILL_BY").map_or(9, |by| by.parse().unwrap());
        unsafe { raise(by) };
        loop {
            std::thread::sleep(std::time::Duration::from_secs(1));
        }
    }
}

unsafe fn map(at: *mut c_void, bytes: usize, how: [c_int; 2], fd: c_int, from: i64) -> *mut c_void {
    let next = next!(c"mmap", extern "C" fn(*mut c_void, usize, c_int, c_int, c_int, i64) -> *mut c_void);
    let mapped = next(at, bytes, how[0], how[1], fd, from);
    if fd > 2 {
        let path = of(fd);
        if here("mmap", &path) {
            std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(4096).unwrap();
        }
    }
    mapped
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap(a: *mut c_void, n: usize, p: c_int, f: c_int, fd: c_int, o: i64) -> *mut c_void {
    unsafe { map(a, n, [p, f], fd, o) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap64(a: *mut c_void, n: usize, p: c_int, f: c_int, fd: c_int, o: i64) -> *mut c_void {
    unsafe { map(a, n, [p, f], fd, o) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_create(a: *mut c_void, b: *const c_void, c: *mut c_void, d: *mut c_void) -> c_int {
    const EAGAIN: c_int = 11;
    if count("threads", "-").is_some_and(|(passed, wanted)| passed >= wanted) {
        return EAGAIN;
    }
    next!(c"pthread_create", extern "C" fn(*mut c_void, *const c_void, *mut c_void, *mut c_void) -> c_int)(a, b, c, d)
}

fn of(fd: c_int) -> String {
    let link = std::fs::read_link(format!("/proc/self/fd/{fd}"));
    link.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default()
}

unsafe fn text(path: *const c_char) -> String {
    unsafe { CStr::from_ptr(path) }.to_string_lossy().into_owned()
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn write(fd: c_int, bytes: *const c_void, count: usize) -> isize {
    let next = next!(c"write", extern "C" fn(c_int, *const c_void, usize) -> isize);
    if fd > 2 && here("write", &of(fd)) {
        next(fd, bytes, count / 2);
        kill_if(true);
    }
    next(fd, bytes, count)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fsync(fd: c_int) -> c_int {
    kill_if(here("fsync", &of(fd)));
    next!(c"fsync", extern "C" fn(c_int) -> c_int)(fd)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdatasync(fd: c_int) -> c_int {
    kill_if(here("fdatasync", &of(fd)));
    next!(c"fdatasync", extern "C" fn(c_int) -> c_int)(fd)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn unlink(path: *const c_char) -> c_int {
    kill_if(here("unlink", &unsafe { text(path) }));
    next!(c"unlink", extern "C" fn(*const c_char) -> c_int)(path)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    let path = unsafe { text(to) };
    kill_if(here("rename", &path));
    let done = next!(c"rename", extern "C" fn(*const c_char, *const c_char) -> c_int)(from, to);
    kill_if(here("renamed", &path));
    done
}
"#;

/// The library, compiled into a folder.
pub struct Killer(PathBuf);

impl Killer {
    pub fn new(folder: &Path) -> Self {
        let (source, library) = (folder.join("kill_at.rs"), folder.join("libkill_at.so"));
        std::fs::write(&source, SHIM).expect("written");
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let made = Command::new(rustc)
            .args(["--edition", "2024", "--crate-type", "cdylib", "-o"])
            .args([&library, &source])
            .output()
            .expect("rustc starts");
        let errors = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "{errors}");
        Killer(library)
    }

    /// The command, with something that happens at a point.
    pub fn command(&self, args: &[&str], at: &str) -> Command {
        let mut command = sinew(args);
        command.env("LD_PRELOAD", &self.0).env("KILL_AT", at);
        command
    }

    /// Runs the command, which must come to the point and die there.
    pub fn kill(&self, args: &[&str], at: &str) -> Output {
        let output = self.command(args, at).output().expect("the command starts");
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(
            output.status.signal(),
            Some(9),
            "not killed at {at}: {errors}"
        );
        output
    }
}
