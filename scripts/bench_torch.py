#!/usr/bin/env python3
"""Benchmarks the same LSTM layers or training steps in PyTorch, for comparison with `sinew bench`.

    python scripts/bench_torch.py [--shapes model|flashrnn|small] [--device cpu|cuda] [--dtype default f16] [--json]
    python scripts/bench_torch.py --batch 64 --steps 100 --input 150 --hidden 128 [--groups 2]
    python scripts/bench_torch.py --train [--batch 512] [--steps 20] [--set model.temporal=stacked]

Layers are `torch.nn.LSTM` (cuDNN on CUDA), layers side by side run one after the other; a model is that of
two_stream.py with the recipe's optimiser, on random clips that are copied to the device at every step. `default` is the
precision that PyTorch takes by itself, which on CUDA is TensorFloat-32 in cuDNN: a row says tf32, f32 or f16. Times are
those of the device on CUDA and wall times on a CPU, medians with the tenth and ninetieth percentile, after passes that
warm up. `max_error` is the largest relative error of outputs and gradients, in some rows of the batch, compared with float64.
Needs: torch.
"""

import argparse
import copy
import json
import platform
import time
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parent.parent
# Operations of both passes that the float64 reference may take.
REFERENCE = 4e9


def quantiles(times):
    """Median, and [tenth, ninetieth percentile]."""
    times = sorted(times)
    median, low, high = (times[round((len(times) - 1) * share)] for share in (0.5, 0.1, 0.9))
    return median, [low, high]


def shapes(arguments):
    """The layers to measure, as `sinew bench kernels` lists them."""
    if arguments.shapes is None:
        groups = arguments.groups or 1
        directions = 1 + (groups % 2 == 0)
        return [{"layer": "one", "batch": arguments.batch or 64, "steps": arguments.steps or 100,
                 "inputs": [arguments.input or 150] * (groups // directions), "directions": directions,
                 "hidden": arguments.hidden or 128}]
    lists = json.loads((ROOT / "assets/bench_shapes.json").read_text())
    found = []
    for name in arguments.shapes.split(","):
        if name not in lists:
            raise SystemExit(f"bench_torch.py: there is no list of shapes {name!r}; choose {', '.join(lists)}")
        rounds = range(max(len(entry["batch"]) for entry in lists[name]))
        found += [{**entry, "batch": entry["batch"][n]} for n in rounds for entry in lists[name] if n < len(entry["batch"])]
    return found


def products(shape):
    """Floating-point operations of the matrix products of a forward pass."""
    each = (i + shape["hidden"] for i in shape["inputs"])
    return 2 * shape["steps"] * shape["batch"] * shape["directions"] * 4 * shape["hidden"] * sum(each)


class Clock:
    """Milliseconds between marks, on the device's own clock where it has one."""

    def __init__(self, device):
        self.cuda = device.type == "cuda"

    def wait(self):
        if self.cuda:
            torch.cuda.synchronize()

    def mark(self):
        if not self.cuda:
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def between(self, start, end):
        if not self.cuda:
            return 1e3 * (end - start)
        self.wait()
        return start.elapsed_time(end)


def precision(name, device):
    """Sets what a --dtype asks for; the name of what runs, and the tensors' type."""
    torch.backends.cudnn.allow_tf32 = name == "default"
    torch.backends.cuda.matmul.allow_tf32 = False
    if name == "f16":
        return "f16", torch.float16
    tf32 = name == "default" and device.type == "cuda" and torch.cuda.get_device_capability(device)[0] >= 8
    return ("tf32" if tf32 else "f32"), torch.float32


def run(layers, inputs):
    """Layers one after the other, their outputs side by side."""
    outputs = [layer(x)[0] for layer, x in zip(layers, inputs)]
    return outputs[0] if len(outputs) == 1 else torch.cat(outputs, dim=-1)


def results(layers, inputs, weighting, rows):
    """Outputs and input gradients in some rows, and weight gradients, where those rows alone are weighted."""
    for x in inputs:
        x.grad = None
    output = run(layers, inputs)
    mask = torch.zeros(output.shape[1], device=output.device, dtype=output.dtype)
    mask[rows] = 1
    output.backward(weighting * mask[:, None])
    found = [output[:, rows]] + [x.grad[:, rows] for x in inputs]
    found += [p.grad for layer in layers for name, p in layer.named_parameters() if "weight" in name]
    found = [tensor.detach().double().cpu() for tensor in found]
    for layer in layers:
        layer.zero_grad(set_to_none=True)
    return found


def worst_error(layers, inputs, weighting, shape):
    """The largest relative error compared with float64 on the CPU, and the number of rows compared."""
    a_row = max(1, 3 * products(shape) // shape["batch"])
    count = max(1, min(shape["batch"], int(REFERENCE // a_row)))
    rows = [n * (shape["batch"] - 1) // max(1, count - 1) for n in range(count)]
    ours = results(layers, inputs, weighting, rows)
    exact = [copy.deepcopy(layer).cpu().double() for layer in layers]
    some = [x.detach()[:, rows].cpu().double().requires_grad_() for x in inputs]
    theirs = results(exact, some, weighting[:, rows].cpu().double(), list(range(count)))
    errors = [((a - b).abs().max() / b.abs().max().clamp_min(1e-30)).item() for a, b in zip(ours, theirs)]
    return max(e if e == e else float("inf") for e in errors), count


def unfit(device, shape):
    """Why a layer does not fit into memory; None if it does, or if the free memory is unknown."""
    if device.type != "cpu" or not Path("/proc/meminfo").exists():
        return None
    states = shape["steps"] * shape["batch"] * len(shape["inputs"]) * shape["directions"] * shape["hidden"]
    wanted = 4 * 16 * states
    available = next(int(line.split()[1]) << 10 for line in open("/proc/meminfo") if line.startswith("MemAvailable"))
    return f"about {wanted >> 20} MiB, of which {available >> 20} are free" if wanted > available else None


def measure_layer(device, shape, dtype, runs, left):
    """One row. `left`: remaining seconds."""
    begun = time.perf_counter()
    name, kind = precision(dtype, device)
    torch.manual_seed(0)
    layers = [torch.nn.LSTM(i, shape["hidden"], bidirectional=shape["directions"] == 2).to(device, kind)
              for i in shape["inputs"]]
    rows = (shape["steps"], shape["batch"])
    inputs = [torch.empty(*rows, i, device=device, dtype=kind).uniform_(-1, 1).requires_grad_() for i in shape["inputs"]]
    groups = len(layers) * shape["directions"]
    weighting = torch.empty(*rows, groups * shape["hidden"], device=device, dtype=kind).uniform_(-1, 1)
    error, compared = worst_error(layers, inputs, weighting, shape)
    clock, forward, backward, wall = Clock(device), [], [], []
    for number in range(-3, runs):  # those below zero warm up
        for tensor in inputs + [p for layer in layers for p in layer.parameters()]:
            tensor.grad = None
        clock.wait()
        started = time.perf_counter()
        first = clock.mark()
        output = run(layers, inputs)
        second = clock.mark()
        clock.wait()
        third = clock.mark()
        output.backward(weighting)
        fourth = clock.mark()
        clock.wait()
        passed = 1e3 * (time.perf_counter() - started)
        if number >= 0:
            forward.append(clock.between(first, second))
            backward.append(clock.between(third, fourth))
            wall.append(passed)
            if time.perf_counter() - begun + passed / 1e3 > left:
                break
    (ahead, ahead_spread), (back, back_spread), (both, both_spread) = map(quantiles, (forward, backward, wall))
    return {
        "name": "torch", "plan": "cudnn" if device.type == "cuda" else "cpu", **shape,
        "input": sum(shape["inputs"]) // len(shape["inputs"]), "groups": groups, "dtype": name,
        "forward_ms": ahead, "forward_spread": ahead_spread, "backward_ms": back, "backward_spread": back_spread,
        "wall_ms": both, "wall_spread": both_spread, "runs": len(wall),
        "gflops": 3 * products(shape) / (ahead + back) / 1e6,
        "max_error": error, "reference": "torch in float64 on the cpu", "reference_rows": compared,
    }


def settings(arguments):
    """The settings of the preset, overridden by --batch and --set."""
    import tomllib

    recipe = tomllib.loads((ROOT / f"assets/recipes/{arguments.preset}.toml").read_text())
    for text in arguments.set or []:
        key, value = text.split("=", 1)
        section, field = key.split(".", 1)
        old = recipe[section][field]
        recipe[section][field] = value if isinstance(old, str) else type(old)(json.loads(value))
    if arguments.batch:
        recipe["train"]["batch"] = arguments.batch
    derived = [k for k in ("hidden", "part_hidden") if not recipe["model"][k]] + ["batch"] * (not recipe["train"]["batch"])
    if derived or recipe["data"]["bones"] or recipe["data"]["motion"] or recipe["train"]["accumulate"] != 1:
        raise SystemExit("bench_torch.py --train measures presets of fixed sizes and plain joints: reference")
    return recipe


def variants(arguments):
    """Each model variant that the settings leave open, as in `sinew bench train`."""
    fixed = {text.split("=", 1)[0] for text in arguments.set or []}
    temporal = [None] if "model.temporal" in fixed else ["hierarchical", "stacked"]
    spatial = [None] if "model.spatial" in fixed else ["traversal", "chain"]
    for first in temporal:
        for second in spatial:
            recipe = settings(arguments)
            recipe["model"]["temporal"] = first or recipe["model"]["temporal"]
            recipe["model"]["spatial"] = second or recipe["model"]["spatial"]
            yield recipe


def layers_of(model, layout, frames, channels):
    """The LSTM layers that a clip goes through, as shapes."""
    directions = 2 if model["bidirectional"] else 1
    parts = [len(part["joints"]) * channels for part in layout["parts"]]
    hidden, wide = model["hidden"], model["hidden"] * directions
    if model["temporal"] == "hierarchical":
        first = [(parts, model["part_hidden"]), ([directions * model["part_hidden"] * len(parts)], hidden)]
    else:
        first = [([sum(parts)], hidden), ([wide], hidden)]
    temporal = [(frames, 1, *layer) for layer in first]
    spatial = [(len(layout[model["spatial"]]), 4, [i], hidden) for i in (frames // 4 * channels, wide)]
    return [{"steps": steps, "batch": batch, "inputs": inputs, "hidden": size, "directions": directions}
            for steps, batch, inputs, size in temporal + spatial]


def measure_step(device, recipe, dtype, steps, left):
    """One row of --train. `left`: remaining seconds."""
    import tomllib

    from two_stream import TwoStream

    begun = time.perf_counter()
    name, kind = precision(dtype, device)
    torch.manual_seed(0)
    layout = tomllib.loads((ROOT / "assets/layouts/ntu25.toml").read_text())
    frames, channels, train = recipe["data"]["frames"], 3, recipe["train"]
    batch = train["batch"]
    classes = [str(n) for n in range(60)]
    model = TwoStream(recipe["model"], layout, frames, channels, classes).to(device).train()
    kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}
    extra = {"momentum": train["momentum"], "nesterov": train["nesterov"]} if train["optimiser"] == "sgd" else {}
    optimiser = kinds[train["optimiser"]](model.parameters(), train["lr"], weight_decay=train["weight_decay"], **extra)
    half = kind == torch.float16
    scaler = torch.amp.GradScaler(device.type, enabled=half)
    loss_of = torch.nn.CrossEntropyLoss(label_smoothing=train["label_smoothing"])
    # Two batches in turn, where a loader leaves them: in the host's memory.
    host = [(torch.empty(batch, *model.input_shape).uniform_(-1, 1), torch.randint(60, (batch,))) for _ in range(2)]
    if device.type == "cuda":
        host = [tuple(tensor.pin_memory() for tensor in pair) for pair in host]
    clock, times, pending = Clock(device), [], None
    clock.wait()
    for number in range(-3, steps):  # those below zero warm up
        started = time.perf_counter()
        x, labels = (tensor.to(device, non_blocking=True) for tensor in host[number % 2])
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast(device.type, torch.float16, enabled=half):
            fused, temporal, spatial = model(x)
            if recipe["model"]["fusion_scores"] == "logits":
                loss = loss_of(fused, labels)
            else:
                loss = loss_of(temporal, labels) + loss_of(spatial, labels)
        scaler.scale(loss).backward()
        if train["clip_norm"] > 0:
            scaler.unscale_(optimiser)
            torch.nn.utils.clip_grad_norm_(model.parameters(), train["clip_norm"])
        scaler.step(optimiser)
        scaler.update()
        # As there: a step's loss is read while the device works on the next.
        if pending is not None:
            pending.item()
        pending = loss.detach()
        passed = time.perf_counter() - started
        if number >= 0:
            times.append(1e3 * passed)
        if time.perf_counter() - begun + passed > left:
            if len(times) > 1:
                break
            if number >= -2:
                raise RuntimeError(f"a step takes {passed:.1f} s, too long for the time given")
    median, spread = quantiles(times)
    operations = sum(3 * products(shape) for shape in layers_of(recipe["model"], layout, frames, channels))
    return {
        "name": "torch", "variant": f"{recipe['model']['temporal']}+{recipe['model']['spatial']}",
        "plan": "cudnn" if device.type == "cuda" else "cpu", "dtype": name, "batch": batch, "frames": frames,
        "hidden": recipe["model"]["hidden"], "part_hidden": recipe["model"]["part_hidden"],
        "parameters": sum(p.numel() for p in model.parameters()), "steps": len(times),
        "clips_per_s": 1e3 * batch / median, "clips_per_s_spread": [1e3 * batch / spread[1], 1e3 * batch / spread[0]],
        "step_ms": median, "step_spread": spread,
        "data_wait": None,  # there is no loader here
        "gflops": operations * batch / median / 1e6, "loss": pending.item(),
    }


def layer_line(row):
    return (f"  {row['layer']:12} batch {row['batch']}, steps {row['steps']}, input {row['input']}, hidden {row['hidden']}, "
            f"{row['groups']} groups  torch {row['plan']} {row['dtype']}  forward {row['forward_ms']:.3f} "
            f"[{row['forward_spread'][0]:.3f}, {row['forward_spread'][1]:.3f}]  backward {row['backward_ms']:.3f} "
            f"[{row['backward_spread'][0]:.3f}, {row['backward_spread'][1]:.3f}] ms  {row['gflops']:.1f} GFLOP/s  "
            f"error {row['max_error']:.1e} in {row['reference_rows']} rows, {row['runs']} runs")


def step_line(row):
    return (f"  {row['variant']:23} torch {row['plan']} {row['dtype']}  batch {row['batch']}: {row['clips_per_s']:.1f} clips/s  "
            f"step {row['step_ms']:.2f} ms [{row['step_spread'][0]:.2f}, {row['step_spread'][1]:.2f}], {row['steps']} steps  "
            f"{row['gflops']:.1f} GFLOP/s")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", help="predefined lists of layers: model, flashrnn or small")
    for name in ("batch", "steps", "input", "hidden", "groups"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--runs", type=int, default=7, help="timed runs per layer")
    parser.add_argument("--train", action="store_true", help="measure the training step instead of LSTM layers")
    parser.add_argument("--preset", default="reference", help="preset for --train")
    parser.add_argument("--set", action="append", metavar="KEY=VALUE", help="for --train: override a setting of the preset")
    parser.add_argument("--dtype", nargs="+", default=["default"], choices=("default", "f32", "f16"))
    parser.add_argument("--threads", type=int, help="CPU threads (default: chosen by PyTorch)")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="total time limit; measurements that do not fit are skipped")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--json", action="store_true", help="print one JSON value")
    arguments = parser.parse_args()
    sizes = (arguments.batch, arguments.steps, arguments.input, arguments.hidden, arguments.groups, arguments.runs)
    if any(size is not None and size < 1 for size in sizes):
        parser.error("sizes and runs start at 1")
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    end = time.perf_counter() + arguments.seconds
    device = torch.device(arguments.device)
    cuda = device.type == "cuda"
    table = {
        "device": torch.cuda.get_device_name(device) if cuda else platform.processor() or platform.machine(),
        "driver": f"torch {torch.__version__}" + (f", cuDNN {torch.backends.cudnn.version()}" if cuda else ""),
        "backend": device.type, "threads": None if cuda else torch.get_num_threads(),
    }
    if arguments.train:
        table["preset"] = arguments.preset
        work = [(recipe, {"variant": f"{recipe['model']['temporal']}+{recipe['model']['spatial']}"})
                for recipe in variants(arguments)]
    else:
        work = [(shape, shape) for shape in shapes(arguments)]
    rows, left_out = [], []
    for number, (what, about) in enumerate(work):
        for dtype in arguments.dtype:
            # Layers come in the order of their weight; each variant of the model gets its share of the time.
            left = (end - time.perf_counter()) / (len(work) - number if arguments.train else 1)
            reason = "the time was up" if left <= 0 else None
            if not arguments.train:
                reason = reason or unfit(device, what)
            if reason is None:
                try:
                    if arguments.train:
                        rows.append(measure_step(device, what, dtype, arguments.steps or 20, left))
                    else:
                        rows.append(measure_layer(device, what, dtype, arguments.runs, left))
                    if not arguments.json:
                        print((step_line if arguments.train else layer_line)(rows[-1]), flush=True)
                except (RuntimeError, MemoryError) as error:
                    reason = str(error).splitlines()[0] if str(error) else repr(error)
            if reason is not None:
                left_out.append({"name": "torch", **about, "dtype": dtype, "reason": reason})
                if not arguments.json:
                    print(f"  {about.get('layer') or about['variant']} {dtype} left out: {reason}", flush=True)
            if cuda:
                torch.cuda.empty_cache()
    if arguments.train and rows:
        table |= rows[0]
    table |= {"rows": rows, "left_out": left_out}
    if arguments.json:
        print(json.dumps(table, indent=2))
    else:
        where = f"{table['device']}, {table['driver']}" + (f", {table['threads']} threads" if table["threads"] else "")
        print(f"on {where}; medians [p10, p90]")


if __name__ == "__main__":
    main()
