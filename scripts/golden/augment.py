"""Writes test/golden/values/augment.json.gz: what each augmentation must make of some images.

The operations of RandAugment and TrivialAugment come from Pillow (ImageOps, ImageEnhance, Image.transform,
Image.rotate), called as torchvision calls it, their strengths from torch.linspace as there; crops, erasing, mixing and
colours from numpy and the colorsys of Python. Nothing here is shared with the code under test.
Usage: pip install pillow numpy torch; python3 scripts/golden/augment.py
"""
import base64
import colorsys
import gzip
import json
from pathlib import Path

import numpy as np
import PIL
import torch
from PIL import Image, ImageEnhance, ImageOps

ROOT = Path(__file__).parent.parent.parent
OUTPUT = ROOT / "test" / "golden" / "values" / "augment.json.gz"


def sample(row):
    """uint8 [32,32,3], a record of the embedded sample."""
    record = np.fromfile(ROOT / "lib" / "dataset" / "sample" / "train.bin", np.uint8).reshape(-1, 3073)[row]
    return record[1:].reshape(3, 32, 32).transpose(1, 2, 0)


def synthetic():
    """Red: one value but for a few pixels; green: constant; blue: four neighbouring values."""
    y, x = np.mgrid[0:32, 0:32]
    red = np.where((x + y) % 8 == 0, 200 + x, 40)
    return np.stack([red, np.full_like(x, 255), 100 + (x * y) % 4], 2).astype(np.uint8)


def two_sided():
    """Pixels at and around 0, 128 and 255, for limits and rounding."""
    y, x = np.mgrid[0:32, 0:32]
    levels = np.array([0, 1, 127, 128, 129, 254, 255])
    return np.stack([levels[(x + y) % 7], levels[(3 * x + y) % 7], (8 * x + y) % 256], 2).astype(np.uint8)


IMAGES = np.stack([sample(0), sample(5), synthetic(), two_sided()])
PHOTO, ALL = [0], [0, 2, 3]


def encode(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def by_pillow(name, magnitude):
    def affine(*matrix):
        return lambda image: image.transform(image.size, Image.AFFINE, matrix, Image.NEAREST, fillcolor=(0, 0, 0))

    def enhance(kind):
        return lambda image: kind(image).enhance(1.0 + magnitude)

    return {
        "identity": lambda image: image,
        "shear_x": affine(1, magnitude, 0, 0, 1, 0),
        "shear_y": affine(1, 0, 0, magnitude, 1, 0),
        "translate_x": affine(1, 0, -int(magnitude), 0, 1, 0),
        "translate_y": affine(1, 0, 0, 0, 1, -int(magnitude)),
        "rotate": lambda image: image.rotate(magnitude, Image.NEAREST, fillcolor=(0, 0, 0)),
        "brightness": enhance(ImageEnhance.Brightness),
        "color": enhance(ImageEnhance.Color),
        "contrast": enhance(ImageEnhance.Contrast),
        "sharpness": enhance(ImageEnhance.Sharpness),
        "posterize": lambda image: ImageOps.posterize(image, int(magnitude)),
        "solarize": lambda image: ImageOps.solarize(image, magnitude),
        "auto_contrast": ImageOps.autocontrast,
        "equalize": ImageOps.equalize,
    }[name]


def policy_cases():
    magnitudes = {
        "identity": [0],
        "shear_x": [0.09, -0.3, 0.627, -0.99],
        "shear_y": [0.09, -0.3, 0.627, -0.99],
        "translate_x": [4.35, -9.6, 32],
        "translate_y": [4.35, -9.6, -32],
        "rotate": [9, -30, 4.5, 90, -90, 135, -121.5, 180],
        "brightness": [0.27, -0.27, 0.99, -0.99],
        "color": [0.27, -0.27, 0.99, -0.99],
        "contrast": [0.27, -0.27, 0.99, -0.99],
        "sharpness": [0.27, -0.27, 0.99, -0.99],
        "posterize": [8, 7, 4, 2, 1],
        "solarize": [255, 178.5, 128, 0],
        "auto_contrast": [0],
        "equalize": [0],
    }
    for operation, values in magnitudes.items():
        rows = PHOTO if operation.startswith(("shear", "translate", "rotate", "identity")) else ALL
        for magnitude in values:
            pillow = by_pillow(operation, magnitude)
            results = [np.asarray(pillow(Image.fromarray(IMAGES[row]))) for row in rows]
            yield {"operation": operation, "magnitude": magnitude}, rows, np.stack(results).astype(np.uint8)


def crop_cases():
    for padding, mode in (("reflect", "reflect"), ("zero", "constant")):
        for translate, dy, dx, flip in ((2, [0, 3], [4, 1], [0, 1]), (4, [8, 4], [0, 7], [1, 0])):
            rows = [0, 3]
            margin = ((translate, translate), (translate, translate), (0, 0))
            results = []
            for row, y, x, mirrored in zip(rows, dy, dx, flip):
                crop = np.pad(IMAGES[row], margin, mode)[y : y + 32, x : x + 32]
                results.append(crop[:, ::-1] if mirrored else crop)
            request = {"operation": "crop_and_flip", "dy": dy, "dx": dx, "flip": flip}
            yield {**request, "translate": translate, "padding": padding}, rows, np.stack(results)


def erase_cases():
    rows = [0, 0, 3, 3]
    boxes = [[3, 20, 12, 12], [-5, 28, 16, 16], [31, -7, 8, 8], [10, 10, 0, 5]]
    result = IMAGES[rows].copy()
    for image, (top, left, height, width) in zip(result, boxes):
        image[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)] = 0
    yield {"operation": "erase", "boxes": sum(boxes, [])}, rows, result


def mix_cases():
    rows, partner, weight = [0, 1, 3], [2, 0, 1], 0.3
    images = IMAGES[rows].astype(np.float64)
    request = {"operation": "mix", "lambda": weight, "partner": partner}
    yield {**request, "box": None}, rows, (weight * images + (1 - weight) * images[partner]).astype(np.float32)
    pasted = IMAGES[rows].copy()
    pasted[:, 2:22, 15:32] = IMAGES[rows][partner][:, 2:22, 15:32]
    yield {**request, "box": [2, 15, 20, 17]}, rows, pasted


def gray(image):
    return image @ np.array([0.2989, 0.587, 0.114])


def adjusted(image, brightness, contrast, saturation, hue):
    """torchvision's adjust_* on an image of floats from 0 to 1, in this order."""
    if brightness is not None:
        image = np.clip(brightness * image, 0, 1)
    if contrast is not None:
        image = np.clip(contrast * image + (1 - contrast) * gray(image).mean(), 0, 1)
    if saturation is not None:
        image = np.clip(saturation * image + (1 - saturation) * gray(image)[..., None], 0, 1)
    if hue is not None:
        hsv = [colorsys.rgb_to_hsv(*pixel) for pixel in image.reshape(-1, 3)]
        image = np.array([colorsys.hsv_to_rgb((h + hue) % 1, s, v) for h, s, v in hsv]).reshape(32, 32, 3)
    return image


def color_cases():
    for factors in (
        (0.6, None, None, None),
        (1.7, None, None, None),
        (None, 0.5, None, None),
        (None, 1.8, None, None),
        (None, None, 0.0, None),
        (None, None, 1.9, None),
        (None, None, None, 0.13),
        (None, None, None, -0.5),
        (1.2, 0.7, 1.4, -0.08),
    ):
        request = dict(zip(("brightness", "contrast", "saturation", "hue"), factors))
        rows = [3] if request["hue"] is not None else [0]
        results = [adjusted(IMAGES[row] / 255, **request) for row in rows]
        yield {"operation": "adjust_color", **request}, rows, np.stack(results).astype(np.float32)


def magnitudes(wide):
    """The strengths of torchvision's tables, [14,31]."""
    def evenly(first, last):
        return torch.linspace(first, last, 31).tolist()

    shear, shift, turn, factor = ((0.99, 32, 135, 0.99) if wide else (0.3, 150 / 331 * 32, 30, 0.9))
    bits = (8 - np.round(np.arange(31) / (30 / (6 if wide else 4)))).tolist()
    table = [[0] * 31, *[evenly(0, shear)] * 2, *[evenly(0, shift)] * 2, evenly(0, turn), *[evenly(0, factor)] * 4]
    return [*table, bits, evenly(255, 0), [0] * 31, [0] * 31]


def main():
    cases = []
    for group in (policy_cases, crop_cases, erase_cases, mix_cases, color_cases):
        for request, rows, expected in group():
            kind = "float32" if expected.dtype == np.float32 else "uint8"
            cases.append({"request": request, "rows": rows, "kind": kind, "expected": encode(expected)})
    values = {
        "versions": {"pillow": PIL.__version__, "numpy": np.__version__, "torch": torch.__version__},
        "images": encode(IMAGES),
        "cases": cases,
        "magnitudes": {"rand_augment": magnitudes(False), "trivial_augment": magnitudes(True)},
    }
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_bytes(gzip.compress(json.dumps(values, indent=0).encode(), mtime=0))
    print(f"{len(cases)} cases, {OUTPUT.stat().st_size} bytes: {OUTPUT}")


if __name__ == "__main__":
    main()
