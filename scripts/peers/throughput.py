"""How many images a second plain PyTorch trains or classifies: the peer of `cifar10-torch bench`.

Three of this package's nets as a PyTorch user would write them, weights and activations in one dtype, channels-last, on random
images that are there already. A training step is cross-entropy with label smoothing, its gradients and SGD with Nesterov momentum.
Prints one JSON line; `imagesPerSecond` is that of the median step, the first two left out.
Usage: pip install torch==2.13.0 numpy; python3 scripts/peers/throughput.py train --model fast --batch 2000 --steps 12
"""
import argparse
import json
import resource
import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F

from train_resnet import MODELS as RESNETS

WARM_UP_STEPS = 2


def convolution(inputs, outputs):
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)


def fast(widths=(64, 256, 256)):
    """The net of the CIFAR-10 speed records (KellerJordan/cifar10-airbench) with its whitening layer frozen."""
    whitening = nn.Conv2d(3, 24, 2)
    for parameter in whitening.parameters():
        parameter.requires_grad_(False)
    layers, inputs = [whitening, nn.GELU()], 24
    for width in widths:
        layers += [convolution(inputs, width), nn.MaxPool2d(2), nn.BatchNorm2d(width), nn.GELU()]
        layers += [convolution(width, width), nn.BatchNorm2d(width), nn.GELU()]
        inputs = width
    return nn.Sequential(*layers, nn.MaxPool2d(3), nn.Flatten(), nn.Linear(inputs, 10, bias=False))


MODELS = {"fast": fast, **RESNETS}


def convert(model, dtype):
    """Weights in `dtype`, but those of batch norms: PyTorch's own advice for bfloat16."""
    for module in model.modules():
        if not isinstance(module, nn.BatchNorm2d):
            for parameter in module.parameters(recurse=False):
                parameter.data = parameter.data.to(dtype)
    return model.to(memory_format=torch.channels_last)


def time_steps(step, count):
    seconds = []
    for _ in range(count):
        started = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds[WARM_UP_STEPS:])


def training_step(model, images, labels):
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=1e-3, momentum=0.85, nesterov=True)

    def step():
        loss = F.cross_entropy(model(images).float(), labels, label_smoothing=0.2)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def inference_step(model, images):
    model.eval()

    @torch.inference_mode()
    def step():
        model(images)

    return step


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mode", choices=("train", "infer"))
    parser.add_argument("--model", choices=MODELS, default="fast")
    parser.add_argument("--batch", type=int, default=2000)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--dtype", choices=("bf16", "fp32"), default="bf16")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(args.threads)
    dtype = torch.bfloat16 if args.dtype == "bf16" else torch.float32
    model = convert(MODELS[args.model](), dtype)
    images = torch.randn(args.batch, 3, 32, 32).to(dtype).contiguous(memory_format=torch.channels_last)
    labels = torch.randint(10, (args.batch,))
    step = training_step(model, images, labels) if args.mode == "train" else inference_step(model, images)
    seconds = time_steps(step, args.steps)
    print(json.dumps({
        "peer": f"PyTorch {torch.__version__}",
        "mode": args.mode,
        "model": args.model,
        "precision": args.dtype,
        "batchSize": args.batch,
        "threads": args.threads,
        "stepSeconds": seconds,
        "imagesPerSecond": args.batch / seconds,
        "peakMemoryBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }))


if __name__ == "__main__":
    main()
