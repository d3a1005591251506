// The package's own kernels against LibTorch's operators on the same numbers, forward and backward. On a processor
// that has none of them, both sides are LibTorch's: the first test tells which it is.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadNative } from '../../lib/native.js';
import type { KernelAnswer, KernelRequest } from '../../lib/native-addon.js';

const CAN_RUN = loadNative().runtimeInfo().canRunOwnKernels;

test('they run where the processor can, and of themselves where they are faster', () => {
  const flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.trim().split(' ') ?? [];
  const hasAll = (...names: string[]) => names.every((name) => flags.includes(name));
  const fp32 = hasAll('avx512f', 'avx512bw', 'avx512vl', 'avx512dq');
  const canRun = fp32 && hasAll('avx512_bf16');
  expect(CAN_RUN).toEqual({ bf16: canRun, fp32 });
  const isOwn = (images: number, kernels: KernelRequest['kernels']) => {
    const request = convolution('conv3x3', [images, 16, 8, 8], 16);
    const [found, libtorch] = [run(request, kernels), run(request, 'libtorch')];
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

/** [B,C,H,W] */
type Shape = readonly [number, number, number, number];

type Request = KernelRequest extends infer Each
  ? Each extends unknown
    ? Omit<Each, 'device' | 'precision' | 'threads' | 'kernels' | 'maxWinogradTile'>
    : never
  : never;

interface Runtime {
  precision?: KernelRequest['precision'];
  threads?: number;
  /** Of the largest tiles of Winograd’s convolutions. */
  tile?: KernelRequest['maxWinogradTile'];
}

function run(
  request: Request,
  kernels: KernelRequest['kernels'],
  { precision = 'bf16', threads, tile = 4 }: Runtime = {},
): KernelAnswer {
  const runtime = { device: 'cpu', precision, threads: threads ?? 2, kernels, maxWinogradTile: tile };
  return loadNative().runKernel({ ...request, ...runtime } as KernelRequest);
}

/** Each array of the answer within the bound of what LibTorch computes in float32 from the same numbers. */
function expectClose(request: Request, bound: number, runtime: Runtime = {}): void {
  const found = run(request, 'own', runtime);
  const expected = run(request, 'libtorch', { precision: 'fp32' });
  for (const key of Object.keys(expected) as (keyof KernelAnswer)[])
    expect(relativeError(found[key] as Float32Array, expected[key] as Float32Array), key).toBeLessThan(bound);
}

function convolution(
  operation: 'conv3x3' | 'conv3x3_stride2' | 'conv3x3_max_pool',
  [images, channels, height, width]: Shape,
  out: number,
  tile: 2 | 4 = 2,
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
  if (isPooled) silenceCloseRaces(request, tile);
  return request;
}

/** Takes the gradient from squares of which rounding decides who wins: there the two sides may differ altogether. */
function silenceCloseRaces(request: ReturnType<typeof convolution>, tile: 2 | 4): void {
  const closeness = { 2: 1 / 20, 4: 1 / 10 }[tile]; // of a result's size
  const [images = 0, , height = 0, width = 0] = request.shape;
  const plain = {
    ...request,
    operation: 'conv3x3',
    gradient: new Float32Array(images * request.out * height * width),
  };
  const { result } = run(plain as Request, 'libtorch', { precision: 'fp32' });
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
    if ((square[0] as number) - (square[1] as number) < size * closeness) request.gradient[index] = 0;
  });
}

// Rounded to eight bits: the input of the products by Winograd's transform, weights, the result.
const BF16_BOUND = 1e-2;
// Tiles of 4x4 round more, by F(4x4,3x3): 0.9 to 1.1 % in the products, and the result once more.
const BOUNDS = { 2: BF16_BOUND, 4: 1.5e-2 } as const;

const SHAPES: Record<2 | 4, [Shape, number][]> = {
  2: [
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
  ],
  4: [
    [[8, 16, 8, 8], 16],
    [[3, 24, 31, 31], 64],
    [[5, 64, 15, 15], 80],
    [[20, 40, 7, 5], 48], // a square of results in half a tile
    [[33, 128, 5, 4], 112],
    [[16, 512, 4, 4], 256],
    [[40, 16, 13, 13], 16], // many blocks of tiles a thread, several chunks of pairs
    [[50, 24, 15, 15], 80], // threads share the pairs, of several panels
    [[24, 24, 15, 15], 96], // threads share the output channels, in several chunks
  ],
};

/** Whether each array of the answer is another one than by tiles of 2x2. */
function takesLargeTiles(request: Request): Record<string, boolean> {
  const [small, large] = ([2, 4] as const).map((tile) => run(request, 'own', { tile }));
  const isOther = (key: 'result' | 'xGradient' | 'weightGradient') =>
    large?.[key]?.some((value, index) => value !== small?.[key]?.[index]) ?? false;
  return {
    result: isOther('result'),
    xGradient: isOther('xGradient'),
    weightGradient: isOther('weightGradient'),
  };
}
const everywhere = (value: boolean) => ({ result: value, xGradient: value, weightGradient: value });

describe.each([
  ['conv3x3', 2],
  ['conv3x3', 4],
  ['conv3x3_stride2', 2],
  ['conv3x3_max_pool', 2],
  ['conv3x3_max_pool', 4],
] as const)('%s, by tiles of up to %d', (operation, tile) => {
  const bound = BOUNDS[tile];

  test.each(SHAPES[tile])('of %j with %d outputs', (shape, out) => {
    const request = convolution(operation, shape, out, tile);
    expectClose(request, bound, { threads: 2, tile });
    if (tile === 4) expect(takesLargeTiles(request)).toEqual(everywhere(CAN_RUN.bf16));
  });

  test.each([1, 2, 3, 8])('with %d threads', (threads) => {
    expectClose(convolution(operation, [8, 40, 12, 9], 176, tile), bound, { threads, tile });
  });

  test('of channels that the kernels do not take', () => {
    expectClose(convolution(operation, [2, 3, 9, 9], 10, tile), bound, { tile });
  });

  test('is no other with one thread, but for the order of sums', () => {
    const request = convolution(operation, [6, 32, 13, 13], 48);
    const [one, two] = [1, 2].map((threads) => run(request, 'own', { threads, tile })) as [
      KernelAnswer,
      KernelAnswer,
    ];
    expect(two.result).toEqual(one.result);
    expect(two.xGradient).toEqual(one.xGradient);
    expect(
      relativeError(two.weightGradient as Float32Array, one.weightGradient as Float32Array),
    ).toBeLessThan(1e-6);
  });

  test('shows what is not a number', () => {
    const request = convolution(operation, [8, 16, 8, 8], 16);
    request.x[5] = Number.NaN;
    const { result, weightGradient } = run(request, 'own', { tile });
    expect(result.some(Number.isNaN)).toBe(true);
    expect(weightGradient?.some(Number.isNaN)).toBe(true);
  });
});

test.each(['conv3x3', 'conv3x3_max_pool'] as const)(
  '%s takes small tiles where large ones cost more',
  (operation) => {
    const request = convolution(operation, [1, 16, 4, 4], 16); // 20 more weights to read outweigh 28 products
    expect(takesLargeTiles(request)).toEqual(everywhere(false));
  },
);

test('conv3x3 by tiles that reach over two edges', () => {
  const request = convolution('conv3x3', [16, 8, 3, 3], 32, 4);
  expectClose(request, BOUNDS[4]);
  expect(takesLargeTiles(request)).toEqual(everywhere(CAN_RUN.bf16));
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
      run(request, 'own'),
      run(request, 'libtorch'),
      run(request, 'libtorch', { precision: 'fp32' }),
    ];
    expect(own.result).toEqual(libtorch.result);
    expect(own.xGradient).toEqual(libtorch.xGradient);
    const isOwn = CAN_RUN.bf16 && Math.min(shape[2], shape[3]) > 1;
    const error = relativeError(own.weightGradient as Float32Array, exact.weightGradient as Float32Array);
    expect(error).toBeLessThan(isOwn ? 1e-6 : BF16_BOUND);
  });
});

describe('conv3x3_with_shortcut', () => {
  const withShortcut = (shape: Shape, out: number) => ({
    ...convolution('conv3x3', shape, out),
    operation: 'conv3x3_with_shortcut' as const,
    shortcutGradient: numbers(
      shape.reduce((product, size) => product * size, 1),
      4,
    ),
  });

  test.each([
    [[2, 16, 8, 8], 16, 2],
    [[3, 24, 7, 5], 48, 2],
    [[9, 24, 7, 5], 48, 4],
    [[2, 3, 9, 9], 10, 4],
  ] as const)('sums both gradients of %j with %d outputs, by tiles of up to %d', (shape, out, tile) => {
    const request = withShortcut(shape, out);
    expectClose(request, BOUNDS[tile], { tile });
    const [both, alone] = [request, { ...request, shortcutGradient: new Float32Array(request.x.length) }].map(
      (each) => run(each, 'own', { tile }).xGradient as Float32Array,
    );
    const difference = (both as Float32Array).map((value, index) => value - (alone?.[index] as number));
    expect(relativeError(difference, request.shortcutGradient)).toBeLessThan(5 * BF16_BOUND);
  });
});

test.each([
  [6, 2],
  [8, 4],
] as const)(
  'a pooled convolution of side %d has the gradient of a plain one at the pixels that won, by tiles of %d',
  (side, tile) => {
    const request = convolution('conv3x3_max_pool', [6, 16, side, side], 16);
    const plain = {
      ...request,
      operation: 'conv3x3',
      gradient: new Float32Array(6 * 16 * side ** 2),
    } as const;
    const { result } = run(plain, 'own', { tile });
    const pooled = run(request, 'own', { tile });
    pooled.result.forEach((value, index) => {
      const squares = side / 2; // in a row
      const row = Math.floor(index / squares); // of squares, over all planes
      const corner = 2 * row * side + 2 * (index % squares);
      const square = [0, 1, side, side + 1].map((step) => corner + step);
      const winner = square.reduce((best, at) =>
        (result[at] as number) > (result[best] as number) ? at : best,
      );
      expect(value).toBe(result[winner]);
      plain.gradient[winner] = request.gradient[index] as number;
    });
    const expected = run(plain, 'own', { tile });
    expect(pooled.xGradient).toEqual(expected.xGradient);
    expect(
      relativeError(pooled.weightGradient as Float32Array, expected.weightGradient as Float32Array),
    ).toBeLessThan(1e-6);
  },
);

describe.each(['none', 'relu', 'gelu'] as const)('batch norm with activation %s', (activation) => {
  const request = (shape: Shape, hasResidual: boolean): Request => {
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
    expect(run(large, 'own', { threads: 2 })).toEqual(run(large, 'own', { threads: 1 }));
  });

  test('shows what is not a number, in the gradient too', () => {
    const broken = request([2, 16, 4, 4], false);
    broken.x[5] = Number.NaN;
    const { result, xGradient, weightGradient } = run(broken, 'own');
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
  ['fp32', 2, 1e-6],
  ['fp32', 4, 3e-6], // of 384 channels; of 64 it is 1e-6 here too
  ['bf16', 2, BOUNDS[2]],
  ['bf16', 4, BOUNDS[4]],
] as const)('a convolution folded with its norm, in %s by tiles of up to %d', (precision, tile, bound) => {
  const request = (
    [images, channels, height, width]: Shape,
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
    [[2, 64, 15, 15], 256, { pools: true, activation: 'gelu' }], // the same by tiles of 4x4
    [[1, 256, 7, 7], 256, { activation: 'gelu' }],
    [[8, 256, 7, 7], 256, { activation: 'gelu' }],
    [[2, 256, 3, 3], 112, { activation: 'none' }],
    [[40, 16, 13, 13], 16, { hasResidual: true }],
    [[25, 8, 2, 7], 80, { hasResidual: true, activation: 'gelu' }],
    [[25, 40, 5, 4], 48, { pools: true, activation: 'none' }],
    [[16, 384, 4, 4], 512, { hasResidual: true }],
  ] as const)('%j to %d channels, %j', (shape, out, options) => {
    expectClose(request(shape, out, options), bound, { precision, tile });
  });

  test('of channels that the kernels do not take', () => {
    expectClose(request([2, 3, 9, 9], 10, { hasResidual: true }), bound, { precision, tile });
  });

  test('is another operator than LibTorch’s where there is one', () => {
    const each = request([4, 16, 8, 8], 16, { hasResidual: true });
    const [own, libtorch] = (['own', 'libtorch'] as const).map(
      (kernels) => run(each, kernels, { precision, tile }).result,
    ) as [Float32Array, Float32Array];
    const isOther = own.some((value, index) => value !== libtorch[index]);
    expect(isOther).toBe(CAN_RUN[precision]);
  });

  test('is the same whether threads share tiles or channels', () => {
    for (const images of [1, 6, 64]) {
      const each = request([images, 16, 7, 7], 128, { activation: 'gelu' });
      const [one, two] = [1, 2].map((threads) => run(each, 'own', { precision, threads, tile }).result);
      expect(two).toEqual(one);
    }
  });

  test('shows what is not a number', () => {
    const broken = request([8, 16, 8, 8], 16, {});
    broken.x[5] = Number.NaN;
    expect(run(broken, 'own', { precision, tile }).result.some(Number.isNaN)).toBe(true);
  });
});
