"""The models of this package as a PyTorch user would write them, with the same state keys.

Own definitions in plain torch.nn, for golden values (scripts/make-golden.py) and for the check that weights travel
between this package and Python (scripts/check-python.py). `build(options)` takes the group `model` of a configuration
with the names of its YAML files, and knows no defaults.
"""
import json

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

CLASSES = 10


def batch_norm(channels, options):
    return nn.BatchNorm2d(channels, eps=options["batch_norm"]["epsilon"], momentum=options["batch_norm"]["momentum"])


def conv1x1(inputs, outputs, stride=1):
    return nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)


def conv3x3(inputs, outputs, stride=1, bias=False):
    return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=bias)


class FastGroup(nn.Module):
    """Two or three convolutions; the third is residual (KellerJordan/cifar10-airbench, airbench96)."""

    def __init__(self, inputs, outputs, options):
        super().__init__()
        self.count = options["convs_per_group"]
        for i in range(1, self.count + 1):
            setattr(self, f"conv{i}", conv3x3(inputs if i == 1 else outputs, outputs))
            setattr(self, f"bn{i}", batch_norm(outputs, options))
            getattr(self, f"bn{i}").weight.requires_grad_(False)

    def forward(self, x):
        first = x = F.gelu(self.bn1(F.max_pool2d(self.conv1(x), 2)))
        x = F.gelu(self.bn2(self.conv2(x)))
        if self.count == 3:
            x = F.gelu(self.bn3(self.conv3(x)) + first)
        return x


class Fast(nn.Module):
    def __init__(self, options):
        super().__init__()
        widths = options["widths"]
        self.whiten = nn.Conv2d(3, 24, 2)
        self.whiten.weight.requires_grad_(False)
        self.group1 = FastGroup(24, widths[0], options)
        self.group2 = FastGroup(widths[0], widths[1], options)
        self.group3 = FastGroup(widths[1], widths[2], options)
        self.head = nn.Linear(widths[2], CLASSES, bias=False)
        self.logit_divisor = options["logit_divisor"]

    def forward(self, x):
        x = F.gelu(self.whiten(x))
        x = self.group3(self.group2(self.group1(x)))
        return self.head(F.max_pool2d(x, 3).flatten(1)) / self.logit_divisor


class CnnLayer(nn.Sequential):
    """Convolution, norm, ReLU; its parts go into the stage under numbered names."""

    def __init__(self, stage, number, inputs, outputs, options):
        norm = options["norm"]
        parts = {"conv": conv3x3(inputs, outputs, bias=norm == "none")}
        if norm == "batch":
            parts["bn"] = batch_norm(outputs, options)
        if norm == "group":
            parts["gn"] = nn.GroupNorm(options["groups"], outputs, eps=options["batch_norm"]["epsilon"])
        for name, part in parts.items():
            stage.add_module(f"{name}{number}", part)
        super().__init__(*parts.values(), nn.ReLU())


class CnnStage(nn.Module):
    def __init__(self, inputs, outputs, options):
        super().__init__()
        count = options["convs_per_stage"]
        # A tuple is no module: the state keys are those that the layers give the stage.
        self.layers = tuple(
            CnnLayer(self, i + 1, outputs if i else inputs, outputs, options) for i in range(count)
        )

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return F.max_pool2d(x, 2)


class Cnn(nn.Module):
    def __init__(self, options):
        super().__init__()
        widths = options["widths"]
        stages = [CnnStage(i, o, options) for i, o in zip([3, *widths], widths)]
        for number, stage in enumerate(stages, 1):
            self.add_module(f"stage{number}", stage)
        self.dropout = nn.Dropout(options["dropout"])
        self.fc = nn.Linear(widths[-1], CLASSES)

    def forward(self, x):
        for name, stage in self.named_children():
            if name.startswith("stage"):
                x = stage(x)
        return self.fc(self.dropout(x.mean((2, 3))))


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, inputs, width, stride, options, shortcut):
        super().__init__()
        self.conv1, self.bn1 = conv3x3(inputs, width, stride), batch_norm(width, options)
        self.conv2, self.bn2 = conv3x3(width, width), batch_norm(width, options)
        self.shortcut_name = add_projection(self, shortcut, inputs, width, stride, options)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(out)) + shortcut_of(self, x))


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, inputs, width, stride, options, shortcut):
        super().__init__()
        outputs = self.expansion * width
        self.conv1, self.bn1 = conv1x1(inputs, width), batch_norm(width, options)
        self.conv2, self.bn2 = conv3x3(width, width, stride), batch_norm(width, options)
        self.conv3, self.bn3 = conv1x1(width, outputs), batch_norm(outputs, options)
        self.shortcut_name = add_projection(self, shortcut, inputs, outputs, stride, options)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = F.relu(self.bn2(self.conv2(out)))
        return F.relu(self.bn3(self.conv3(out)) + shortcut_of(self, x))


def add_projection(block, name, inputs, outputs, stride, options):
    """Adds convolution and norm to the shortcut of a block whose shape changes; the name of the module, or None."""
    if stride == 1 and inputs == outputs:
        return None
    block.add_module(name, nn.Sequential(conv1x1(inputs, outputs, stride), batch_norm(outputs, options)))
    return name


def shortcut_of(block, x):
    return getattr(block, block.shortcut_name)(x) if block.shortcut_name else x


def add_bare_projection(block, name, inputs, outputs, stride):
    """The same without the norm, as the pre-activation nets have it."""
    if stride == 1 and inputs == outputs:
        return None
    projection = conv1x1(inputs, outputs, stride)
    block.add_module(name, nn.Sequential(projection) if name == "shortcut" else projection)
    return name


class PreActBlock(nn.Module):
    """Norm and ReLU in front of each convolution; the projection, without norm, begins behind the first of them."""

    expansion = 1

    def __init__(self, inputs, width, stride, options, shortcut):
        super().__init__()
        self.bn1, self.conv1 = batch_norm(inputs, options), conv3x3(inputs, width, stride)
        self.bn2, self.conv2 = batch_norm(width, options), conv3x3(width, width)
        self.dropout = nn.Dropout(options.get("dropout", 0))
        self.shortcut_name = add_bare_projection(self, shortcut, inputs, width, stride)

    def forward(self, x):
        active = F.relu(self.bn1(x))
        out = self.conv2(self.dropout(F.relu(self.bn2(self.conv1(active)))))
        return out + shortcut_of(self, active if self.shortcut_name else x)


class PreActBottleneck(nn.Module):
    expansion = 4

    def __init__(self, inputs, width, stride, options, shortcut):
        super().__init__()
        outputs = self.expansion * width
        self.bn1, self.conv1 = batch_norm(inputs, options), conv1x1(inputs, width)
        self.bn2, self.conv2 = batch_norm(width, options), conv3x3(width, width, stride)
        self.bn3, self.conv3 = batch_norm(width, options), conv1x1(width, outputs)
        self.shortcut_name = add_bare_projection(self, shortcut, inputs, outputs, stride)

    def forward(self, x):
        active = F.relu(self.bn1(x))
        out = self.conv1(active)
        out = self.conv2(F.relu(self.bn2(out)))
        out = self.conv3(F.relu(self.bn3(out)))
        return out + shortcut_of(self, active if self.shortcut_name else x)


def make_stages(block, inputs, widths, counts, options, shortcut):
    """One nn.Sequential of blocks for each width, and the channels behind the last."""
    stages = []
    for s, (width, count) in enumerate(zip(widths, counts)):
        blocks = []
        for i in range(count):
            blocks.append(block(inputs, width, 2 if s > 0 and i == 0 else 1, options, shortcut))
            inputs = width * block.expansion
        stages.append(nn.Sequential(*blocks))
    return stages, inputs


class ResNet(nn.Module):
    """Stem, stages, global average pool, linear layer; keys `layer1`…, `shortcut` and `head` as they are named."""

    def __init__(self, block, width, counts, options, shortcut, head):
        super().__init__()
        self.conv1, self.bn1 = conv3x3(3, width), batch_norm(width, options)
        widths = [width * 2**s for s in range(len(counts))]
        self.stages, features = make_stages(block, width, widths, counts, options, shortcut)
        for number, stage in enumerate(self.stages, 1):
            self.add_module(f"layer{number}", stage)
        self.add_module(head, nn.Linear(features, CLASSES))
        self.head_name = head

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        for stage in self.stages:
            x = stage(x)
        return getattr(self, self.head_name)(x.mean((2, 3)))


class PreActResNet(nn.Module):
    """kuangliu/pytorch-cifar's keys; with the norm behind the last block, which that repository leaves out."""

    def __init__(self, block, width, counts, options):
        super().__init__()
        self.conv1 = conv3x3(3, width)
        widths = [width * 2**s for s in range(len(counts))]
        self.stages, features = make_stages(block, width, widths, counts, options, "shortcut")
        for number, stage in enumerate(self.stages, 1):
            self.add_module(f"layer{number}", stage)
        self.bn = batch_norm(features, options)
        self.linear = nn.Linear(features, CLASSES)

    def forward(self, x):
        x = self.conv1(x)
        for stage in self.stages:
            x = stage(x)
        return self.linear(F.relu(self.bn(x)).mean((2, 3)))


class WideStage(nn.Module):
    def __init__(self, blocks):
        super().__init__()
        self.layer = blocks

    def forward(self, x):
        return self.layer(x)


class WideResNet(nn.Module):
    """Zagoruyko & Komodakis 2016 (arXiv 1605.07146), with the keys of xternalz/WideResNet-pytorch."""

    def __init__(self, options):
        super().__init__()
        self.conv1 = conv3x3(3, 16)
        widths = [round(16 * options["widen_factor"]) * 2**s for s in range(3)]
        counts = [(options["depth"] - 4) // 6] * 3
        stages, features = make_stages(PreActBlock, 16, widths, counts, options, "convShortcut")
        self.block1, self.block2, self.block3 = map(WideStage, stages)
        self.bn1 = batch_norm(features, options)
        self.fc = nn.Linear(features, CLASSES)

    def forward(self, x):
        x = self.block3(self.block2(self.block1(self.conv1(x))))
        return self.fc(F.relu(self.bn1(x)).mean((2, 3)))


COUNTS = {18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3]}


def cifar_resnet(options):
    counts = [(options["depth"] - 2) // 6] * 3
    return ResNet(BasicBlock, options["width"], counts, options, "downsample", "fc")


def resnet(options):
    block = BasicBlock if options["depth"] < 50 else Bottleneck
    return ResNet(block, options["width"], COUNTS[options["depth"]], options, "shortcut", "linear")


def preact_resnet(options):
    block = PreActBlock if options["depth"] < 50 else PreActBottleneck
    return PreActResNet(block, options["width"], COUNTS[options["depth"]], options)


FAMILIES = {
    "fast": Fast,
    "cnn": Cnn,
    "cifar_resnet": cifar_resnet,
    "resnet": resnet,
    "preact_resnet": preact_resnet,
    "wide_resnet": WideResNet,
}


def build(options):
    return FAMILIES[options["name"]](options)


def load_checkpoint(path):
    """The model with the checkpoint's weights, in evaluation mode, and the checkpoint's metadata."""
    with safe_open(path, framework="pt") as file:
        texts = {key: value for key, value in file.metadata().items() if key not in ("format", "content_sha256")}
    meta = {key: json.loads(value) for key, value in texts.items()}
    model = build(meta["config"]["model"])
    model.load_state_dict(load_file(path), strict=True)
    return model.eval(), meta
