"""Learning-rate factors by torch.optim.lr_scheduler, for short runs; airbench94's triangle by interpolation.

`tables()` gives for each schedule its options with the names of the YAML files, the length of the run and the factor
of every step.
"""
import warnings

import numpy as np
import torch
from torch.optim import lr_scheduler as schedulers

# The run's steps, and those of an epoch.
LENGTHS = [(20, 5), (12, 3)]


def factors_of(make_scheduler, steps):
    """The lr at each step, with a peak of 1."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SequentialLR calls what PyTorch calls deprecated
        scheduler = make_scheduler(optimizer)
        factors = [optimizer.param_groups[0]["lr"]]
        while len(factors) < steps:
            optimizer.step()
            scheduler.step()
            factors.append(optimizer.param_groups[0]["lr"])
    return factors


def after_warmup(options, steps, make_descent):
    """`make_descent(optimizer, steps)`, behind a linear warm-up of whole steps."""
    warmup = round(options["warmup_fraction"] * steps)
    if warmup == 0:
        return factors_of(lambda optimizer: make_descent(optimizer, steps), steps)

    def make(optimizer):
        rise = schedulers.LinearLR(optimizer, start_factor=1 / warmup, total_iters=warmup - 1)
        descent = make_descent(optimizer, steps - warmup)
        return schedulers.SequentialLR(optimizer, [rise, descent], milestones=[warmup])

    return factors_of(make, steps)


def during_warmup(options, steps, make_drops):
    """Drops at steps counted from the run's beginning, times a linear warm-up."""
    warmup = round(options["warmup_fraction"] * steps)
    if warmup == 0:
        return factors_of(make_drops, steps)

    def make(optimizer):
        rise = schedulers.LinearLR(optimizer, start_factor=1 / warmup, total_iters=warmup - 1)
        return schedulers.ChainedScheduler([rise, make_drops(optimizer)], optimizer)

    return factors_of(make, steps)


def constant(options, steps, _):
    return after_warmup(options, steps, lambda o, rest: schedulers.ConstantLR(o, factor=1, total_iters=rest))


def linear(options, steps, _):
    end = options["final_fraction"]
    return after_warmup(
        options, steps, lambda o, rest: schedulers.LinearLR(o, start_factor=1, end_factor=end, total_iters=rest)
    )


def cosine(options, steps, _):
    end = options["final_fraction"]
    return after_warmup(
        options, steps, lambda o, rest: schedulers.CosineAnnealingLR(o, T_max=rest, eta_min=end)
    )


def step(options, steps, steps_per_epoch):
    size = round(options["step_epochs"] * steps_per_epoch)
    return during_warmup(options, steps, lambda o: schedulers.StepLR(o, size, options["gamma"]))


def multi_step(options, steps, steps_per_epoch):
    drops = [round(epoch * steps_per_epoch) for epoch in options["milestones"]]
    return during_warmup(options, steps, lambda o: schedulers.MultiStepLR(o, drops, options["gamma"]))


def one_cycle(options, steps, _):
    start, end = options["start_fraction"], options["final_fraction"]
    settings = dict(
        max_lr=1.0,
        total_steps=steps,
        pct_start=options["peak_fraction"],
        anneal_strategy={"cosine": "cos"}.get(options["anneal"], options["anneal"]),
        cycle_momentum=False,
        div_factor=1 / start,
        final_div_factor=start / end,
    )
    return factors_of(lambda o: schedulers.OneCycleLR(o, **settings), steps)


def triangular(options, steps, _):
    peak = int(options["peak_fraction"] * steps)
    heights = [options["start_fraction"], 1, options["final_fraction"]]
    return np.interp(np.arange(steps), [0, peak, steps], heights).tolist()


SHAPES = {shape.__name__: shape for shape in (constant, linear, cosine, step, multi_step, one_cycle, triangular)}

CYCLE = {"name": "one_cycle", "start_fraction": 0.04, "final_fraction": 0.001}
TRIANGLE = {"name": "triangular", "start_fraction": 0.2, "final_fraction": 0.07}
SCHEDULES = [
    {"name": "constant", "warmup_fraction": 0},
    {"name": "constant", "warmup_fraction": 0.25},
    {"name": "linear", "warmup_fraction": 0, "final_fraction": 0},
    {"name": "linear", "warmup_fraction": 0.25, "final_fraction": 0.1},
    {"name": "cosine", "warmup_fraction": 0, "final_fraction": 0},
    {"name": "cosine", "warmup_fraction": 0.25, "final_fraction": 0.01},
    {"name": "step", "warmup_fraction": 0, "step_epochs": 1, "gamma": 0.1},
    {"name": "step", "warmup_fraction": 0.25, "step_epochs": 2, "gamma": 0.5},
    {"name": "multi_step", "warmup_fraction": 0, "milestones": [1, 3], "gamma": 0.2},
    {"name": "multi_step", "warmup_fraction": 0.25, "milestones": [2, 3], "gamma": 0.1},
    {**CYCLE, "peak_fraction": 0.3, "anneal": "cosine"},
    {**CYCLE, "peak_fraction": 0.3, "anneal": "linear"},
    {**CYCLE, "peak_fraction": 0.25, "anneal": "cosine"},
    {**TRIANGLE, "peak_fraction": 0.23},
    {**TRIANGLE, "peak_fraction": 0.5},
]


def tables():
    return [
        {
            "schedule": options,
            "steps": steps,
            "steps_per_epoch": per_epoch,
            "factors": SHAPES[options["name"]](options, steps, per_epoch),
        }
        for options in SCHEDULES
        for steps, per_epoch in LENGTHS
    ]
