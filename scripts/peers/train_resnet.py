"""The ResNet recipes of this package (experiment/resnet20, experiment/resnet18) in plain PyTorch: the peer.

What a PyTorch user would write: SGD with Nesterov momentum 0.9 and weight decay 5e-4, lr 0.1 along a cosine that falls at
each step after an optional warm-up, batch 128, random flip, random crop from zero padding of 4 pixels, the same normalization, bfloat16 by autocast in training.
Prints one JSON line an epoch; `seconds` is that of its training alone. The test images choose nothing: a run is judged by
its last line. `--validation 0.1` holds out a tenth of the train images, so that curves can be compared before the end;
the test images are then looked at only there.
Usage: pip install torch==2.13.0 numpy; python3 scripts/peers/train_resnet.py <folder> --model resnet20 --epochs 200
The folder holds data_batch_1.bin … data_batch_5.bin and test_batch.bin, or train.bin and test.bin of the sample.
"""
import argparse
import itertools
import json
import math
import time
from pathlib import Path

import numpy
import torch
from torch import nn
from torch.nn import functional as F

CLASSES = 10
SIDE = 32
PADDING = 4
RECORD_BYTES = 1 + 3 * SIDE * SIDE
MEAN = (0.4914, 0.4822, 0.4465)
STD = (0.2470, 0.2435, 0.2616)
PEAK_LR = 0.1


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut; where the shape changes, a 1x1 convolution (He et al. 2015, option B)."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Identity()
        if stride != 1 or inputs != outputs:
            projection = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(outputs))

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(out)) + self.shortcut(x))


class ResNet(nn.Module):
    """A 3x3 stem, stages of blocks of which all but the first halve the side, global average pool, linear layer."""

    def __init__(self, widths, blocks_per_stage):
        super().__init__()
        self.conv1 = nn.Conv2d(3, widths[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        blocks, inputs = [], widths[0]
        for stage, width in enumerate(widths):
            for index in range(blocks_per_stage):
                blocks.append(BasicBlock(inputs, width, stride=2 if stage > 0 and index == 0 else 1))
                inputs = width
        self.blocks = nn.Sequential(*blocks)
        self.linear = nn.Linear(inputs, CLASSES)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images):
        x = self.blocks(F.relu(self.bn1(self.conv1(images))))
        return self.linear(x.mean((2, 3)))


MODELS = {
    "resnet20": lambda: ResNet((16, 32, 64), blocks_per_stage=3),
    "resnet18": lambda: ResNet((64, 128, 256, 512), blocks_per_stage=2),
}


def read_records(paths):
    """uint8 [N,3,32,32] and int64 [N]."""
    records = numpy.concatenate([numpy.fromfile(path, numpy.uint8).reshape(-1, RECORD_BYTES) for path in paths])
    images = torch.from_numpy(records[:, 1:].copy()).view(-1, 3, SIDE, SIDE)
    return images, torch.from_numpy(records[:, 0].astype(numpy.int64))


def read_dataset(folder):
    train = sorted(folder.glob("data_batch_*.bin")) or [folder / "train.bin"]
    test = [folder / "test_batch.bin"] if (folder / "test_batch.bin").exists() else [folder / "test.bin"]
    return read_records(train), read_records(test)


def normalize(images):
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    return ((images.float() / 255 - mean) / std).contiguous(memory_format=torch.channels_last)


def augment(images):
    """Flip and crop of each image by itself, on uint8: the padding is black, as torchvision's is before normalization."""
    count = len(images)
    padded = F.pad(images, [PADDING] * 4)
    rows, columns = (torch.randint(2 * PADDING + 1, (count, 1)) + torch.arange(SIDE) for _ in range(2))
    columns = torch.where(torch.rand(count, 1) < 0.5, columns, columns.flip(1))
    index = torch.arange(count)[:, None, None]
    return padded[index, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


class Trainer:
    def __init__(self, args, train_size):
        self.args = args
        self.model = MODELS[args.model]().to(memory_format=torch.channels_last)
        steps_per_epoch = math.ceil(train_size / args.batch_size)
        total_steps = max(1, math.ceil(steps_per_epoch * args.epochs - 1e-6))
        warmup_steps = args.warmup * total_steps
        self.steps_left = total_steps
        self.epochs = math.ceil(total_steps / steps_per_epoch)
        self.optimizer = torch.optim.SGD(
            self.model.parameters(), lr=PEAK_LR, momentum=0.9, nesterov=True, weight_decay=5e-4
        )

        def lr_factor(step):
            if step < warmup_steps:
                return min(1, (step + 1) / warmup_steps)
            return 0.5 * (1 + math.cos(math.pi * (step - warmup_steps) / (total_steps - warmup_steps)))

        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, lr_factor)

    def logits(self, images):
        is_bf16 = self.args.precision == "bf16" and self.model.training  # evaluation is in float32, as ours
        with torch.autocast("cpu", torch.bfloat16, enabled=is_bf16):
            return self.model(normalize(images)).float()

    def train_epoch(self, images, labels):
        """Mean loss and accuracy over the images, on augmented images, while the weights were changing."""
        self.model.train()
        loss_sum = hits = seen = 0
        batches = torch.randperm(len(images)).split(self.args.batch_size)
        for rows in itertools.islice(batches, min(self.steps_left, self.args.limit_steps or self.steps_left)):
            logits = self.logits(augment(images[rows]))
            loss = F.cross_entropy(logits, labels[rows])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.schedule.step()
            loss_sum += loss.item() * len(rows)
            hits += (logits.argmax(1) == labels[rows]).sum().item()
            seen += len(rows)
            self.steps_left -= 1
        return {"loss": loss_sum / seen, "accuracy": hits / seen}

    @torch.inference_mode()
    def evaluate(self, images, labels):
        self.model.eval()
        logits = torch.cat([self.logits(part) for part in images.split(1000)])
        loss = F.cross_entropy(logits.double(), labels).item()
        return {"loss": loss, "accuracy": (logits.argmax(1) == labels).double().mean().item()}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", choices=MODELS, default="resnet20")
    parser.add_argument("--epochs", type=float, default=200, help="a fraction ends within an epoch")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", choices=("bf16", "fp32"), default="bf16")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--validation", type=float, default=0, help="share of the train images to hold out")
    parser.add_argument("--warmup", type=float, default=0, help="share of the steps in which the lr rises to its peak")
    parser.add_argument("--limit-steps", type=int, help="of each epoch, for a trial")
    args = parser.parse_args()
    if not 0 <= args.warmup < 1:
        parser.error("--warmup: expected a share below 1")
    return args


def main():
    args = parse_arguments()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    (images, labels), test = read_dataset(args.folder)
    held_out, kept = torch.randperm(len(images)).tensor_split([round(args.validation * len(images))])
    train, val = (images[kept], labels[kept]), (images[held_out], labels[held_out])
    trainer = Trainer(args, len(kept))
    for epoch in range(1, trainer.epochs + 1):
        started = time.perf_counter()
        figures = trainer.train_epoch(*train)
        line = {"epoch": epoch, "seconds": round(time.perf_counter() - started, 3), "train": figures}
        if len(held_out) > 0:
            line["val"] = trainer.evaluate(*val)
        if len(held_out) == 0 or epoch == trainer.epochs:
            line["test"] = trainer.evaluate(*test)
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
