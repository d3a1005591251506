"""Loads checkpoints of this package into plain PyTorch and compares what both say of the test images.

Run by scripts/check-python.mjs, which trains them: python3 scripts/check-python.py <checks.json>, a list of
{name, checkpoint, probabilities: [{class name: probability} for each of the first test images of the sample]}.
"""
import json
import sys
from pathlib import Path

import torch

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "scripts" / "golden"))
import models  # noqa: E402

BOUND = 1e-5


def read_images(count, normalization):
    records = torch.frombuffer(bytearray((ROOT / "lib/dataset/sample/test.bin").read_bytes()), dtype=torch.uint8)
    pixels = records.view(-1, 3073)[:count, 1:].view(-1, 3, 32, 32).float() / 255
    mean, std = (torch.tensor(normalization[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    return (pixels - mean) / std


@torch.no_grad()
def compare(check):
    """Largest difference of log-probabilities, relative to the largest of them: logits but for a shift."""
    model, meta = models.load_checkpoint(check["checkpoint"])
    expected = model(read_images(len(check["probabilities"]), meta["normalization"])).double().log_softmax(1)
    rows = [[row[name] for name in meta["class_names"]] for row in check["probabilities"]]
    found = torch.tensor(rows, dtype=torch.float64).log()
    return float((found - expected).abs().max() / expected.abs().max())


def main():
    torch.backends.nnpack.set_flags(False)  # warns on processors that it does not know
    failed = 0
    for check in json.loads(Path(sys.argv[1]).read_text()):
        error = compare(check)
        is_same = error <= BOUND  # not so for NaN
        failed += not is_same
        print(f"{check['name']:20} {error:.1e}  {'same' if is_same else f'DIFFERENT: above {BOUND}'}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
