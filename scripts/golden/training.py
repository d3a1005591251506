"""Training as a PyTorch user would write it: torch.optim, torch.nn.utils, torch.optim.swa_utils.

Two things have no class in PyTorch and are written out here: Muon as airbench94_muon uses it (Keller Jordan,
https://kellerjordan.github.io/posts/muon) and lookahead as airbench94 uses it (Zhang et al. 2019, arXiv 1907.08610).
`options` is the group `training` of a configuration with the names of its YAML files.
"""
import copy
import math

import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

NORMS = (nn.BatchNorm2d, nn.GroupNorm)


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalized; each filter bank is first brought to a norm of √out."""

    def __init__(self, params, lr, momentum, newton_schulz_steps):
        super().__init__(params, dict(lr=lr, momentum=momentum, steps=newton_schulz_steps))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                state = self.state[p]
                buffer = state.setdefault("momentum_buffer", torch.zeros_like(p))
                buffer.mul_(group["momentum"]).add_(p.grad)
                update = p.grad + group["momentum"] * buffer
                p.mul_(math.sqrt(len(p)) / p.norm())
                p.sub_(group["lr"] * orthogonalize(update.flatten(1), group["steps"]).view_as(p))


def orthogonalize(gradient, steps):
    """Quintic Newton–Schulz iteration on [out, rest]."""
    x = gradient / (gradient.norm() + 1e-7)
    if x.shape[0] > x.shape[1]:
        return orthogonalize_wide(x.T, steps).T
    return orthogonalize_wide(x, steps)


def orthogonalize_wide(x, steps):
    for _ in range(steps):
        a = x @ x.T
        x = 3.4445 * x + (-4.775 * a + 2.0315 * a @ a) @ x
    return x


def make_optimizers(model, options):
    """The optimizers that share the model's trainable parameters."""
    trained = [p for p in model.parameters() if p.requires_grad]
    settings = {key: value for key, value in options.items() if key != "name"}
    if options["name"] == "muon":
        return make_muon(trained, settings)
    own_norms = {id(p) for m in model.modules() if isinstance(m, NORMS) for p in m.parameters()}
    weight_decay = settings.pop("weight_decay")
    decays_all = settings.pop("decay_norms_and_biases")
    scale = settings.pop("norm_lr_scale", 1)

    def group(p):
        factor = scale if id(p) in own_norms else 1
        decay = weight_decay / factor if decays_all or p.dim() >= 2 else 0
        return dict(params=[p], lr=settings["lr"] * factor, weight_decay=decay)

    groups = [group(p) for p in trained]
    if options["name"] == "sgd":
        return [torch.optim.SGD(groups, **settings)]
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[options["name"]]
    settings["eps"] = settings.pop("epsilon")
    return [kind(groups, **settings)]


def make_muon(trained, settings):
    companion = settings.pop("companion")

    def sgd_group(dim, lr):
        params = [p for p in trained if p.dim() == dim]
        return dict(params=params, lr=lr, weight_decay=companion["weight_decay"] / lr)

    groups = [sgd_group(1, companion["vector_lr"]), sgd_group(2, companion["head_lr"])]
    filters = [p for p in trained if p.dim() == 4]
    return [
        Muon(filters, **settings),
        torch.optim.SGD(groups, momentum=companion["momentum"], nesterov=True),
    ]


class Lookahead:
    """Slow weights, buffers included; the run ends on them."""

    def __init__(self, model, steps, decay, power):
        self.slow = copy.deepcopy(model.state_dict())
        self.steps, self.decay, self.power = steps, decay, power

    @torch.no_grad()
    def update(self, model, step, total):
        if step % self.steps == 0:
            self.synchronize(model, self.decay * (step / total) ** self.power)
        if step == total:
            self.synchronize(model, 1)

    def synchronize(self, model, decay):
        for name, fast in model.state_dict().items():
            if fast.is_floating_point():
                self.slow[name].lerp_(fast, 1 - decay)
                fast.copy_(self.slow[name])


def loss_of(model, images, labels, options):
    """Loss and logits; `labels`: int64 [B] or float [B,10]."""
    logits = model(images)
    loss = F.cross_entropy(
        logits, labels, label_smoothing=options["label_smoothing"], reduction=options["loss_reduction"]
    )
    return loss, logits


def backward(model, images, labels, options):
    """Gradients of the whole batch's loss; the loss."""
    parts = options.get("accumulation_steps", 1)
    total = 0
    for part_images, part_labels in zip(images.chunk(parts), labels.chunk(parts)):
        loss, _ = loss_of(model, part_images, part_labels, options)
        if options["loss_reduction"] == "mean":
            loss = loss / parts
        loss.backward()
        total += loss.item()
    return total


def train(model, images, labels, options, lr_factors):
    """One update for each factor, always with the same batch; the average of the weights, or None."""
    model.train()
    optimizers = make_optimizers(model, options["optimizer"])
    groups = [(group, group["lr"]) for optimizer in optimizers for group in optimizer.param_groups]
    average = lookahead = None
    if options.get("ema_decay"):
        update = get_ema_multi_avg_fn(options["ema_decay"])
        average = AveragedModel(model, multi_avg_fn=update, use_buffers=True)
    if options.get("lookahead"):
        lookahead = Lookahead(model, **options["lookahead"])
    for step, factor in enumerate(lr_factors, 1):
        for group, peak in groups:
            group["lr"] = peak * factor
        model.zero_grad()
        backward(model, images, labels, options)
        if options.get("gradient_clip_norm"):
            nn.utils.clip_grad_norm_(model.parameters(), options["gradient_clip_norm"])
        for optimizer in optimizers:
            optimizer.step()
        if lookahead:
            lookahead.update(model, step, len(lr_factors))
        if average:
            average.update_parameters(model)
    return average and average.module
