#!/usr/bin/env python3
"""Writes a folder of own clips: sixty clips of a skeleton with four joints that waves with its left or right hand.

    python3 examples/own_clips/make_waves.py [FOLDER]      (default: waves)

Needs: numpy.
"""

import csv
import pathlib
import sys

try:
    import numpy as np
except ImportError:
    sys.exit("numpy is missing: python3 -m pip install numpy")

joints = ["hip", "neck", "left hand", "right hand"]
rest = np.array([[0, 0, 0], [0, 0.5, 0], [-0.3, 0.2, 0], [0.3, 0.2, 0]])      # metres, y up
folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "waves")
try:
    folder.mkdir()
except OSError as error:
    sys.exit(f"{folder}: {error.strerror}; choose another folder")
rows = [["file", "label", "split", "subject"]]          # split: train, val or test; subject, camera, setup if known
rng = np.random.default_rng(1)
for number in range(60):
    hand, person = number % 2, number % 5
    frames = int(rng.integers(30, 60))
    clip = rest + rng.normal(0, 0.01, (frames, 4, 3))
    clip[:, 2 + hand, 1] += 0.3 + 0.2 * np.sin(np.arange(frames) * 0.4 + rng.uniform(0, 6))
    np.save(folder / f"{number:03}.npy", clip)                                  # [frames, joints, 3]
    label, split = ["left wave", "right wave"][hand], "test" if person == 4 else "train"
    rows.append([f"{number:03}.npy", label, split, f"person {person}"])
with open(folder / "clips.csv", "w", newline="") as file:
    csv.writer(file).writerows(rows)
(folder / "layout.toml").write_text(f"""
name = "waver"
joints = {joints}
bones = [[1, 0], [2, 1], [3, 1]]      # child, parent
unit = "metre"
up = "+y"
""")
