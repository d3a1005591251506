"""Writes test/golden/values: what Python PyTorch computes, for the tests in test/golden to compare with.

Usage: pip install torch==2.13.0 numpy safetensors; python3 scripts/make-golden.py [--check]
All in float32 on the CPU. On one machine it always writes the same bytes; `--check` compares them with what is there
and changes nothing. On a processor with other vector instructions the last digits may differ.
"""
import argparse
import copy
import json
import math
import sys
from pathlib import Path

import torch
from safetensors.torch import save
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).parent / "golden"))
import models  # noqa: E402
import schedules  # noqa: E402
import training  # noqa: E402

ROOT = Path(__file__).parent.parent
VALUES = ROOT / "test" / "golden" / "values"
TORCH_VERSION = "2.13.0"
IMAGES = 8
# Of `steadiness`: for gradients of vectors, of matrices and filters, and for everything else. The tests allow at least
# twice as much: see docs/parity.md.
VECTOR_GRADIENT, GRADIENT, VALUE = 1e-4, 2e-5, 4e-6
DRAWS = 5
# Each step has another lr.
LR_FACTORS = [0.4, 1.0, 0.8, 0.5, 0.2]

NORM = {"momentum": 0.1, "epsilon": 1e-5}
WHITENING = {"images": 5000, "epsilon": 5e-4, "bias_init": "uniform", "bias_epochs": 3, "bias_decays": True}
FAST = {"name": "fast", "widths": [8, 16, 16], "whitening": WHITENING,
        "batch_norm": {"momentum": 0.4, "epsilon": 1e-12}, "head_init": "uniform", "logit_divisor": 8}  # fmt: skip
CNN = {"name": "cnn", "widths": [4, 8], "convs_per_stage": 2, "groups": 2, "dropout": 0, "batch_norm": NORM}

# Name of the file: options of the model, seed of its weights. The seeds are chosen: see `steadiness`.
MODELS = {
    "fast": ({**FAST, "convs_per_group": 2}, 19),
    "fast_residual": ({**FAST, "convs_per_group": 3}, 5),
    "cnn": ({**CNN, "norm": "batch"}, 2),
    "cnn_group_norm": ({**CNN, "norm": "group"}, 0),
    "cnn_without_norm": ({**CNN, "norm": "none"}, 0),
    "cifar_resnet8": ({"name": "cifar_resnet", "depth": 8, "width": 4, "batch_norm": NORM}, 70),
    "cifar_resnet20": ({"name": "cifar_resnet", "depth": 20, "width": 4, "batch_norm": NORM}, 26),
    "resnet18": ({"name": "resnet", "depth": 18, "width": 2, "batch_norm": NORM}, 16),
    "resnet34": ({"name": "resnet", "depth": 34, "width": 2, "batch_norm": NORM}, 56),
    "resnet50": ({"name": "resnet", "depth": 50, "width": 2, "batch_norm": NORM}, 21),
    "preact_resnet18": ({"name": "preact_resnet", "depth": 18, "width": 2, "batch_norm": NORM}, 19),
    "preact_resnet50": ({"name": "preact_resnet", "depth": 50, "width": 2, "batch_norm": NORM}, 45),
    "wide_resnet16": (
        {"name": "wide_resnet", "depth": 16, "widen_factor": 0.125, "dropout": 0, "batch_norm": NORM},
        66,
    ),
}

BASE = {"label_smoothing": 0.1, "loss_reduction": "mean"}
SGD = {"name": "sgd", "lr": 0.01, "momentum": 0, "nesterov": False, "weight_decay": 0,
       "decay_norms_and_biases": True, "norm_lr_scale": 1}  # fmt: skip
MOMENTUM = {**SGD, "momentum": 0.9}
NESTEROV = {**MOMENTUM, "nesterov": True, "weight_decay": 0.1}
ADAM = {"name": "adam", "lr": 3e-4, "betas": [0.9, 0.99], "epsilon": 1e-8, "weight_decay": 0.01,
        "decay_norms_and_biases": True}  # fmt: skip
COMPANION = {"vector_lr": 0.01, "head_lr": 0.02, "momentum": 0.85, "weight_decay": 1e-3}
MUON = {"name": "muon", "lr": 0.005, "momentum": 0.6, "newton_schulz_steps": 3, "companion": COMPANION}
LOOKAHEAD = {"steps": 2, "decay": 0.8, "power": 3}

# With every model.
OPTIMIZERS = {
    "sgd": {**BASE, "optimizer": SGD},
    "sgd_momentum": {**BASE, "optimizer": MOMENTUM},
    "sgd_nesterov": {**BASE, "optimizer": NESTEROV},
    "sgd_norms": {**BASE, "optimizer": {**NESTEROV, "decay_norms_and_biases": False, "norm_lr_scale": 4}},
    "adam": {**BASE, "optimizer": ADAM},
    "adamw": {
        **BASE,
        "optimizer": {**ADAM, "name": "adamw", "weight_decay": 0.5, "decay_norms_and_biases": False},
    },
    "muon": {**BASE, "optimizer": MUON},
}
# What does not depend on the layers.
OPTIONS = {
    "norm_decay": {**BASE, "optimizer": {**NESTEROV, "norm_lr_scale": 4}},
    "clip": {**OPTIMIZERS["sgd_momentum"], "gradient_clip_norm": 0.1},
    "accumulation": {**OPTIMIZERS["sgd_momentum"], "accumulation_steps": 2},
    "ema": {**OPTIMIZERS["sgd_momentum"], "ema_decay": 0.9},
    "lookahead": {**OPTIMIZERS["sgd_momentum"], "lookahead": LOOKAHEAD},
    "mixed_targets": OPTIMIZERS["sgd_momentum"],
    "all_together": {
        **OPTIMIZERS["sgd_nesterov"],
        "lookahead": LOOKAHEAD,
        "ema_decay": 0.8,
        "gradient_clip_norm": 0.1,
        "accumulation_steps": 2,
    },
}
# Only a model that divides its logits may sum its loss.
OF_FAST = {"sum": {"label_smoothing": 0.2, "loss_reduction": "sum", "optimizer": {**NESTEROV, "lr": 0.002}}}

# Beside OPTIMIZERS.
MORE_CASES = {"fast": OF_FAST, "fast_residual": OF_FAST, "cnn": OPTIONS, "cnn_group_norm": OPTIONS}

# Of a larger tensor after five steps this many values are kept, spread over all of it: see `sample`.
SAMPLED_VALUES = 64


def read_sample(count):
    """The first images of each of `count` classes of the embedded sample: uint8 [count,3,32,32], int64 [count]."""
    records = torch.frombuffer(bytearray((ROOT / "lib/dataset/sample/test.bin").read_bytes()), dtype=torch.uint8)
    records = records.view(-1, 3073)
    labels = records[:, 0].long()
    rows = torch.tensor([int((labels == label).nonzero()[0]) for label in range(count)])
    return records[rows, 1:].view(-1, 3, 32, 32).clone(), labels[rows]


def normalize(pixels, mean=(0.4914, 0.4822, 0.4465), std=(0.2470, 0.2435, 0.2616)):
    shape = (1, 3, 1, 1)
    return (pixels.float() / 255 - torch.tensor(mean).view(shape)) / torch.tensor(std).view(shape)


def make_inputs():
    pixels, labels = read_sample(IMAGES)
    # Mixed labels, as mixup gives them: 0.7 of one class and 0.3 of the next image's.
    hot = F.one_hot(labels, models.CLASSES).float()
    targets = 0.7 * hot + 0.3 * hot.roll(1, 0)
    return {"pixels": pixels, "images": normalize(pixels), "labels": labels, "targets": targets}


@torch.no_grad()
def randomize(model, seed):
    """Weights of a size that trains, and norms unlike those of a fresh model.

    What goes into a ReLU is mostly positive: few values lie so close to its kink that rounding decides on which side.
    """
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in model.state_dict().items():
        if name.endswith("num_batches_tracked"):
            tensor.fill_(3)
            continue
        noise = torch.randn(tensor.shape, generator=generator)
        if name.endswith("running_var"):
            tensor.copy_(1 + 0.5 * noise.tanh())
        elif name.endswith("running_mean"):
            tensor.copy_(0.1 * noise)
        elif tensor.dim() >= 2:
            tensor.copy_(noise * math.sqrt(1 / tensor[0].numel()))
        elif name.endswith("weight"):  # of a norm
            tensor.copy_(0.7 + 0.1 * noise)
        else:
            tensor.copy_(0.7 + 0.2 * noise)


def prefixed(prefix, state):
    return {f"{prefix}.{key}": value.detach().clone().contiguous() for key, value in state.items()}


def sampled(state):
    """At most SAMPLED_VALUES of each tensor, flat."""
    return {key: sample(value.detach().flatten()) for key, value in state.items()}


def sample(values):
    """Steps of the golden section of the size, modulo it: they fall into every part, whatever its shape."""
    size = len(values)
    if size <= SAMPLED_VALUES:
        return values
    stride = math.floor(0.618 * size)
    while math.gcd(stride, size) > 1:
        stride += 1
    return values[torch.arange(SAMPLED_VALUES) * stride % size]


def evaluation_logits(model, images):
    """Plain; the mean with the mirror image; that and, half and half, the same of both diagonal shifts by a pixel."""

    def mirrored(views):
        return (model(views) + model(views.flip(3))) / 2

    padded = F.pad(images, [1] * 4, mode="reflect")
    shifted = (mirrored(padded[:, :, :-2, :-2]) + mirrored(padded[:, :, 2:, 2:])) / 2
    centre = mirrored(images)
    return {"logits": model(images), "logits_mirrored": centre, "logits_shifted": (centre + shifted) / 2}


def forward_values(model, inputs):
    """Logits in both modes; loss and gradients of the mean with label smoothing."""
    model.eval()
    with torch.no_grad():
        values = prefixed("eval", evaluation_logits(model, inputs["images"]))
    model.train()
    loss, logits = training.loss_of(model, inputs["images"], inputs["labels"], BASE)
    loss.backward()
    values |= {"train.logits": logits.detach()}
    gradients = {name: p.grad for name, p in model.named_parameters() if p.requires_grad}
    return values | prefixed("gradient", gradients)


def case_values(model, inputs, name, options):
    """The first step's loss; weights and buffers after all steps; their moving average, where there is one."""
    labels = inputs["targets" if name == "mixed_targets" else "labels"]
    first = training.backward(copy.deepcopy(model).train(), inputs["images"], labels, options)
    loss = first / IMAGES if options["loss_reduction"] == "sum" else first
    average = training.train(model, inputs["images"], labels, options, LR_FACTORS)
    values = {f"{name}.loss": torch.tensor([loss], dtype=torch.float64)}
    values |= prefixed(f"{name}.state", sampled(model.state_dict()))
    if average:
        floats = {k: v for k, v in average.state_dict().items() if v.is_floating_point()}
        values |= prefixed(f"{name}.average", sampled(floats))
    return values


def initial_model(options, seed):
    model = models.build(options)
    randomize(model, seed)
    return model


def model_values(model, inputs, cases):
    values = prefixed("initial", model.state_dict()) | forward_values(copy.deepcopy(model), inputs)
    for name, options in cases.items():
        values |= case_values(copy.deepcopy(model), inputs, name, options)
    return values


def encode(values, facts):
    # One entry: the order of several would change from run to run.
    return save(values, {"facts": json.dumps({**facts, "torch": TORCH_VERSION})})


def make_files():
    inputs = make_inputs()
    yield "inputs.safetensors", encode(inputs, {})
    lines = ",\n".join(map(json.dumps, schedules.tables()))
    yield "schedules.json", f"[\n{lines}\n]\n".encode()
    for name, (options, seed) in MODELS.items():
        cases = OPTIMIZERS | MORE_CASES.get(name, {})
        model = initial_model(options, seed)
        if name == "cifar_resnet8":
            yield "state_dict.safetensors", save(model.state_dict())
        values = model_values(model, inputs, cases)
        yield f"{name}.safetensors", encode(values, {"model": options, "training": cases, "lr_factors": LR_FACTORS})


def steadiness(name, seed, inputs):
    """How much values change when only the rounding differs, over the limit: 1 is just steady enough.

    A net in which a ReLU's input or two inputs of a max-pool happen to be as close as rounding errors has gradients
    that depend on the order of additions: with such a seed luck would be compared.
    """
    model = initial_model(MODELS[name][0], seed)
    last = torch.channels_last
    images = inputs["images"].contiguous(memory_format=last)
    others = [with_noise(model, seed, 0 if seed == 0 else 4e-7).to(memory_format=last) for seed in range(DRAWS)]
    worst = 0
    cases = OPTIMIZERS | MORE_CASES.get(name, {})
    for case in [{}, *({key: value} for key, value in cases.items())]:
        values = model_values(model, inputs, case)
        for other in others:
            found = model_values(other, {**inputs, "images": images}, case)
            worst = max(worst, *(share_of_limit(key, found[key], values[key]) for key in values))
            if worst > 1:
                return worst
    return worst


@torch.no_grad()
def with_noise(model, seed, size):
    generator = torch.Generator().manual_seed(seed)
    noisy = copy.deepcopy(model)
    for p in noisy.parameters():
        p.mul_(1 + size * torch.randn(p.shape, generator=generator))
    return noisy


def share_of_limit(key, found, expected):
    limit = VALUE
    if key.startswith("gradient."):
        limit = GRADIENT if expected.dim() >= 2 else VECTOR_GRADIENT
    found, expected = found.double(), expected.double()
    return float((found - expected).abs().max() / expected.abs().max().clamp_min(1e-30)) / limit


def search(names):
    inputs = make_inputs()
    for name in names or MODELS:
        best = (math.inf, None)
        for seed in range(500):
            best = min(best, (steadiness(name, seed, inputs), seed))
            if best[0] <= 1:
                break
        print(f"{name:20} seed {best[1]}: {best[0]:.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the files that are there; write nothing")
    parser.add_argument("--search", nargs="*", metavar="MODEL", help="look for seeds; write nothing")
    args = parser.parse_args()
    if not torch.__version__.startswith(TORCH_VERSION):
        sys.exit(f"make-golden: expected PyTorch {TORCH_VERSION}, found {torch.__version__}")
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    torch.backends.nnpack.set_flags(False)  # warns on processors that it does not know
    if args.search is not None:
        search(args.search)
        return
    different = []
    for name, content in make_files():
        path = VALUES / name
        if args.check and path.read_bytes() != content:
            different.append(name)
        elif not args.check:
            path.write_bytes(content)
        print(f"{name:28} {len(content):9,} bytes")
    if different:
        sys.exit(f"make-golden: other bytes than before: {', '.join(different)}")


if __name__ == "__main__":
    main()
