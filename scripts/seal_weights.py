#!/usr/bin/env python3
"""Updates the checksum of a weights file that was edited in PyTorch, so that sinew accepts it again.

    python scripts/seal_weights.py edited.safetensors --like first.safetensors [--out sealed.safetensors]

A file that `sinew export` wrote has a checksum of its metadata and numbers, and sinew refuses a file
that differs from it. After an edit, three lines of PyTorch save the file:

    with safetensors.safe_open("first.safetensors", framework="pt") as old:
        metadata = old.metadata()
    safetensors.torch.save_file(model.state_dict(), "edited.safetensors", metadata=metadata)

and this script renews its checksum, in place or as `--out`. With `--like` the names and shapes are
compared with those of the file before the edit, and metadata that was not saved comes from it.
`--drop` removes the checksum instead: sinew then reads the file without comparing anything, and the
script does not need xxhash. Edit an exported file, not one inside a run folder.
Needs: safetensors, numpy, and xxhash.
"""

import argparse
import contextlib
import json
import os
import struct
import sys
import tempfile
from pathlib import Path

from cli import Wrong, mistaken, run_command, warn

try:
    import numpy as np
    from safetensors import SafetensorError, safe_open
except ImportError as error:
    sys.exit(f"{error.name} is missing: python3 -m pip install numpy safetensors")

CHECKSUM = "checksum"
NEEDED = ("channels", "classes", "frames", "layout", "recipe")


def read(path):
    """The file's metadata and its tensors by name, each float32; both in order of their names."""
    if not path.is_file():
        raise Wrong(f"{path}: {'not a file' if path.exists() else 'no such file'}")
    if what := mistaken(path):
        raise Wrong(f"{path}: {what}")
    try:
        with safe_open(path, framework="np") as file:
            tensors = {}
            for name in sorted(file.keys()):
                kind = file.get_slice(name).get_dtype()
                if kind != "F32":
                    raise Wrong(f"{path}: {name} is {kind}, not float32; save it with .float()")
                tensors[name] = file.get_tensor(name)
            return dict(sorted((file.metadata() or {}).items())), tensors
    except (OSError, SafetensorError) as error:
        raise Wrong(f"{path}: not a readable safetensors file: {error}") from error


def little_endian(tensor):
    """The bytes of a tensor as they lie in the file."""
    return np.ascontiguousarray(tensor, dtype="<f4").tobytes()


def checksum(metadata, tensors):
    """xxh3-64 of all text but the checksum itself and of all numbers, as sinew computes it."""
    try:
        import xxhash
    except ImportError:
        raise Wrong("xxhash is missing: python3 -m pip install xxhash, or remove the checksum with --drop") from None
    state = xxhash.xxh3_64()
    for key, text in metadata.items():
        if key != CHECKSUM:
            state.update(key.encode())
            state.update(text.encode())
    for name, tensor in tensors.items():
        state.update(name.encode())
        state.update(little_endian(tensor))
    return f"{state.intdigest():016x}"


def compare(path, tensors, like, old):
    """Refuses tensors whose names or shapes are not those of the old file."""
    def listed(names):
        names = sorted(names)
        return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")

    missing, extra = old.keys() - tensors.keys(), tensors.keys() - old.keys()
    if missing or extra:
        parts = [f"{verb} {listed(names)}" for verb, names in (("lacks", missing), ("also has", extra)) if names]
        raise Wrong(f"{path}: compared with {like} it {' and '.join(parts)}; save the state_dict of the whole model")
    for name, tensor in tensors.items():
        if tensor.shape != old[name].shape:
            raise Wrong(f"{path}: {name} has shape {list(tensor.shape)}, and {list(old[name].shape)} in {like}")


def write(path, metadata, tensors):
    """Writes the file as sinew would: in order of names, so that same contents are same bytes."""
    header, start = {"__metadata__": metadata}, 0
    for name, tensor in tensors.items():
        end = start + 4 * tensor.size
        header[name] = {"data_offsets": [start, end], "dtype": "F32", "shape": list(tensor.shape)}
        start = end
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path = Path(os.path.realpath(path))  # a link stays a link
    if not path.parent.is_dir():
        raise Wrong(f"{path}: there is no folder {path.parent}")
    handle, part = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".sinew-part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(struct.pack("<Q", len(text)))
            file.write(text)
            for tensor in tensors.values():
                file.write(little_endian(tensor))
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(part, path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~umask)
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise


def seal(a):
    """The whole way."""
    out = a.out or a.file
    if a.out and a.out.exists():
        try:
            safe_open(a.out, framework="np")
        except (OSError, SafetensorError):
            raise Wrong(f"{a.out}: exists and is not a safetensors file; not overwritten") from None
    metadata, tensors = read(a.file)
    if a.like:
        old_metadata, old = read(a.like)
        if not a.drop and old_metadata.get(CHECKSUM) not in (None, checksum(old_metadata, old)):
            raise Wrong(f"{a.like}: damaged: its checksum does not match; name the file as sinew wrote it")
        compare(a.file, tensors, a.like, old)
        changed = [key for key in metadata if key != CHECKSUM and metadata[key] != old_metadata.get(key)]
        if changed:
            warn(f"{a.file}: its metadata differs from that of {a.like} in {', '.join(changed)}; kept as it is")
        metadata = dict(sorted((old_metadata | metadata).items()))
    lacking = [key for key in NEEDED if key not in metadata]
    if lacking:
        raise Wrong(f"{a.file}: its metadata has no {', '.join(lacking)}; save it with metadata=…, or name the old file with --like")
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            raise Wrong(f"{a.file}: {name} holds NaN or an infinite number; sinew would refuse it")
    metadata.pop(CHECKSUM, None)
    if not a.drop:
        metadata = dict(sorted((metadata | {CHECKSUM: checksum(metadata, tensors)}).items()))
    write(out, metadata, tensors)
    print(f"{out}: {len(tensors)} tensors, " + ("no checksum" if a.drop else f"checksum {metadata[CHECKSUM]}"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, help="edited weights file")
    parser.add_argument("--like", type=Path, help="original file, to compare names and shapes")
    parser.add_argument("--out", type=Path, help="output file (default: in place)")
    parser.add_argument("--drop", action="store_true", help="remove the checksum instead of updating it")
    a = parser.parse_args()
    return run_command(lambda: seal(a))


if __name__ == "__main__":
    sys.exit(main())
