#!/usr/bin/env python3
"""Writes assets/golden/*.safetensors: what PyTorch computes, for the tests to compare with.

    python scripts/make_goldens.py [--out assets/golden]      needs: torch, safetensors

Inputs are float32; everything is computed from them in float64 and rounded to float32 at the end.
The script also computes each case in float32 and refuses one whose float32 result strays by more
than 1e-5 (max |a - b| / max |b|): such a case would test rounding. Same torch version, same bytes.

Both files: tensor names are `<case>.<tensor>`; the gradient of the case's loss with respect to a
tensor is `<case>.grad.<tensor>`. Metadata: `torch` (version), `script`, `cases` (JSON, below).

lstm.safetensors: one layer. cases = [{name, steps T, batch B, input I, hidden H, directions D,
peephole, lengths}].
  x [T, B, I]                                 input
  weight_ih_l0 [4H, I], weight_hh_l0 [4H, H], bias_ih_l0 [4H], bias_hh_l0 [4H]   gate order i, f, g, o
  weight_ci_l0, weight_cf_l0, weight_co_l0 [H]   peepholes, where `peephole`
  …_reverse                                   the same of the backward direction, where D = 2
  h0, c0 [D, B, H]                            initial state, of the backward direction second
  lengths [B] int32                           where `lengths`: outputs from a row's length on are
                                              zero, and the backward direction starts, from its
                                              initial state, at the row's last valid step
  output [T, B, D * H]                        forward then backward
  loss_weight [T, B, D * H]                   loss = sum(loss_weight * output)
  grad.x, grad.weight_…, grad.bias_…, grad.h0, grad.c0

two_stream.safetensors: whole tiny models, dropout off. cases = {name: {layout, classes, recipe,
frames, channels}}, values as in an exported file's metadata: recipe and layout are JSON texts.
  x [batch, T, joints, channels], label [batch] int32
  param.<exported name>                       every parameter
  temporal, spatial, fused [batch, classes]   logits; `fused` holds probabilities for posteriors
  loss []                                     mean cross entropy of `fused`; for posteriors the sum
                                              of the two streams' mean cross entropies
  grad.<exported name>                        of every parameter
"""

import argparse
import json
import tomllib
from pathlib import Path

import torch
from safetensors.torch import save
from torch import nn
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from two_stream import PeepholeLstm, TwoStream

TOLERANCE = 1e-5

# name, T, B, I, H, D, peephole, row lengths, factor on x
LSTM_CASES = [
    ("plain", 7, 3, 5, 9, 1, False, None, 1),
    ("one_step", 1, 5, 3, 7, 1, False, None, 1),
    ("one_step_both", 1, 2, 4, 3, 2, False, None, 1),
    ("one_row_one_unit", 4, 1, 1, 1, 1, False, None, 1),
    ("both_directions", 6, 3, 7, 5, 2, False, None, 1),
    ("wide", 5, 4, 6, 33, 1, False, None, 1),
    ("many_rows", 3, 19, 3, 6, 2, False, None, 1),
    ("long", 50, 2, 3, 5, 2, False, None, 1),
    ("lengths", 8, 5, 3, 7, 1, False, (8, 1, 5, 3, 7), 1),
    ("lengths_both", 8, 5, 3, 7, 2, False, (2, 8, 1, 6, 5), 1),
    ("lengths_all_short", 6, 2, 3, 4, 2, False, (4, 3), 1),
    ("peephole", 7, 3, 5, 9, 1, True, None, 1),
    ("peephole_one_step", 1, 3, 4, 5, 2, True, None, 1),
    ("peephole_both", 6, 3, 7, 5, 2, True, None, 1),
    ("peephole_lengths", 7, 4, 3, 5, 2, True, (3, 7, 1, 6), 1),
    ("large", 6, 3, 5, 9, 2, False, None, 50),
    ("large_peephole_lengths", 6, 3, 5, 9, 2, True, (6, 2, 5), 50),
]

ROOT = Path(__file__).resolve().parent.parent


def ntu25():
    """The NTU RGB+D layout, with the `mirror` that the file leaves to be derived from the names."""
    layout = tomllib.loads((ROOT / "assets" / "layouts" / "ntu25.toml").read_text())
    swapped = {"left": "right", "right": "left"}
    twins = [" ".join(swapped.get(word, word) for word in joint.split()) for joint in layout["joints"]]
    return layout | {"mirror": [layout["joints"].index(twin) for twin in twins]}


def two_stream_cases():
    """(name, model section, T, channels, number of classes) of every case.

    Every pair of temporal, spatial, fusion and direction occurs: the directions alternate. Then
    one case each for what the others leave out: four does not divide T, six channels, peepholes.
    """
    def section(temporal, spatial, fusion, bidirectional, weight=0.9, peephole=False):
        kind, _, scores = fusion.partition("_")
        return {
            "temporal": temporal, "spatial": spatial, "fusion": kind, "fusion_weight": weight,
            "fusion_scores": scores or "posteriors", "hidden": 8, "part_hidden": 4,
            "bidirectional": bidirectional, "peephole": peephole, "dropout": 0.5}

    for a, temporal in enumerate(("stacked", "hierarchical")):
        for b, spatial in enumerate(("chain", "traversal")):
            for c, fusion in enumerate(("weighted_posteriors", "weighted_logits", "gated")):
                both = (a + b + c) % 2 == 1
                name = f"{temporal}_{spatial}_{fusion}_{'both' if both else 'one'}"
                yield name, section(temporal, spatial, fusion, both), 8, 3, 3 + c
    yield "ten_frames", section("stacked", "traversal", "weighted_logits", False, weight=0.7), 10, 3, 4
    yield "six_channels", section("hierarchical", "chain", "weighted_posteriors", False, weight=0.7), 8, 6, 3
    yield "peephole_stacked", section("stacked", "chain", "weighted_posteriors", False, peephole=True), 8, 3, 3
    yield "peephole_hierarchical", section("hierarchical", "traversal", "gated", True, peephole=True), 8, 3, 5


def checked(case, run, leaves):
    """`run` of float64 copies of `leaves`, rounded to float32; held against `run` in float32."""
    exact, single = ({key: t.float() for key, t in run({k: v.to(kind, copy=True) for k, v in leaves.items()}).items()}
                     for kind in (torch.float64, torch.float32))
    for key, b in exact.items():
        error = ((single[key] - b).abs().max() / b.abs().max()).item()
        if not error <= TOLERANCE:  # also where it is NaN: a golden of zeros proves nothing
            raise SystemExit(f"{case}.{key}: float32 strays by {error:.1e}, choose another input")
    return exact


def lstm_case(name, steps, batch, width, hidden, directions, peephole, lengths, factor, rng):
    kind = PeepholeLstm if peephole else nn.LSTM
    options = {} if peephole else {"batch_first": True}
    layer = kind(width, hidden, bidirectional=directions == 2, **options)
    bound = hidden**-0.5
    leaves = {"x": factor * torch.randn(steps, batch, width, generator=rng)}
    for key, parameter in layer.named_parameters():
        leaves[key] = torch.empty_like(parameter).uniform_(-bound, bound, generator=rng).detach()
    for key in ("h0", "c0"):
        leaves[key] = torch.randn(directions, batch, hidden, generator=rng)
    weight = torch.randn(steps, batch, directions * hidden, generator=rng)
    rows = None if lengths is None else torch.tensor(lengths)

    def run(values):
        values = {key: value.requires_grad_() for key, value in values.items()}
        x, state = values["x"].transpose(0, 1), (values["h0"], values["c0"])
        own = {key: value for key, value in values.items() if key not in ("x", "h0", "c0")}
        if peephole:
            output, _ = torch.func.functional_call(layer, own, (x, state, rows))
        elif lengths is None:
            output, _ = torch.func.functional_call(layer, own, (x, state))
        else:
            packed = pack_padded_sequence(x, rows, batch_first=True, enforce_sorted=False)
            packed, _ = torch.func.functional_call(layer, own, (packed, state))
            output, _ = pad_packed_sequence(packed, batch_first=True, total_length=steps)
        output = output.transpose(0, 1)
        grads = torch.autograd.grad((weight.to(output.dtype) * output).sum(), list(values.values()))
        return {"output": output.detach()} | {f"grad.{k}": g for k, g in zip(values, grads)}

    tensors = leaves | {"loss_weight": weight} | checked(name, run, leaves)
    if rows is not None:
        tensors["lengths"] = rows.int()
    facts = {"name": name, "steps": steps, "batch": batch, "input": width, "hidden": hidden,
             "directions": directions, "peephole": peephole, "lengths": lengths is not None}
    return tensors, facts


def two_stream_case(name, section, frames, channels, classes, layout, rng):
    recipe = {"model": section, "data": {"frames": frames, "people": "concatenate" if channels == 6 else "average"}}
    metadata = {"layout": json.dumps(layout), "classes": json.dumps([f"class {k}" for k in range(classes)]),
                "recipe": json.dumps(recipe), "frames": str(frames), "channels": str(channels)}
    model = TwoStream.from_metadata(metadata).eval()
    leaves = {"x": torch.randn(3, frames, len(layout["joints"]), channels, generator=rng)}
    for key, parameter in model.named_parameters():
        bound = 2 * parameter.shape[-1]**-0.5
        leaves[f"param.{key}"] = torch.empty_like(parameter).uniform_(-bound, bound, generator=rng).detach()
    label = torch.randint(classes, (3,), generator=rng)

    def run(values):
        own = {k.removeprefix("param."): v.requires_grad_() for k, v in values.items() if k != "x"}
        fused, temporal, spatial = torch.func.functional_call(model, own, (values["x"],))
        if section["fusion"] == "weighted" and section["fusion_scores"] == "posteriors":
            loss = cross_entropy(temporal, label) + cross_entropy(spatial, label)
        else:
            loss = cross_entropy(fused, label)
        grads = torch.autograd.grad(loss, list(own.values()))
        results = {"temporal": temporal, "spatial": spatial, "fused": fused, "loss": loss}
        return {k: v.detach() for k, v in results.items()} | {f"grad.{k}": g for k, g in zip(own, grads)}

    return leaves | {"label": label.int()} | checked(name, run, leaves), metadata


def write(path, cases, facts):
    tensors = {f"{case}.{key}": t.contiguous().clone() for case, own in cases.items() for key, t in own.items()}
    metadata = {"torch": torch.__version__, "script": "scripts/make_goldens.py", "cases": json.dumps(facts)}
    raw = save(tensors, metadata)
    # The library writes the metadata in a random order: sort it, so that the same tensors are the same bytes.
    end = 8 + int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + raw[end:])
    print(f"{path}: {len(cases)} cases, {len(tensors)} tensors, {path.stat().st_size / 1e6:.2f} MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "assets" / "golden")
    out = parser.parse_args().out
    torch.set_num_threads(1)
    rng = torch.Generator().manual_seed(20170721)

    lstm = [lstm_case(*case, rng) for case in LSTM_CASES]
    write(out / "lstm.safetensors", {facts["name"]: t for t, facts in lstm}, [facts for _, facts in lstm])
    layout = ntu25()
    models = {case[0]: two_stream_case(*case, layout, rng) for case in two_stream_cases()}
    write(out / "two_stream.safetensors", {n: t for n, (t, _) in models.items()}, {n: m for n, (_, m) in models.items()})


if __name__ == "__main__":
    main()
