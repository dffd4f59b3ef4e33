//! Killing the command at a named point of a write: a library laid under its system calls raises SIGKILL there.
#![cfg(target_os = "linux")]
#![allow(dead_code, reason = "each test uses its own part")]

use super::command::sinew;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// `KILL_AT` is `CALL PART N`: at the Nth call of CALL on a path that holds PART. A write is cut in half; `renamed` is
/// after the rename, all others before the call.
const SHIM: &str = r#"
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::atomic::{AtomicUsize, Ordering};

unsafe extern "C" {
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
    fn raise(signal: c_int) -> c_int;
}

fn here(call: &str, path: &str) -> bool {
    static PASSED: AtomicUsize = AtomicUsize::new(0);
    let Ok(at) = std::env::var("KILL_AT") else { return false };
    let at: Vec<&str> = at.split(' ').collect();
    at[0] == call && path.contains(at[1])
        && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == at[2].parse().unwrap()
}

fn kill_if(dies: bool) {
    if dies {
        unsafe { raise(9) };
    }
}

fn of(fd: c_int) -> String {
    let link = std::fs::read_link(format!("/proc/self/fd/{fd}"));
    link.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default()
}

unsafe fn text(path: *const c_char) -> String {
    unsafe { CStr::from_ptr(path) }.to_string_lossy().into_owned()
}

macro_rules! next {
    ($name:literal, $kind:ty) => {
        unsafe { std::mem::transmute::<*mut c_void, $kind>(dlsym(-1isize as *mut c_void, $name.as_ptr())) }
    };
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

    /// Runs the command, which must come to the point and die there.
    pub fn kill(&self, args: &[&str], at: &str) -> Output {
        let mut command = sinew(args);
        command.env("LD_PRELOAD", &self.0).env("KILL_AT", at);
        let output = command.output().expect("the command starts");
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(
            output.status.signal(),
            Some(9),
            "not killed at {at}: {errors}"
        );
        output
    }
}
