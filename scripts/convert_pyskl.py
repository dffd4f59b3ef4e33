#!/usr/bin/env python3
"""Converts PYSKL or MMAction2 skeleton pickles to a folder for `sinew prepare --dataset clips`.

    python scripts/convert_pyskl.py ntu60_3danno.pkl --split xsub --out clips
    python scripts/convert_pyskl.py --train train.pkl --test val.pkl --out clips
    sinew prepare clips --out data --dataset clips

A pickle holds `annotations`, a list of dictionaries (frame_dir, label, keypoint [people, frames,
joints, 2 or 3], perhaps total_frames and keypoint_score), and `split`, names to lists of frame_dir.
`--split xsub` takes the lists xsub_train, xsub_val and xsub_test, those of them that exist; without
it the lists are called train, val and test. Pickles that are lists of annotations without a `split`
are named by their role: `--train`, `--test`, perhaps `--val`. A `val` without a `test` is what a
benchmark's papers report on: it is written as `test`, so that no checkpoint is chosen on it.

A joint that is exactly zero, or whose keypoint_score is zero, is missing and becomes NaN. A joint
that is zero in every frame, beside negative coordinates, is their origin and stays. Labels count
from 0, or from `--first-label`. A pickle can run code when it is read. This reader allows plain
containers, numbers, texts and numpy arrays, and refuses everything else. Needs: numpy.
"""

import argparse
import csv
import hashlib
import re
import shutil
import sys
import unicodedata
from collections import Counter
from pathlib import Path

try:
    import numpy as np
except ImportError:
    sys.exit("numpy is missing: python3 -m pip install numpy")

from cli import Wrong, one_line, run_command, warn
from pyskl_pickle import MOST_PEOPLE, clip_name, origin_joints, points, read, whole_number

ASSETS = Path(__file__).resolve().parent.parent / "assets"
ROLES = ("train", "val", "test")
MOST_CLASSES = 10_000
MOST_LINES = 20

NTU_NAME = re.compile(r"S(?P<setup>\d{3})C(?P<camera>\d{3})P(?P<subject>\d{3})R\d{3}A(?P<action>\d{3})(_rgb)?")


def val_is_test(roles):
    """Uses `val` as `test` if there is no test set."""
    if "test" not in roles and "val" in roles:
        roles["test"] = roles.pop("val")
        print("val is used as the test set, since there is no other")
    return roles


def choose_split(path, splits, name):
    """frame_dir → train, val or test, by the lists that belong to `name`."""
    lists = {}
    for key, clips in splits.items():
        for role in ROLES:
            if key in ({role} if name is None else {f"{name}_{role}", f"{role}_{name}", f"{role}{name}"}) and clips:
                lists[role] = clips
    if "train" not in lists:
        wanted = "train" if name is None else f"{name}_train"
        there = sorted({re.sub("_?train_?", "", key) for key in splits if "train" in key} - {"", name})
        advice = "choose --split " + " or --split ".join(there) if there else "its lists must be named so"
        raise Wrong(f"{path}: no list {wanted} with clips in it among {', '.join(splits) or 'no lists'}; {advice}")
    chosen = {}
    for role, clips in val_is_test(lists).items():
        for clip in map(clip_name, clips):
            if chosen.setdefault(clip, role) != role:
                raise Wrong(f"{path}: the clip {clip} is in the lists {chosen[clip]} and {role}")
    return chosen


def from_split(path, name):
    """(frame_dir, role, annotation) of every clip of a split, and what is wrong with the others."""
    annotations, splits = read(path)
    if splits is None:
        raise Wrong(f"{path}: annotations without a `split`; give each pickle its role: "
                    "--train TRAIN.pkl --test TEST.pkl (--val VAL.pkl)")
    chosen = choose_split(path, splits, name)
    clips, bad = named(path, annotations)
    known = {clip for clip, _ in clips}
    unknown = sorted(chosen.keys() - known)
    if clips and not chosen.keys() & known:
        raise Wrong(f"{path}: its split lists clips like {unknown[0]}, and none is among the annotations, "
                    f"whose frame_dir are like {clips[0][0]}")
    bad += [f"{path}: {clip}: listed in the split, and not among the annotations" for clip in unknown]
    bad += [f"{path}: {clip}: its frame_dir is there {count} times, so the split does not say which one it means"
            for clip, count in Counter(clip for clip, _ in clips if clip in chosen).items() if count > 1]
    twice = {clip for clip, count in Counter(clip for clip, _ in clips).items() if count > 1}
    return [(path, clip, chosen[clip], entry) for clip, entry in clips if clip in chosen and clip not in twice], bad


def from_roles(paths):
    """The same of pickles without a split, each with its role."""
    entries, bad = [], []
    for role, path in val_is_test(paths).items():
        annotations, splits = read(path)
        if splits is not None:
            raise Wrong(f"{path}: it has a `split` of its own; name it without --{role}, and its lists by --split where "
                        "they are not called train, val and test")
        clips, wrong = named(path, annotations)
        entries += [(path, clip, role, entry) for clip, entry in clips]
        bad += wrong
    return entries, bad


def named(path, annotations):
    """Annotations with their frame_dir as text, and what is wrong with those that have none."""
    clips, bad = [], []
    for number, entry in enumerate(annotations):
        if not isinstance(entry, dict) or entry.get("frame_dir") is None:
            kind = "it has no frame_dir" if isinstance(entry, dict) else f"a {type(entry).__name__}, not a dictionary"
            bad.append(f"{path}: annotation {number}: {kind}")
        else:
            clips.append((clip_name(entry["frame_dir"]), entry))
    return clips, bad


def file_name(clip, taken):
    """A name for the clip's file that no other has, where upper and lower case are one."""
    stem = re.sub(r"[^\w.-]", "_", unicodedata.normalize("NFC", clip)).encode()[:200].decode(errors="ignore").lstrip(".") or "clip"
    name, number = f"{stem}.npy", 1
    while name.casefold() in taken:
        number += 1
        name = f"{stem}-{number}.npy"
    taken.add(name.casefold())
    return name


def class_names(path):
    """The names of `--classes`, one a line."""
    try:
        names = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except UnicodeDecodeError as error:
        raise Wrong(f"{path}: not UTF-8 text; save it as UTF-8") from error
    while names and not names[-1]:
        names.pop()
    for line, name in enumerate(names, 1):
        if not name or name in names[:line - 1]:
            what = f"the class {name!r} is named twice" if name else "it is empty, and classes below it would move up"
            raise Wrong(f"{path}: line {line}: {what}; name every class once, in the order of the labels")
    if not names:
        raise Wrong(f"{path}: it names no class")
    return names


def name_classes(rows, first):
    """NTU's names where every clip is named as NTU names its own, and labelled so; numbers elsewhere."""
    most = max(row["label"] for row in rows)
    if all(row.get("action") == row["label"] + 1 for row in rows) and most < 120:
        names = (ASSETS / "ntu_classes.txt").read_text(encoding="utf-8").splitlines()
        return names[:60 if most < 60 else 120]
    print(f"the pickle names no classes: they are called class {first}, class {first + 1}, …; name them with --classes")
    return [f"class {k + first}" for k in range(1 + most)]


def few(names):
    """The first names of many."""
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def check_classes(rows, classes, first):
    """Refuses clips that teach nothing; warns of classes that cannot be learned or tested."""
    counts = {role: Counter(row["label"] for row in rows if row["split"] == role) for role in ROLES}
    if len(counts["train"]) < 2:
        what = f"all training clips are of one class, {classes[next(iter(counts['train']))]}" if counts["train"] else "no training clips"
        raise Wrong(f"{what}; training needs clips of two classes at least")
    if not counts["test"]:
        warn("no test clips: `sinew eval` will have nothing to score; add some with --test, or change the column "
             "`split` of clips.csv")
    used = {row["label"] for row in rows}
    empty = [name for label, name in enumerate(classes) if label not in used]
    if empty and 0 not in used:
        low = first + min(used)
        warn(f"no clips of {few(empty)}: the labels start at {low}; if {low} is the first class, write --first-label {low}")
    elif empty:
        warn(f"no clips of {few(empty)}: the model will have an output for them that means nothing")
    unseen = [classes[label] for label in sorted(used - counts["train"].keys())]
    if unseen:
        warn(f"test or val clips and no training clips of {few(unseen)}: these cannot be recognised")


def choose_layout(name):
    """The file of a layout that was named by its path or as one of sinew's own."""
    own = ASSETS / "layouts" / f"{name}.toml"
    if not Path(name).is_file() and not own.is_file():
        names = ", ".join(sorted(path.stem for path in own.parent.glob("*.toml")))
        raise Wrong(f"{name}: no such layout; name a file or one of {names}")
    return Path(name) if Path(name).is_file() else own


def write_layout(shape, chosen, crowd, out):
    """layout.toml: the one that was named, or the one that the number of joints tells. A crowd is stated in it."""
    known = {(25, 3): "ntu25", (17, 2): "coco17"}.get(shape)
    if not chosen and not known:
        advice = "; if the third number is a score, write --third score" if shape[1] == 3 else ""
        raise Wrong(f"{shape[0]} joints of {shape[1]} numbers are neither NTU's nor COCO's; name a layout with --layout{advice}")
    if not chosen:
        print(f"{shape[0]} joints of {shape[1]} numbers are taken for {known}; name another layout with --layout")
    text = (chosen or ASSETS / "layouts" / f"{known}.toml").read_text(encoding="utf-8-sig")
    if crowd and not re.search(r"^\s*most_people\s*=", text, re.MULTILINE):
        text = f"most_people = {crowd}\n{text}"
    (out / "layout.toml").write_text(text, encoding="utf-8")


def write_clips(entries, out, classes, pixel, a):
    """Writes the clips as arrays; returns a row of the table each, joints and numbers a joint, the people of the largest
    clip that `sinew prepare` would refuse as one with swapped axes (0 without one), and what is wrong with the clips that
    cannot be used."""
    origin = origin_joints((entry for *_, entry in entries), a.axes, a.third)
    if origin:
        print(f"joint {', '.join(map(str, origin))} is zero in every frame: taken for the origin, not as missing")
    rows, bad, taken, seen, shape, pictures, missing, crowd = [], [], set(), {}, None, set(), 0, 0
    for path, name, role, annotation in entries:
        try:
            clip, zeros = points(annotation, a.axes, a.third, pixel, origin)
            label = class_index(annotation["label"], classes, a)
            shape = shape or clip.shape[2:]
            if clip.shape[2:] != shape:
                raise Wrong(f"{clip.shape[2]} joints of {clip.shape[3]} numbers; others have {shape[0]} of {shape[1]}")
            same = (name, hashlib.sha256(clip).digest())
            if same in seen:
                raise Wrong(f"the same clip is in {seen[same]} already")
        except KeyError as error:
            bad.append(f"{path}: {name}: it has no {error.args[0]}")
        except (Wrong, TypeError, ValueError, AttributeError) as error:
            bad.append(f"{path}: {name}: {error}")
        else:
            file = file_name(name, taken)
            seen[same] = f"{path} ({role})"
            missing += zeros
            pictures.add(str(annotation.get("img_shape")))
            np.save(out / file, clip)
            people, frames = clip.shape[:2]
            if people > min(MOST_PEOPLE, frames):
                crowd = max(crowd, people)
            facts = NTU_NAME.fullmatch(name)
            rows.append({"file": file, "label": label, "split": role}
                        | ({key: int(text) for key, text in facts.groupdict().items()} if facts else {}))
            if len(rows) % 1000 == 0:
                print(f"{len(rows)} clips", flush=True)
    if missing:
        print(f"{missing} joint positions are exactly zero where others are not: taken as missing")
    if rows and shape[1] == 2 and len(pictures) > 1:
        print(f"their pictures have {len(pictures)} sizes; coordinates stay in the pixels of each")
    return rows, shape, crowd, bad


def class_index(value, classes, a):
    """The class of a label, from 0."""
    number = whole_number(value, "label")
    label = number - a.first_label
    if label < 0:
        raise Wrong(f"label {number} is below the first label, {a.first_label}")
    if label >= MOST_CLASSES:
        raise Wrong(f"label {number} is too large: at most {MOST_CLASSES} classes")
    if classes and label >= len(classes):
        advice = "" if a.first_label else "; where labels count from 1, write --first-label 1"
        raise Wrong(f"label {number} has no name: {a.classes} names {len(classes)} classes, counted from "
                    f"{a.first_label}{advice}")
    return label


def write_tables(rows, shape, crowd, out, classes, layout, first):
    """Writes clips.csv, classes.txt and layout.toml next to the arrays."""
    classes = classes or name_classes(rows, first)
    check_classes(rows, classes, first)
    write_layout(shape, layout, crowd, out)
    (out / "classes.txt").write_text("".join(f"{name}\n" for name in classes), encoding="utf-8")
    columns = ["file", "label", "split"] + [c for c in ("subject", "camera", "setup") if all(c in row for row in rows)]
    with open(out / "clips.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        table.writeheader()
        table.writerows(row | {"label": classes[row["label"]]} for row in rows)
    counts = ", ".join(f"{sum(row['split'] == role for row in rows)} {role}" for role in ROLES)
    print(f"{len(rows)} clips ({counts}), {len(classes)} classes")


def report(bad, skip):
    """Prints what is wrong with clips, and stops unless they are to be left out."""
    most = len(bad) if skip else MOST_LINES
    for line in bad[:most]:
        print(one_line(line), file=sys.stderr)
    if len(bad) > most:
        print(f"… and {len(bad) - most} more", file=sys.stderr)
    if bad and not skip:
        raise Wrong(f"{len(bad)} clip{'s' * (len(bad) > 1)} cannot be used; nothing is written (--skip-bad leaves them out)")


def convert(a):
    """Converts everything in a temporary folder next to `--out`, which is renamed once it is complete."""
    if a.out.exists():
        raise Wrong(f"{a.out}: exists already; choose a new folder")
    classes = class_names(a.classes) if a.classes else None
    layout = choose_layout(a.layout) if a.layout else None
    pixel = bool(layout and re.search(r"^unit\s*=\s*[\"']pixel", layout.read_text(encoding="utf-8"), re.MULTILINE))
    paths = {role: getattr(a, role) for role in ROLES if getattr(a, role)}
    entries, bad = from_roles(paths) if paths else from_split(a.pickle, a.split)
    partial = a.out.with_name(a.out.name + ".partial")
    try:
        partial.mkdir(parents=True)
    except FileExistsError:
        raise Wrong(f"{partial}: left by a conversion that was killed, or one is running; remove it") from None
    try:
        rows, shape, crowd, more = write_clips(entries, partial, classes, pixel, a)
        report(bad + more, a.skip_bad)
        if not rows:
            raise Wrong(f"{a.out}: no clip is left; nothing is written")
        write_tables(rows, shape, crowd, partial, classes, layout, a.first_label)
        partial.rename(a.out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    print(f"{a.out}: ready for `sinew prepare {a.out} --dataset clips --out DATA`")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pickle", type=Path, nargs="?", help="a pickle with annotations and split")
    for role in ROLES:
        parser.add_argument(f"--{role}", type=Path, metavar="PICKLE", help=f"a pickle without a split, with the clips for {role}")
    parser.add_argument("--out", type=Path, required=True, help="a new folder")
    parser.add_argument("--split", help="name of the split, such as xsub for the lists xsub_train and xsub_val")
    parser.add_argument("--classes", type=Path, help="class names, one per line, in the order of the labels")
    parser.add_argument("--first-label", type=int, default=0, metavar="N", help="label of the first class (default: 0)")
    parser.add_argument("--layout", help="a layout.toml or the name of a built-in layout; not needed for 25 joints (NTU) and 17 joints (COCO)")
    parser.add_argument("--axes", choices=["people-frames", "frames-people"], help="order of the first two axes of keypoint")
    parser.add_argument("--third", choices=["z", "score"], help="meaning of the third value of keypoint")
    parser.add_argument("--skip-bad", action="store_true", help="leave out clips that cannot be used")
    a = parser.parse_args()
    roles = a.train or a.val or a.test
    if bool(a.pickle) == bool(roles) or (roles and (a.split or not a.train)):
        parser.error("name one pickle (and --split), or --train and --test with a pickle each")
    return run_command(lambda: convert(a))


if __name__ == "__main__":
    sys.exit(main())
