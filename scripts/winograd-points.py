"""How far Winograd's F(m x m, 3x3) in bfloat16 is from exact results, by the points that its polynomials are taken at.

Usage: python3 scripts/winograd-points.py [--search]      (NumPy is all it needs)

Prints the root mean square of the errors over that of the results, in percent: of a convolution whose inputs are normal
numbers, or those cut off at zero (ReLU), and of the gradient of its weights. Transformed inputs and weights are rounded to
bfloat16, as in native/core/kernels; all else is in float64. `--search`: of all pairs of points +-a, +-b in sixteenths
from 5/16 to 39/16, the ten with the least sum of these four errors.
"""

import argparse
from fractions import Fraction

import numpy as np

TAPS = 3
CHANNELS, FILTERS, TILES = 32, 32, 200


def to_bfloat16(values):
    """Rounds to the nearest, ties to even."""
    bits = np.asarray(values, np.float32).view(np.uint32)
    rounded = bits + 0x7FFF + ((bits >> 16) & 1)
    return (rounded & 0xFFFF0000).astype(np.uint32).view(np.float32).astype(np.float64)


def polynomial(roots):
    """Coefficients of the product of (x - root), the constant first."""
    coefficients = [Fraction(1)]
    for root in roots:
        shifted = [Fraction(0), *coefficients]
        coefficients = [high - root * low for high, low in zip(shifted, [*coefficients, 0])]
    return coefficients


def filtering(side, finite):
    """The matrices A^T [m,n], G [n,3] and B^T [n,n] of F(m,3) at n - 1 finite points and infinity; n = m + 2."""
    n = side + TAPS - 1
    others = [[other for other in finite if other != point] for point in finite]
    scales = [np.prod([point - other for other in rest]) for point, rest in zip(finite, others)]
    a = [[point**i for point in finite] + [Fraction(i == side - 1)] for i in range(side)]
    g = [[point**k / scale for k in range(TAPS)] for point, scale in zip(finite, scales)] + [[0, 0, 1]]
    b = [polynomial(rest) + [0] for rest in others] + [polynomial(finite)]
    assert len(b) == n
    return (np.array([[float(value) for value in row] for row in matrix]) for matrix in (a, g, b))


def both_ways(matrix, tiles):
    return np.einsum("ai,...ij,bj->...ab", matrix, tiles, matrix)


def relative_error(found, expected):
    return np.sqrt(((found - expected) ** 2).sum() / (expected**2).sum())


def errors(side, points, is_relu):
    """Of the results and of the weights' gradient."""
    a, g, b = filtering(side, points)
    random = np.random.default_rng(0)
    x = random.standard_normal((TILES, CHANNELS, side + 2, side + 2))
    x = to_bfloat16(np.maximum(x, 0) if is_relu else x)
    weight = random.standard_normal((FILTERS, CHANNELS, TAPS, TAPS))
    gradient = to_bfloat16(random.standard_normal((TILES, FILTERS, side, side)))
    shifts = [(i, j, x[:, :, i : i + side, j : j + side]) for i in range(TAPS) for j in range(TAPS)]
    results = sum(np.einsum("ncxy,kc->nkxy", part, weight[:, :, i, j]) for i, j, part in shifts)
    weight_gradient = np.empty_like(weight)
    for i, j, part in shifts:
        weight_gradient[:, :, i, j] = np.einsum("ncxy,nkxy->kc", part, gradient)
    v, u = to_bfloat16(both_ways(b, x)), to_bfloat16(both_ways(g, weight))
    spread = to_bfloat16(both_ways(a.T, gradient))
    found = both_ways(a, np.einsum("ncab,kcab->nkab", v, u))
    found_gradient = both_ways(g.T, np.einsum("ncab,nkab->kcab", v, spread))
    return relative_error(found, results), relative_error(found_gradient, weight_gradient)


def report(side, points):
    values = [100 * error for is_relu in (False, True) for error in errors(side, points, is_relu)]
    print(f"F({side}x{side},3x3) at {' '.join(map(str, points))} and infinity:".ljust(56), end="")
    print("normal %.2f, gradient %.2f; ReLU %.2f, gradient %.2f" % tuple(values))


def symmetric(a, b):
    return [Fraction(0), a, -a, b, -b]


def search():
    sixteenths = [Fraction(i, 16) for i in range(5, 40)]
    pairs = [(a, b) for a in sixteenths for b in sixteenths if a < b]
    total = {pair: sum(sum(errors(4, symmetric(*pair), is_relu)) for is_relu in (False, True)) for pair in pairs}
    for pair in sorted(pairs, key=total.get)[:10]:
        report(4, symmetric(*pair))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--search", action="store_true")
    if parser.parse_args().search:
        return search()
    report(2, [Fraction(0), Fraction(1), Fraction(-1)])
    report(4, symmetric(Fraction(1), Fraction(2)))
    report(4, symmetric(Fraction(1, 2), Fraction(1)))
    report(4, symmetric(Fraction(11, 16), Fraction(25, 16)))


if __name__ == "__main__":
    main()
