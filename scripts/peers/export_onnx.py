"""Writes a checkpoint of this package as an ONNX file, for scripts/bench-onnx.mjs.

Usage: pip install torch==2.13.0 numpy safetensors onnx; python3 scripts/peers/export_onnx.py <checkpoint> <file.onnx>
Input `images`: float32 [B,3,32,32], normalized. Output `logits`: float32 [B,10].
"""
import sys
import warnings
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent.parent / "golden"))
import models  # noqa: E402


def main():
    torch.backends.nnpack.set_flags(False)  # warns on processors that it does not know
    checkpoint, target = sys.argv[1:]
    warnings.filterwarnings("ignore", category=DeprecationWarning)  # the exporter without onnxscript
    model, _ = models.load_checkpoint(checkpoint)
    torch.onnx.export(
        model,
        (torch.zeros(1, 3, 32, 32),),
        target,
        dynamo=False,
        input_names=["images"],
        output_names=["logits"],
        dynamic_axes={"images": {0: "batch"}, "logits": {0: "batch"}},
    )


if __name__ == "__main__":
    main()
