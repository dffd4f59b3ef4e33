"""Trains the model of two_stream.py as a recipe says, with what PyTorch has for it.

make_goldens.py and check_model compare sinew's training with it. A recipe is the dictionary of a run's
config.toml; its sections model, train and schedule count here. Needs: torch.
"""

import torch
from torch.nn.functional import cross_entropy
from torch.optim import lr_scheduler


def loss_of(recipe, outputs, label):
    """The training loss of (fused, temporal, spatial): fused posteriors train each stream by its own, the two added."""
    fused, temporal, spatial = outputs
    model, smoothing = recipe["model"], recipe["train"]["label_smoothing"]
    posteriors = model["fusion"] == "weighted" and model["fusion_scores"] == "posteriors"
    scores = [temporal, spatial] if posteriors else [fused]
    return sum(cross_entropy(logits, label, label_smoothing=smoothing) for logits in scores)


def optimiser_of(train, parameters):
    if train["optimiser"] == "sgd":
        return torch.optim.SGD(parameters, train["lr"], momentum=train["momentum"], nesterov=train["nesterov"],
                               weight_decay=train["weight_decay"])
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[train["optimiser"]]
    return kind(parameters, train["lr"], weight_decay=train["weight_decay"])


def schedule_of(recipe, optimiser, per_epoch):
    """The rate's course, step by step, where an epoch has `per_epoch` steps."""
    schedule = recipe["schedule"]
    warm = round(schedule["warmup"] * per_epoch)
    total = recipe["train"]["epochs"] * per_epoch
    if schedule["kind"] == "step":
        if warm:
            raise ValueError("StepLR behind a warm-up would count its epochs from the end of that")
        return lr_scheduler.StepLR(optimiser, schedule["step"] * per_epoch, schedule["gamma"])
    if schedule["kind"] == "cosine":
        cosine = lr_scheduler.CosineAnnealingLR(optimiser, total - warm)
    else:
        cosine = lr_scheduler.ConstantLR(optimiser, factor=1.0)
    if warm < 2:  # the first of one step already has the whole rate
        return cosine
    rise = lr_scheduler.LinearLR(optimiser, start_factor=1 / warm, total_iters=warm - 1)
    return lr_scheduler.SequentialLR(optimiser, [rise, cosine], milestones=[warm])


def losses(model, recipe, batches, steps):
    """Trains for some steps and returns the loss of each. An epoch is one pass over `batches`, [(x, label)], in order."""
    parameters = list(model.parameters())
    optimiser = optimiser_of(recipe["train"], parameters)
    schedule = schedule_of(recipe, optimiser, len(batches))
    found = []
    for step in range(steps):
        x, label = batches[step % len(batches)]
        optimiser.zero_grad(set_to_none=True)
        loss = loss_of(recipe, model(x), label)
        loss.backward()
        if recipe["train"]["clip_norm"] > 0:
            torch.nn.utils.clip_grad_norm_(parameters, recipe["train"]["clip_norm"])
        optimiser.step()
        schedule.step()
        found.append(loss.item())
    return found
