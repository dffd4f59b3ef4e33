#!/usr/bin/env python3
"""Turns a PYSKL or MMAction2 skeleton pickle into a folder for `sinew prepare --dataset clips`.

    python scripts/convert_pyskl.py ntu60_3danno.pkl --split xsub --out clips
    sinew prepare clips --out data --dataset clips

The pickle holds `annotations`, a list of dictionaries (frame_dir, label, keypoint [people, frames,
joints, 2 or 3], total_frames, perhaps keypoint_score), and `split`, names to lists of frame_dir.
`--split xsub` takes the lists xsub_train, xsub_val and xsub_test, those of them that are there;
without it the lists are called train, val and test. A benchmark's `val` without a `test` beside it
is what its papers report on: it is written as `test`, so that no checkpoint is chosen on it.

A person whose coordinates in a frame are all zero is missing there, and so is a joint with a
keypoint_score of zero: both become NaN. A pickle can run code when it is read. This reader allows
plain containers, numbers, texts and numpy arrays, and refuses everything else. Needs: numpy.
"""

import argparse
import csv
import pickle
import re
import shutil
import sys
from pathlib import Path

try:
    import numpy as np
except ImportError:
    sys.exit("it needs numpy: python3 -m pip install numpy")

ASSETS = Path(__file__).resolve().parent.parent / "assets"

ALLOWED = {
    "builtins": {"dict", "list", "tuple", "set", "frozenset", "int", "float", "complex", "bool", "str", "bytes",
                 "bytearray", "slice"},
    "collections": {"OrderedDict"},
    "_codecs": {"encode"},  # how protocol 2 writes the bytes of an array
    "numpy": {"ndarray", "dtype"},
} | {f"numpy.{core}.multiarray": {"_reconstruct", "scalar"} for core in ("core", "_core")
     } | {f"numpy.{core}.numeric": {"_frombuffer"} for core in ("core", "_core")}

NTU_NAME = re.compile(r"S(?P<setup>\d{3})C(?P<camera>\d{3})P(?P<subject>\d{3})R\d{3}A(?P<action>\d{3})")


class Wrong(Exception):
    """What is wrong with the input, for the user."""


class PlainUnpickler(pickle.Unpickler):
    """Reads data; never imports or calls anything outside ALLOWED."""

    def find_class(self, module, name):
        """The named class or function, if it is allowed."""
        module = {"__builtin__": "builtins"}.get(module, module)  # Python 2's name
        if name not in ALLOWED.get(module, ()):
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is no data; refused")
        return super().find_class(module, name)


def read(path):
    """The pickle's annotations and splits."""
    try:
        with open(path, "rb") as file:
            content = PlainUnpickler(file, encoding="latin1").load()
    except OSError as error:
        raise Wrong(f"{path}: {error.strerror}") from error
    except Exception as error:  # a damaged pickle raises nearly anything
        raise Wrong(f"{path}: not a readable pickle: {error or type(error).__name__}") from error
    if not isinstance(content, dict) or not {"annotations", "split"} <= content.keys():
        raise Wrong(f"{path}: no dictionary with `annotations` and `split`")
    if not isinstance(content["annotations"], list) or not isinstance(content["split"], dict):
        raise Wrong(f"{path}: `annotations` must be a list and `split` a dictionary")
    return content["annotations"], content["split"]


def choose_split(splits, name):
    """frame_dir → train, val or test, by the lists that belong to `name`."""
    lists = {}
    for key, clips in splits.items():
        for role in ("train", "val", "test"):
            if key in ({role} if name is None else {f"{name}_{role}", f"{role}_{name}", f"{role}{name}"}):
                lists[role] = clips
    if "train" not in lists or len(lists) < 2:
        wanted = "train, and val or test" if name is None else f"{name}_train, and {name}_val or {name}_test"
        there = sorted({re.sub("_?train_?", "", key) for key in map(str, splits) if "train" in key} - {""})
        help = "choose --split " + " or --split ".join(there) if there else "its lists must be named so"
        raise Wrong(f"there is no {wanted} among the lists {', '.join(map(str, splits))}; {help}")
    if "test" not in lists:
        lists["test"] = lists.pop("val")
        print("the val list is written as test: this benchmark has no other test set")
    chosen = {}
    for role, clips in lists.items():
        for clip in map(str, clips):
            if chosen.setdefault(clip, role) != role:
                raise Wrong(f"the clip {clip} is in the lists {chosen[clip]} and {role}")
    return chosen


def points(annotation):
    """The clip as float32 [people, frames, joints, 2 or 3], NaN where something is missing."""
    keypoint = np.asarray(annotation["keypoint"], dtype=np.float32)
    if keypoint.ndim != 4 or keypoint.shape[3] not in (2, 3):
        raise Wrong(f"keypoint is {list(keypoint.shape)}, not [people, frames, joints, 2 or 3]")
    frames = int(annotation["total_frames"])
    if not 0 < frames <= keypoint.shape[1]:
        raise Wrong(f"total_frames is {frames}, keypoint has {keypoint.shape[1]}")
    keypoint = keypoint[:, :frames].copy()
    absent = ~keypoint.any(axis=(2, 3))  # [people, frames]
    keypoint[absent] = np.nan
    if annotation.get("keypoint_score") is not None:
        score = np.asarray(annotation["keypoint_score"], dtype=np.float32)[:, :frames]
        if score.shape != keypoint.shape[:3]:
            raise Wrong(f"keypoint_score is {list(score.shape)}, keypoint {list(keypoint.shape)}")
        keypoint[score == 0] = np.nan
    if np.isinf(keypoint).any():
        raise Wrong("keypoint holds an infinite number")
    keypoint = keypoint[np.isfinite(keypoint).any(axis=(1, 2, 3))]
    if not len(keypoint):
        raise Wrong("it holds no person")
    return np.ascontiguousarray(keypoint)


def write_layout(shape, chosen, out):
    """layout.toml: the one that was named, or the one that the number of joints tells."""
    known = {(25, 3): "ntu25.toml", (17, 2): "coco17.toml"}.get(shape)
    if not chosen and not known:
        raise Wrong(f"{shape[0]} joints of {shape[1]} numbers are neither NTU's nor COCO's; name a layout with --layout")
    shutil.copyfile(chosen or ASSETS / "layouts" / known, out / "layout.toml")


def name_classes(rows):
    """NTU's names where every clip is named as NTU names its own, and labelled so; numbers elsewhere."""
    most = max(row["label"] for row in rows)
    if all(row.get("action") == row["label"] + 1 for row in rows) and most < 120:
        names = (ASSETS / "ntu_classes.txt").read_text(encoding="utf-8").splitlines()
        return names[:60 if most < 60 else 120]
    print("the pickle names no classes: they are called class 0, class 1, …; name them with --classes")
    return [f"class {k}" for k in range(1 + most)]


def convert(annotations, chosen, out, classes, layout):
    """Writes the clips that `chosen` names into the folder; returns what is wrong with the others."""
    rows, bad, files, shape, pictures = [], [], {}, None, set()
    for number, annotation in enumerate(annotations):
        name = str(annotation.get("frame_dir", number)) if isinstance(annotation, dict) else str(number)
        if isinstance(annotation, dict) and "frame_dir" in annotation and name not in chosen:
            continue
        try:
            clip = points(annotation)
            split, label = chosen[annotation["frame_dir"]], int(annotation["label"])
            file = re.sub(r"[^\w.-]", "_", name) + ".npy"
            if file.lower() in files:
                raise Wrong(f"its file would be named as that of {files[file.lower()]}")
            if label < 0 or (classes and label >= len(classes)):
                raise Wrong(f"label {label} has no class name")
            shape = shape or clip.shape[2:]
            if clip.shape[2:] != shape:
                raise Wrong(f"{clip.shape[2]} joints of {clip.shape[3]} numbers; others have {shape[0]} of {shape[1]}")
        except KeyError as error:
            bad.append(f"{name}: it has no {error}")
        except (Wrong, TypeError, ValueError) as error:
            bad.append(f"{name}: {error}")
        else:
            files[file.lower()] = name
            pictures.add(str(annotation.get("img_shape")))
            np.save(out / file, clip)
            facts = NTU_NAME.fullmatch(name)
            rows.append({"file": file, "label": label, "split": split}
                        | ({key: int(text) for key, text in facts.groupdict().items()} if facts else {}))
            if len(rows) % 1000 == 0:
                print(f"{len(rows)} clips", flush=True)
    known = {str(annotation.get("frame_dir")) for annotation in annotations if isinstance(annotation, dict)}
    bad += [f"{name}: listed in the split, but not among the annotations" for name in chosen.keys() - known]
    if not rows:
        return bad or ["it holds no clip of the split"]

    classes = classes or name_classes(rows)
    write_layout(shape, layout, out)
    (out / "classes.txt").write_text("".join(f"{name}\n" for name in classes), encoding="utf-8")
    columns = ["file", "label", "split"] + [c for c in ("subject", "camera", "setup") if all(c in row for row in rows)]
    with open(out / "clips.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        table.writeheader()
        table.writerows(row | {"label": classes[row["label"]]} for row in rows)
    if shape[1] == 2 and len(pictures) > 1:
        print(f"their pictures have {len(pictures)} sizes; coordinates stay in the pixels of each")
    counts = ", ".join(f"{sum(row['split'] == role for row in rows)} {role}" for role in ("train", "val", "test"))
    print(f"{len(rows)} clips ({counts}), {len(classes)} classes")
    return bad


def run(a):
    """The whole way: everything is written beside `--out` and takes its name when it is complete."""
    if a.out.exists():
        raise Wrong(f"{a.out}: exists already; choose a new folder")
    classes = a.classes.read_text(encoding="utf-8").splitlines() if a.classes else None
    annotations, splits = read(a.pickle)
    chosen = choose_split(splits, a.split)
    partial = a.out.with_name(a.out.name + ".partial")
    partial.mkdir(parents=True)
    try:
        bad = convert(annotations, chosen, partial, classes, a.layout)
        for line in bad:
            print(f"{a.pickle}: {line}", file=sys.stderr)
        if bad and not (a.skip_bad and (partial / "clips.csv").exists()):
            raise Wrong(f"{a.pickle}: {len(bad)} clips cannot be used; nothing is written (--skip-bad goes on without them)")
        partial.rename(a.out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    print(f"{a.out}: ready for `sinew prepare {a.out} --dataset clips --out DATA`")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pickle", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="a new folder")
    parser.add_argument("--split", help="for instance xsub: the lists xsub_train, xsub_val")
    parser.add_argument("--classes", type=Path, help="class names, one a line, in the order of the labels")
    parser.add_argument("--layout", type=Path, help="layout.toml of the skeleton; NTU's 25 and COCO's 17 joints need none")
    parser.add_argument("--skip-bad", action="store_true", help="leave out clips that cannot be used")
    a = parser.parse_args()
    try:
        run(a)
    except (Wrong, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
