"""Writes logits and the figures that torchmetrics gives for them, which test/golden/metrics.test.ts compares with ours.

The cases hold what is easily got wrong: ties, confidences on an edge of a bin, classes that are absent, images that are
wrong with certainty. Only the cross-entropy is PyTorch's own, in float64: torchmetrics has none.
Usage: pip install torch==2.13.0 torchmetrics==1.9.0 safetensors; python3 scripts/golden/metrics.py
"""
import math
from pathlib import Path

import torch
import torchmetrics.functional.classification as tm
from safetensors.torch import save_file

VALUES = Path(__file__).parent.parent.parent / "test" / "golden" / "values" / "metrics.safetensors"
CLASSES = 10


def drawn(count, scale, generator):
    """Logits of a classifier that is right more often than not, and labels."""
    labels = torch.randint(CLASSES, (count,), generator=generator)
    logits = scale * torch.randn(count, CLASSES, generator=generator)
    logits[torch.arange(count), labels] += 1.5 * scale
    return logits, labels


def tied(count, generator):
    """Logits as a bfloat16 model gives them: so coarse that the highest ones are often equal."""
    logits, labels = drawn(count, 1.0, generator)
    return (logits * 2).round() / 2, labels


def certain_to(confidence):
    """Logits of which the first has this probability and the others share the rest."""
    row = torch.zeros(CLASSES)
    row[0] = math.log(confidence / (1 - confidence) * (CLASSES - 1))
    return row


def among(ways):
    """Logits of which the first few are equal and the others without a chance."""
    return torch.where(torch.arange(CLASSES) < ways, 3.0, -200.0)


def on_bin_edges():
    """Confidences on an edge of fifteen bins, or one rounding off it, all right, beside wrong ones in the next bin.

    Put into the wrong bin they would cancel: 1/3 belongs above its edge, 1/5 in float32 below it, 1 into a bin of its own.
    """
    cases = [
        (among(3), True),
        (certain_to(0.3), False),
        (among(5), True),
        (certain_to(0.22), False),
        (among(1), False),
        (certain_to(0.97), True),
        (among(2), True),
        (among(4), False),
        (among(10), True),
    ]
    rows = [row for row, _ in cases for _ in range(20)]
    labels = [0 if is_right else 9 for _, is_right in cases for _ in range(20)]
    return torch.stack(rows), torch.tensor(labels)


def with_absent_classes(count, generator):
    """Labels 0 to 6 only; class 7 is predicted all the same, 8 and 9 never are."""
    labels = torch.randint(7, (count,), generator=generator)
    logits = torch.randn(count, CLASSES, generator=generator)
    logits[torch.arange(count), labels] += 1
    logits[:, 8:] -= 20
    return logits, labels


def wrong_with_certainty(count, generator):
    logits, labels = drawn(count, 10.0, generator)
    certain = torch.arange(0, count, 5)
    logits[certain, (labels[certain] + 1) % CLASSES] += 80
    return logits, labels


def figures(logits, labels):
    per_class = {"num_classes": CLASSES, "average": "none"}
    macro = {"num_classes": CLASSES, "average": "macro"}
    share = {"num_classes": CLASSES, "average": "micro"}
    loss = torch.nn.functional.cross_entropy(logits.double(), labels)
    return {
        "accuracy": tm.multiclass_accuracy(logits, labels, **share),
        **{f"top{k}": tm.multiclass_accuracy(logits, labels, top_k=k, **share) for k in (2, 3, 5)},
        "cross_entropy": loss,
        "calibration_error": tm.multiclass_calibration_error(logits, labels, CLASSES, n_bins=15, norm="l1"),
        "macro_precision": tm.multiclass_precision(logits, labels, **macro),
        "macro_recall": tm.multiclass_recall(logits, labels, **macro),
        "macro_f1": tm.multiclass_f1_score(logits, labels, **macro),
        "precision": tm.multiclass_precision(logits, labels, **per_class),
        "recall": tm.multiclass_recall(logits, labels, **per_class),
        "f1": tm.multiclass_f1_score(logits, labels, **per_class),
        "confusion": tm.multiclass_confusion_matrix(logits, labels, CLASSES),
    }


def main():
    generator = torch.Generator().manual_seed(0)
    cases = {
        "drawn": drawn(400, 1.0, generator),
        "ties": tied(300, generator),
        "bin edges": on_bin_edges(),
        "absent classes": with_absent_classes(100, generator),
        "wrong with certainty": wrong_with_certainty(100, generator),
        "one image": drawn(1, 1.0, generator),
        "confident": drawn(300, 4.0, generator),
    }
    tensors = {}
    for name, (logits, labels) in cases.items():
        values = {"logits": logits, "labels": labels, **figures(logits, labels)}
        tensors |= {f"{name}/{key}": value.reshape(-1) for key, value in values.items()}
    VALUES.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, VALUES)
    print(f"{len(cases)} cases, {VALUES.stat().st_size} bytes: {VALUES}")


if __name__ == "__main__":
    main()
