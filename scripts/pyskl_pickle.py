"""Reads skeleton pickles as PYSKL and MMAction2 write them, without running what is in them. Needs: numpy."""

import pickle

import numpy as np

from cli import Wrong, mistaken

ALLOWED = {
    "builtins": {"dict", "list", "tuple", "set", "frozenset", "int", "float", "complex", "bool", "str", "bytes",
                 "bytearray", "slice"},
    "collections": {"OrderedDict", "defaultdict"},
    "_codecs": {"encode"},  # how protocol 2 writes the bytes of an array
    "numpy": {"ndarray", "dtype"},
} | {f"numpy.{core}.multiarray": {"_reconstruct", "scalar"} for core in ("core", "_core")
     } | {f"numpy.{core}.numeric": {"_frombuffer"} for core in ("core", "_core")}

MOST_PEOPLE = 6


class PlainUnpickler(pickle.Unpickler):
    """Reads data; never imports or calls anything outside ALLOWED."""

    def find_class(self, module, name):
        """The named class or function, if it is allowed."""
        module = {"__builtin__": "builtins"}.get(module, module)  # Python 2's name
        if name not in ALLOWED.get(module, ()):
            raise pickle.UnpicklingError(
                f"it asks for {module}.{name}, which is not plain data; save it with numpy arrays, numbers and text only")
        return super().find_class(module, name)


def listed(container):
    """The elements of a list, tuple, set or array; None for anything else."""
    if isinstance(container, np.ndarray):
        return container.tolist() if container.ndim == 1 else None
    return list(container) if isinstance(container, (list, tuple, set, frozenset)) else None


def read(path):
    """The pickle's annotations, and its split (text → clip names), None where it has none."""
    if path.exists() and not path.is_file():
        raise Wrong(f"{path}: not a file")
    if what := mistaken(path):
        raise Wrong(f"{path}: {what}")
    try:
        with open(path, "rb") as file:
            content = PlainUnpickler(file, encoding="latin1").load()
    except (OSError, MemoryError):
        raise
    except Exception as error:  # a damaged pickle raises nearly anything
        raise Wrong(f"{path}: not a readable pickle: {error or type(error).__name__}") from error
    split = None
    if isinstance(content, dict) and "annotations" in content:
        content, split = content["annotations"], content.get("split")
    elif isinstance(content, dict) and "keypoint" in content:
        raise Wrong(f"{path}: one dictionary, not a list of them; gather the annotations of all clips in one list")
    elif isinstance(content, dict) and not all(isinstance(value, dict) for value in content.values()):
        raise Wrong(f"{path}: a dictionary with the keys {', '.join(map(str, list(content)[:6]))}; "
                    "a skeleton pickle has `annotations` and `split`, or is a list of annotations")
    if isinstance(content, dict):  # names → annotations
        content = [{"frame_dir": name} | entry if isinstance(entry, dict) else entry for name, entry in content.items()]
    annotations = listed(content)
    if not annotations:
        raise Wrong(f"{path}: it holds no list of annotations")
    if split is not None:
        if not isinstance(split, dict):
            raise Wrong(f"{path}: `split` is a {type(split).__name__}, not a dictionary of lists")
        split = {str(key): listed(names) for key, names in split.items()}
        if wrong := [key for key, names in split.items() if names is None]:
            raise Wrong(f"{path}: the split {wrong[0]} is not a list of clip names")
    return annotations, split


def clip_name(value):
    """A frame_dir as text, the same for 15, numpy's 15 and 15.0."""
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.item()
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        value = int(value)
    return str(value)


def whole_number(value, key):
    """An integer: 3, numpy's 3, an array of one, 3.0 or "3"; never a rounded one."""
    number = value.item() if isinstance(value, (np.ndarray, np.generic)) and value.size == 1 else value
    if isinstance(number, str) and number.strip().isdecimal():
        number = int(number)
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if not isinstance(number, int):
        kind = "a list; a clip has one" if isinstance(number, (list, tuple, np.ndarray)) else f"{number!r}, not a whole number"
        raise Wrong(f"{key} is {kind}")
    return number


def axes_advice(shape, people, frames):
    """What to do about a clip with so many people in so few frames."""
    return Wrong(f"keypoint is {list(shape)}: {people} people in {frames} frames; if its axes are frames, people, joints, "
                 "write --axes frames-people; if they are people, frames, joints, write --axes people-frames")


def raw_points(annotation, axes, third):
    """keypoint as float32 [people, frames, joints, 2 or 3], scores [people, frames, joints] or None."""
    if "keypoint" not in annotation and "raw_file" in annotation:
        raise Wrong("its keypoints lie in another file (raw_file); put them into the annotation as `keypoint`")
    keypoint = np.array(annotation["keypoint"], dtype=np.float32)
    score = annotation.get("keypoint_score")
    score = None if score is None else np.asarray(score, dtype=np.float32)
    if keypoint.ndim == 3:  # one person
        keypoint, score = keypoint[None], score if score is None else score[None]
    if keypoint.ndim != 4 or keypoint.shape[3] not in (2, 3) or not keypoint.size:
        raise Wrong(f"keypoint is {list(keypoint.shape)}, not [people, frames, joints, 2 or 3]")
    if score is not None:
        if score.shape[-1:] == (1,) and score.ndim == 4:
            score = score[..., 0]
        if score.shape != keypoint.shape[:3]:
            raise Wrong(f"keypoint_score is {list(score.shape)}, keypoint {list(keypoint.shape)}")
    if third == "score":
        if keypoint.shape[3] != 3:
            raise Wrong(f"keypoint is {list(keypoint.shape)}: there is no third number that could be a score (--third)")
        score = keypoint[..., 2] if score is None else np.minimum(score, keypoint[..., 2])
        keypoint = keypoint[..., :2]
    if axes == "frames-people":
        keypoint, score = keypoint.swapaxes(0, 1), score if score is None else score.swapaxes(0, 1)
    frames = annotation.get("total_frames")
    frames = keypoint.shape[1] if frames is None else whole_number(frames, "total_frames")
    if axes is None and keypoint.shape[0] == frames != keypoint.shape[1] and keypoint.shape[0] > 1:
        raise axes_advice(keypoint.shape, *keypoint.shape[:2])
    if not 0 < frames <= keypoint.shape[1]:
        raise Wrong(f"total_frames is {frames}, and keypoint has {keypoint.shape[1]} frames")
    return keypoint[:, :frames], score if score is None else score[:, :frames]


def zeros(keypoint):
    """Which joints are exactly zero, [people, frames, joints], and in which frames all are, [people, frames]."""
    zero = ~keypoint.any(axis=3)
    return zero, zero.all(axis=2)


def origin_joints(annotations, axes, third):
    """Joints that the coordinates are centred on: zero wherever somebody is, beside negative coordinates."""
    origin, negative = None, False
    for annotation in annotations:
        try:
            keypoint, _ = raw_points(annotation, axes, third)
        except (Wrong, KeyError, TypeError, ValueError, AttributeError):
            continue  # reported when it is converted
        zero, absent = zeros(keypoint)
        always = (zero | absent[..., None]).all(axis=(0, 1))
        if absent.all() or (origin is not None and origin.shape != always.shape):
            continue
        origin = always if origin is None else origin & always
        negative |= bool((keypoint < 0).any())
        if not origin.any():
            return []
    return np.flatnonzero(origin).tolist() if origin is not None and negative else []


def points(annotation, axes, third, pixel, origin):
    """The clip as float32 [people, frames, joints, 2 or 3], NaN where something is missing, people who never appear
    left out; and how many joints of people who are there were exactly zero.

    `third` says what a third number is, "z" or "score"; None refuses one that looks like a score. `pixel`: the layout's
    unit is the pixel. `origin`: joints whose zeros are positions.
    """
    keypoint, score = raw_points(annotation, axes, third)
    zero, absent = zeros(keypoint)
    if third is None and keypoint.shape[3] == 3:
        there = keypoint[~zero & np.isfinite(keypoint).all(axis=3)]
        within = len(there) and there[:, 2].any() and (0 <= there[:, 2]).all() and (there[:, 2] <= 1).all()
        if within and (pixel or np.abs(there[:, :2]).max() > 2):
            raise Wrong("the third numbers of keypoint all lie from 0 to 1, as scores do; write --third score to take "
                        "them as such, or --third z if they are coordinates")
    if np.isinf(keypoint).any():
        raise Wrong("keypoint holds an infinite number")
    zero[..., origin] = False
    missing = zero & ~absent[..., None]
    keypoint[missing | absent[..., None]] = np.nan
    if score is not None:
        keypoint[~(score > 0)] = np.nan
    seen = np.isfinite(keypoint).all(axis=3).any(axis=(1, 2))
    if not seen.any():
        raise Wrong("nobody is in any of its frames (zeros and a keypoint_score of 0 count as missing)")
    people, frames = int(seen.sum()), keypoint.shape[1]
    if axes is None and (people > frames or people > MOST_PEOPLE):
        raise axes_advice(np.shape(annotation["keypoint"]), people, frames)
    return np.ascontiguousarray(keypoint[seen]), int(missing.sum())
