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

two_stream.safetensors: whole tiny models, dropout off. cases = {name: {inputs, layout, classes, recipe,
frames, channels}}, values as in an exported file's metadata: recipe and layout are JSON texts. `inputs` names the
batches, which cases share:
  <inputs>.x [batches, batch, T, joints, channels], <inputs>.label [batches, batch] int32
Tensors of a case, all but `losses` of the first batch:
  param.<exported name>                       every parameter
  temporal, spatial, fused [batch, classes]   logits; `fused` holds probabilities for posteriors
  loss []                                     mean cross entropy of `fused`; for posteriors the sum
                                              of the two streams' mean cross entropies
  grad.<exported name>                        of every parameter
  losses [steps]                              of each step of training.py from these parameters, batch
                                              after batch, by the sections train and schedule of the recipe
"""

import argparse
import json
import tomllib
from itertools import product
from pathlib import Path

import torch
from safetensors.torch import save
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from training import losses, loss_of
from two_stream import PeepholeLstm, TwoStream

TOLERANCE = 1e-5
# Of a loss in training, absolute: rounding grows from step to step.
LOSS_TOLERANCE = 1e-4

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


# What the cases train with in turn: each optimiser, with decay, clipping, smoothing and schedules that change the rate
# within the steps.
BATCHES, EPOCHS = 5, 10
TRAINING = [
    {"train": {"optimiser": "sgd", "lr": 0.04, "weight_decay": 0.001, "momentum": 0.9, "nesterov": True,
               "clip_norm": 0.0, "label_smoothing": 0.0, "epochs": EPOCHS},
     "schedule": {"kind": "step", "step": 3, "gamma": 0.7, "warmup": 0.0}},
    {"train": {"optimiser": "adam", "lr": 0.003, "weight_decay": 0.001, "momentum": 0.9, "nesterov": False,
               "clip_norm": 0.5, "label_smoothing": 0.0, "epochs": EPOCHS},
     "schedule": {"kind": "step", "step": 2, "gamma": 0.75, "warmup": 0.0}},
    {"train": {"optimiser": "adamw", "lr": 0.004, "weight_decay": 0.1, "momentum": 0.9, "nesterov": False,
               "clip_norm": 1.0, "label_smoothing": 0.1, "epochs": EPOCHS},
     "schedule": {"kind": "cosine", "step": 1, "gamma": 1.0, "warmup": 1.2}},
]


def layout_of(name):
    """A layout of assets/, with the `mirror` that the file leaves to be derived from the names."""
    layout = tomllib.loads((ROOT / "assets" / "layouts" / f"{name}.toml").read_text())
    swapped = {"left": "right", "right": "left"}
    twins = [" ".join(swapped.get(word, word) for word in joint.split()) for joint in layout["joints"]]
    return layout | {"mirror": [layout["joints"].index(twin) for twin in twins]}


# name, layout, T, channels
INPUTS = [("ntu25", "ntu25", 8, 3), ("sbu15", "sbu15", 8, 3), ("ntu25_long", "ntu25", 10, 3), ("sbu15_pairs", "sbu15", 8, 6)]


def two_stream_cases():
    """(name, model section, training sections, inputs, number of classes) of every case.

    Every variant occurs: streams, fusion, one direction and both, peepholes. Then one case each for what those leave
    out: four does not divide T, six channels.
    """
    def section(temporal, spatial, fusion, bidirectional, peephole, weight=0.9):
        kind, _, scores = fusion.partition("_")
        return {
            "temporal": temporal, "spatial": spatial, "fusion": kind, "fusion_weight": weight,
            "fusion_scores": scores or "posteriors", "hidden": 5, "part_hidden": 3,
            "bidirectional": bidirectional, "peephole": peephole, "dropout": 0.0}

    variants = product(("stacked", "hierarchical"), ("chain", "traversal"),
                       ("weighted_posteriors", "weighted_logits", "gated"), (False, True), (False, True))
    for temporal, spatial, fusion, both, peephole in variants:
        # Parts of unequal size for the hierarchical stream.
        inputs = "ntu25" if temporal == "hierarchical" else "sbu15"
        number = (("stacked", "hierarchical").index(temporal) + ("chain", "traversal").index(spatial)
                  + ("weighted_posteriors", "weighted_logits", "gated").index(fusion) + both + peephole)
        name = f"{temporal}_{spatial}_{fusion}_{'both' if both else 'one'}" + "_peephole" * peephole
        yield name, section(temporal, spatial, fusion, both, peephole), TRAINING[number % 3], inputs, 3 + number % 3
    yield ("ten_frames", section("stacked", "traversal", "weighted_logits", False, False, 0.7), TRAINING[0],
           "ntu25_long", 4)
    yield ("pairs", section("hierarchical", "chain", "weighted_posteriors", False, False, 0.7), TRAINING[2], "sbu15_pairs", 3)


def checked(case, run, leaves):
    """`run` of float64 copies of `leaves`, rounded to float32; compared with `run` in float32."""
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


def two_stream_inputs(layout, frames, channels, rng):
    """Batches that any case can take: it has three classes at least."""
    shape = (BATCHES, 3, frames, len(layout_of(layout)["joints"]), channels)
    return {"x": torch.randn(shape, generator=rng), "label": torch.randint(3, shape[:2], generator=rng).int()}


def two_stream_case(name, section, training, inputs, batches, classes, rng):
    layout, frames, channels = next(rest for own, *rest in INPUTS if own == inputs)
    recipe = {"model": section, "data": {"frames": frames, "people": "concatenate" if channels == 6 else "average"},
              **training}
    metadata = {"layout": json.dumps(layout_of(layout)), "classes": json.dumps([f"class {k}" for k in range(classes)]),
                "recipe": json.dumps(recipe), "frames": str(frames), "channels": str(channels)}
    model = TwoStream.from_metadata(metadata)
    leaves = {}
    for key, parameter in model.named_parameters():
        bound = 2 * parameter.shape[-1]**-0.5
        leaves[f"param.{key}"] = torch.empty_like(parameter).uniform_(-bound, bound, generator=rng).detach()
    plain = {"model": section, "train": {"label_smoothing": 0.0}}

    def run(values):
        kind = next(iter(values.values())).dtype
        own = {k.removeprefix("param."): v.requires_grad_() for k, v in values.items()}
        fused, temporal, spatial = outputs = torch.func.functional_call(model, own, (batches["x"][0].to(kind),))
        loss = loss_of(plain, outputs, batches["label"][0].long())
        grads = torch.autograd.grad(loss, list(own.values()))
        results = {"temporal": temporal, "spatial": spatial, "fused": fused, "loss": loss}
        return {k: v.detach() for k, v in results.items()} | {f"grad.{k}": g for k, g in zip(own, grads)}

    def train(kind):
        model.to(kind).load_state_dict({k.removeprefix("param."): v.to(kind) for k, v in leaves.items()})
        pairs = [(x.to(kind), label.long()) for x, label in zip(batches["x"], batches["label"])]
        return torch.tensor(losses(model, recipe, pairs, BATCHES * EPOCHS), dtype=torch.float64)

    exact, single = train(torch.float64), train(torch.float32)
    strays = (single - exact).abs().max().item()
    if not strays <= LOSS_TOLERANCE:
        raise SystemExit(f"{name}: the losses in float32 stray by {strays:.1e}, choose another training")
    return leaves | checked(name, run, leaves) | {"losses": exact.float()}, {"inputs": inputs} | metadata


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
    print(f"{path}: {len(facts)} cases, {len(tensors)} tensors, {path.stat().st_size / 1e6:.2f} MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "assets" / "golden")
    out = parser.parse_args().out
    torch.set_num_threads(1)
    rng = torch.Generator().manual_seed(20170721)

    lstm = [lstm_case(*case, rng) for case in LSTM_CASES]
    write(out / "lstm.safetensors", {facts["name"]: t for t, facts in lstm}, [facts for _, facts in lstm])
    inputs = {name: two_stream_inputs(*shape, rng) for name, *shape in INPUTS}
    models = {name: two_stream_case(name, section, training, own, inputs[own], classes, rng)
              for name, section, training, own, classes in two_stream_cases()}
    write(out / "two_stream.safetensors", inputs | {n: t for n, (t, _) in models.items()},
          {n: m for n, (_, m) in models.items()})


if __name__ == "__main__":
    main()
