#!/usr/bin/env python3
"""Times one LSTM layer in PyTorch, forward and backward: the figure to hold `sinew bench kernels` against.

    python scripts/bench_torch.py [--batch 64] [--steps 100] [--input 150] [--hidden 128]
                                  [--bidirectional] [--threads N] [--runs 20] [--device cpu|cuda]

Runs on CUDA where there is one. The backward is timed alone; it gives the gradients of the input and
of every weight. Medians over the runs, after warm-up. GFLOP/s counts the matrix products (two floating
point operations a multiplication): one such set forward, two backward. Needs: torch.
"""

import argparse
import json
import platform
import statistics
import time

import torch


def measure(device, layer, x, runs):
    """Seconds of `runs` forwards and backwards, two lists."""
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    gradient = torch.randn_like(layer(x)[0])
    forward, backward = [], []
    for run in range(-max(3, runs // 5), runs):  # runs below zero warm up
        x.grad = None
        layer.zero_grad(set_to_none=True)
        wait()
        start = time.perf_counter()
        output, _ = layer(x)
        wait()
        middle = time.perf_counter()
        output.backward(gradient)
        wait()
        end = time.perf_counter()
        if run >= 0:
            forward.append(middle - start)
            backward.append(end - middle)
    return forward, backward


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("batch", 64), ("steps", 100), ("input", 150), ("hidden", 128), ("runs", 20)):
        parser.add_argument(f"--{name}", type=int, default=default, help=f"default {default}")
    parser.add_argument("--bidirectional", action="store_true", help="both directions")
    parser.add_argument("--threads", type=int, help="CPU threads; default PyTorch's own choice")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--json", action="store_true", help="one JSON value instead of the line")
    a = parser.parse_args()
    if min(a.batch, a.steps, a.input, a.hidden, a.runs) < 1:
        parser.error("sizes and runs start at 1")
    if a.threads:
        torch.set_num_threads(a.threads)

    device = torch.device(a.device)
    torch.manual_seed(0)
    # f32 throughout, as the engine that it is compared with: no TensorFloat-32.
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    layer = torch.nn.LSTM(a.input, a.hidden, bidirectional=a.bidirectional).to(device)
    x = torch.randn(a.steps, a.batch, a.input, device=device, requires_grad=True)
    forward, backward = measure(device, layer, x, a.runs)

    directions = 2 if a.bidirectional else 1
    flops = 2 * directions * a.steps * a.batch * 4 * a.hidden * (a.input + a.hidden)
    result = {
        "name": "torch", "torch": torch.__version__,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine(),
        "threads": torch.get_num_threads() if device.type == "cpu" else None,
        "batch": a.batch, "steps": a.steps, "input": a.input, "hidden": a.hidden, "groups": directions, "dtype": "f32",
        "forward_ms": 1e3 * statistics.median(forward), "backward_ms": 1e3 * statistics.median(backward),
        "gflops": 3 * flops / (statistics.median(forward) + statistics.median(backward)) / 1e9, "runs": a.runs,
    }
    if a.json:
        print(json.dumps(result))
    else:
        where = result["device"] + (f", {result['threads']} threads" if result["threads"] else "")
        print(f"torch {torch.__version__} on {where}: batch {a.batch}, {a.steps} steps, input {a.input}, "
              f"hidden {a.hidden}, {directions} direction{'s'[:directions - 1]}, f32: forward {result['forward_ms']:.2f} ms, "
              f"backward {result['backward_ms']:.2f} ms, {result['gflops']:.1f} GFLOP/s (median of {a.runs})")


if __name__ == "__main__":
    main()
