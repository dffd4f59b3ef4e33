"""Shared command-line helpers of the scripts: one-line errors, exit codes, identification of mistaken files."""

import signal
import sys


class Wrong(Exception):
    """An error in the input: what is wrong, and what to do."""


def warn(text):
    """Prints a warning."""
    print(f"warning: {one_line(text)}", file=sys.stderr)


def one_line(text):
    """Text without line breaks and control characters."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text))


def run_command(command):
    """Calls `command` and returns the exit code: 0 success, 1 wrong input (printed as one line), 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # paths may hold any bytes
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that cleanup code runs
    try:
        command()
    except (Wrong, OSError) as error:
        print(one_line(error), file=sys.stderr)
        return 1
    except MemoryError:
        print("not enough memory", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0


def mistaken(path):
    """Identifies files that are commonly mistaken for others: text for an error, or None."""
    with open(path, "rb") as file:
        start = file.read(64).lstrip().lower()
    if start.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer, not the file; fetch it with `git lfs pull`"
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a web page, not the file; download it again"
    if start.startswith(b"pk\x03\x04"):
        return "a zip archive (as torch.save and numpy.savez write them), not the file"
    return None
