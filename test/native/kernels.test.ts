// The package's own kernels against LibTorch's operators on the same numbers, forward and backward. On a processor
// that has none of them, both sides are LibTorch's: the first test tells which it is.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadNative } from '../../lib/native.js';
import type { KernelAnswer, KernelRequest } from '../../lib/native-addon.js';

test('they run where the processor can, and of themselves where they are faster', () => {
  const flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.trim().split(' ') ?? [];
  const canRun = flags.includes('avx512_bf16');
  expect(loadNative().runtimeInfo().canRunOwnKernels).toBe(canRun);
  const isOwn = (images: number, kernels: KernelRequest['kernels']) => {
    const request = convolution('conv3x3', [images, 16, 8, 8], 16);
    const [found, libtorch] = [run(request, kernels, 'bf16'), run(request, 'libtorch', 'bf16')];
    return found.xGradient?.some((value, index) => value !== libtorch.xGradient?.[index]);
  };
  expect(isOwn(2, 'own')).toBe(canRun);
  expect(isOwn(2, 'auto')).toBe(false);
  expect(isOwn(24, 'auto')).toBe(canRun && !flags.includes('amx_bf16'));
});

/** Numbers from −1 to 1 that bfloat16 has too, the same in every run. */
function numbers(count: number, seed: number, scale = 1): Float32Array {
  let state = seed * 2654435761;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (Math.round((state / 2 ** 32) * 128 - 64) / 64) * scale;
  });
}

/** ‖found − expected‖ / ‖expected‖ */
function relativeError(found: Float32Array, expected: Float32Array): number {
  expect(found).toHaveLength(expected.length);
  let difference = 0;
  let size = 0;
  found.forEach((value, index) => {
    difference += (value - (expected[index] as number)) ** 2;
    size += (expected[index] as number) ** 2;
  });
  return Math.sqrt(difference / size);
}

type Request = KernelRequest extends infer Each
  ? Each extends unknown
    ? Omit<Each, 'device' | 'precision' | 'threads' | 'kernels'>
    : never
  : never;

function run(
  request: Request,
  kernels: KernelRequest['kernels'],
  precision: 'bf16' | 'fp32',
  threads: number | null = null,
) {
  return loadNative().runKernel({ ...request, device: 'cpu', precision, threads, kernels } as KernelRequest);
}

/** Each array of the answer within the bound of what LibTorch computes in float32 from the same numbers. */
function expectClose(
  request: Request,
  bound: number,
  precision: 'bf16' | 'fp32' = 'bf16',
  threads: number | null = null,
): void {
  const found = run(request, 'own', precision, threads);
  const expected = run(request, 'libtorch', 'fp32');
  for (const key of Object.keys(expected) as (keyof KernelAnswer)[])
    expect(relativeError(found[key] as Float32Array, expected[key] as Float32Array), key).toBeLessThan(bound);
}

function convolution(
  operation: 'conv3x3' | 'conv3x3_stride2' | 'conv3x3_max_pool',
  [images, channels, height, width]: readonly [number, number, number, number],
  out: number,
): Extract<Request, { operation: 'conv3x3' | 'conv3x3_stride2' | 'conv3x3_max_pool' }> {
  const isPooled = operation === 'conv3x3_max_pool';
  const shorten = {
    conv3x3: (side: number) => side,
    conv3x3_stride2: (side: number) => Math.ceil(side / 2),
    conv3x3_max_pool: (side: number) => Math.floor(side / 2),
  }[operation];
  const results = shorten(height) * shorten(width);
  const request = {
    operation,
    shape: [images, channels, height, width],
    out,
    x: numbers(images * channels * height * width, 1),
    weight: numbers(out * channels * 9, 2, 1 / 4),
    gradient: numbers(images * out * results, 3),
  };
  if (isPooled) silenceCloseRaces(request);
  return request;
}

/** Takes the gradient from squares of which rounding decides who wins: there the two sides may differ altogether. */
function silenceCloseRaces(request: ReturnType<typeof convolution>): void {
  const [images = 0, , height = 0, width = 0] = request.shape;
  const plain = {
    ...request,
    operation: 'conv3x3',
    gradient: new Float32Array(images * request.out * height * width),
  };
  const { result } = run(plain as Request, 'libtorch', 'fp32');
  const size = Math.sqrt(result.reduce((sum, value) => sum + value * value, 0) / result.length);
  const [rows, columns] = [Math.floor(height / 2), Math.floor(width / 2)];
  request.gradient.forEach((_, index) => {
    const [plane, row, column] = [
      Math.floor(index / (rows * columns)),
      Math.floor(index / columns) % rows,
      index % columns,
    ];
    const corner = plane * height * width + 2 * row * width + 2 * column;
    const square = [0, 1, width, width + 1]
      .map((step) => result[corner + step] as number)
      .sort((a, b) => b - a);
    if ((square[0] as number) - (square[1] as number) < size / 20) request.gradient[index] = 0;
  });
}

// Rounded to eight bits: the input of the products by Winograd's transform, weights, the result.
const BF16_BOUND = 1e-2;

describe.each(['conv3x3', 'conv3x3_stride2', 'conv3x3_max_pool'] as const)('%s', (operation) => {
  test.each([
    [[2, 16, 8, 8], 16],
    [[3, 24, 31, 31], 64],
    [[5, 64, 15, 15], 80],
    [[7, 8, 3, 3], 32],
    [[1, 40, 2, 7], 48],
    [[33, 128, 5, 4], 112],
    [[2, 512, 4, 4], 256],
    [[40, 16, 13, 13], 16], // many blocks of tiles a thread, several chunks of pairs
    [[20, 24, 15, 15], 80], // threads share the pairs, of several panels
    [[5, 24, 15, 15], 96], // threads share the output channels, in several chunks
    [[6, 16, 2, 2], 32],
  ] as const)('of %j with %d outputs', (shape, out) => {
    expectClose(convolution(operation, shape, out), BF16_BOUND, 'bf16', 2);
  });

  test.each([1, 2, 3, 8])('with %d threads', (threads) => {
    expectClose(convolution(operation, [8, 40, 9, 9], 176), BF16_BOUND, 'bf16', threads);
  });

  test('of channels that the kernels do not take', () => {
    expectClose(convolution(operation, [2, 3, 9, 9], 10), BF16_BOUND);
  });

  test('is no other with one thread, but for the order of sums', () => {
    const request = convolution(operation, [6, 32, 13, 13], 48);
    const [one, two] = [run(request, 'own', 'bf16', 1), run(request, 'own', 'bf16', 2)];
    expect(two.result).toEqual(one.result);
    expect(two.xGradient).toEqual(one.xGradient);
    expect(
      relativeError(two.weightGradient as Float32Array, one.weightGradient as Float32Array),
    ).toBeLessThan(1e-6);
  });

  test('shows what is not a number', () => {
    const request = convolution(operation, [1, 16, 8, 8], 16);
    request.x[5] = Number.NaN;
    const { result, weightGradient } = run(request, 'own', 'bf16');
    expect(result.some(Number.isNaN)).toBe(true);
    expect(weightGradient?.some(Number.isNaN)).toBe(true);
  });
});

describe('conv3x3_stride2', () => {
  // One side of a single pixel: LibTorch's. The others: sums of exact products, where Winograd rounds its inputs.
  test.each([
    [[3, 24, 15, 15], 80],
    [[40, 16, 8, 8], 16],
    [[4, 16, 1, 9], 16],
  ] as const)('rounds nothing but sums in the weight gradient of %j with %d outputs', (shape, out) => {
    const request = convolution('conv3x3_stride2', shape, out);
    const [own, libtorch, exact] = [
      run(request, 'own', 'bf16'),
      run(request, 'libtorch', 'bf16'),
      run(request, 'libtorch', 'fp32'),
    ];
    expect(own.result).toEqual(libtorch.result);
    expect(own.xGradient).toEqual(libtorch.xGradient);
    const isOwn = loadNative().runtimeInfo().canRunOwnKernels && Math.min(shape[2], shape[3]) > 1;
    const error = relativeError(own.weightGradient as Float32Array, exact.weightGradient as Float32Array);
    expect(error).toBeLessThan(isOwn ? 1e-6 : BF16_BOUND);
  });
});

describe('conv3x3_with_shortcut', () => {
  const withShortcut = (shape: readonly [number, number, number, number], out: number) => ({
    ...convolution('conv3x3', shape, out),
    operation: 'conv3x3_with_shortcut' as const,
    shortcutGradient: numbers(
      shape.reduce((product, size) => product * size, 1),
      4,
    ),
  });

  test.each([
    [[2, 16, 8, 8], 16],
    [[3, 24, 7, 5], 48],
    [[2, 3, 9, 9], 10],
  ] as const)('sums both gradients of %j with %d outputs', (shape, out) => {
    const request = withShortcut(shape, out);
    expectClose(request, BF16_BOUND);
    const [both, alone] = [request, { ...request, shortcutGradient: new Float32Array(request.x.length) }].map(
      (each) => run(each, 'own', 'bf16').xGradient as Float32Array,
    );
    const difference = (both as Float32Array).map((value, index) => value - (alone?.[index] as number));
    expect(relativeError(difference, request.shortcutGradient)).toBeLessThan(5 * BF16_BOUND);
  });
});

test('a pooled convolution has the gradient of a plain one at the pixels that won', () => {
  const request = convolution('conv3x3_max_pool', [3, 16, 6, 6], 16);
  const plain = { ...request, operation: 'conv3x3', gradient: new Float32Array(3 * 16 * 36) } as const;
  const { result } = run(plain, 'own', 'bf16');
  const pooled = run(request, 'own', 'bf16');
  pooled.result.forEach((value, index) => {
    const corner = Math.floor(index / 9) * 36 + (Math.floor(index / 3) % 3) * 12 + (index % 3) * 2;
    const square = [0, 1, 6, 7].map((step) => corner + step);
    const winner = square.reduce((best, at) =>
      (result[at] as number) > (result[best] as number) ? at : best,
    );
    expect(value).toBe(result[winner]);
    plain.gradient[winner] = request.gradient[index] as number;
  });
  const expected = run(plain, 'own', 'bf16');
  expect(pooled.xGradient).toEqual(expected.xGradient);
  expect(
    relativeError(pooled.weightGradient as Float32Array, expected.weightGradient as Float32Array),
  ).toBeLessThan(1e-6);
});

describe.each(['none', 'relu', 'gelu'] as const)('batch norm with activation %s', (activation) => {
  const request = (shape: readonly [number, number, number, number], hasResidual: boolean): Request => {
    const count = shape.reduce((product, size) => product * size, 1);
    const channels = shape[1];
    return {
      operation: 'batch_norm_act',
      shape,
      activation,
      x: numbers(count, 4, 3),
      residual: hasResidual ? numbers(count, 5) : null,
      weight: numbers(channels, 6).map((value) => 1 + value / 2),
      bias: numbers(channels, 7),
      gradient: numbers(count, 8),
    };
  };

  test.each([
    [[4, 16, 5, 5], false],
    [[4, 16, 5, 5], true],
    [[3, 24, 31, 31], false],
    [[2, 8, 1, 3], true],
    [[9, 264, 3, 2], true],
    [[2, 10, 4, 4], true],
    [[11, 16, 33, 31], true], // three parts of the sums, the last not whole
  ] as const)('of %j, residual: %j', (shape, hasResidual) => {
    expectClose(request(shape, hasResidual), BF16_BOUND);
  });

  test('is the same with one thread', () => {
    const large = request([11, 16, 33, 31], true);
    expect(run(large, 'own', 'bf16', 2)).toEqual(run(large, 'own', 'bf16', 1));
  });

  test('shows what is not a number, in the gradient too', () => {
    const broken = request([2, 16, 4, 4], false);
    broken.x[5] = Number.NaN;
    const { result, xGradient, weightGradient } = run(broken, 'own', 'bf16');
    for (const values of [result, xGradient, weightGradient]) expect(values?.some(Number.isNaN)).toBe(true);
  });

  test('keeps the digits of a variance far from zero', () => {
    const far = request([8, 16, 8, 8], false);
    far.x.forEach((value, index) => {
      far.x[index] = 128 + Math.round(value); // whole numbers are what bfloat16 has there
    });
    expectClose(far, BF16_BOUND);
  });
});

describe.each([
  ['fp32', 1e-6],
  ['bf16', BF16_BOUND],
] as const)('a convolution folded with its norm, in %s', (precision, bound) => {
  const request = (
    [images, channels, height, width]: readonly [number, number, number, number],
    out: number,
    options: { pools?: boolean; hasResidual?: boolean; activation?: 'none' | 'relu' | 'gelu' },
  ): Request => ({
    operation: options.pools ? 'conv_norm_max_pool' : 'conv_norm',
    shape: [images, channels, height, width],
    out,
    x: numbers(images * channels * height * width, 1),
    weight: numbers(out * channels * 9, 2, 1 / 3), // sums of quarters would be exact in float32
    // weights, biases, means, variances
    norm: numbers(4 * out, 3).map((value, index) => (index < out || index >= 3 * out ? 1.5 + value : value)),
    residual: options.hasResidual ? numbers(images * out * height * width, 4) : null,
    activation: options.activation ?? 'relu',
  });

  test.each([
    [[3, 24, 31, 31], 64, { pools: true, activation: 'gelu' }],
    [[1, 64, 15, 15], 256, { pools: true, activation: 'gelu' }], // threads share the channels
    [[1, 256, 7, 7], 256, { activation: 'gelu' }],
    [[2, 256, 3, 3], 112, { activation: 'none' }],
    [[40, 16, 13, 13], 16, { hasResidual: true }],
    [[5, 8, 2, 7], 80, { hasResidual: true, activation: 'gelu' }],
    [[7, 40, 5, 4], 48, { pools: true, activation: 'none' }],
    [[2, 512, 4, 4], 512, { hasResidual: true }],
  ] as const)('%j to %d channels, %j', (shape, out, options) => {
    expectClose(request(shape, out, options), bound, precision);
  });

  test('of channels that the kernels do not take', () => {
    expectClose(request([2, 3, 9, 9], 10, { hasResidual: true }), bound, precision);
  });

  test('is another operator than LibTorch’s where there is one', () => {
    const each = request([4, 16, 8, 8], 16, { hasResidual: true });
    const [own, libtorch] = [run(each, 'own', precision).result, run(each, 'libtorch', precision).result];
    const isOther = own.some((value, index) => value !== libtorch[index]);
    expect(isOther).toBe(loadNative().runtimeInfo().canRunOwnKernels);
  });

  test('is the same whether threads share tiles or channels', () => {
    for (const images of [1, 64]) {
      const each = request([images, 16, 7, 7], 128, { activation: 'gelu' });
      expect(run(each, 'own', precision, 2).result).toEqual(run(each, 'own', precision, 1).result);
    }
  });

  test('shows what is not a number', () => {
    const broken = request([1, 16, 8, 8], 16, {});
    broken.x[5] = Number.NaN;
    expect(run(broken, 'own', precision).result.some(Number.isNaN)).toBe(true);
  });
});
