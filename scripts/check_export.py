#!/usr/bin/env python3
"""Checks that PyTorch loads an exported file and computes the same scores with it.

    python scripts/check_export.py MODEL.safetensors [--inputs DUMP.safetensors]

The weights are loaded with strict=True. DUMP holds inputs and the scores that sinew gave them:
x [batch, T, joints, channels], temporal, spatial and fused [batch, classes]. Exits 1 when the file
does not fit the model of its own metadata, or a score differs by more than 1e-4.
Needs: torch, safetensors.
"""

import argparse
import sys

import torch
from safetensors.torch import load_file

from two_stream import TwoStream

TOLERANCE = 1e-4


def differences(model, dump):
    """Largest absolute difference of each score over the dump's inputs."""
    with torch.inference_mode():
        fused, temporal, spatial = model(dump["x"].float())
    found = {}
    for name, ours in (("temporal", temporal), ("spatial", spatial), ("fused", fused)):
        if dump[name].shape != ours.shape or ours.numel() == 0:
            raise ValueError(f"{name} is {list(dump[name].shape)} in the dump, {list(ours.shape)} here")
        found[name] = (dump[name] - ours).abs().max().item()
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="file written by `sinew export`")
    parser.add_argument("--inputs", metavar="DUMP", help="inputs and scores to compare with")
    arguments = parser.parse_args()

    try:
        model = TwoStream.from_file(arguments.model)
        count = sum(parameter.numel() for parameter in model.parameters())
        print(f"{arguments.model}: loaded, {count} parameters, {len(model.classes)} classes, input {list(model.input_shape)}")
        if not arguments.inputs:
            return 0
        found = differences(model, load_file(arguments.inputs))
    except Exception as error:
        print(f"{arguments.inputs or arguments.model}: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    for name, difference in found.items():
        print(f"{name}: largest difference {difference:.2e}")
    if not all(difference <= TOLERANCE for difference in found.values()):  # NaN is no agreement
        print(f"the scores differ by more than {TOLERANCE:.0e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
