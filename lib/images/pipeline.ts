// Owns what an instance of sharp makes, as an image to classify: its own steps first, then those of every other image.
// The instance may be of another copy of sharp than ours. Must not change the instance.
import { isDeepStrictEqual } from 'node:util';
import type { Metadata, Sharp } from 'sharp';
import { decoderBytes, shrinksWhileDecoding, withDecoderBytes } from './memory.js';
import { forgetResults, loadSharp, toPixels, toRgb } from './render.js';

/** Of any copy of sharp, and of none else that this package is given. */
export function isPipeline(input: object): input is Sharp {
  return ['clone', 'metadata', 'toBuffer', 'autoOrient'].every(
    (name) => typeof (input as Record<string, unknown>)[name] === 'function',
  );
}

/**
 * uint8 [size, size, 3], RGB, interleaved, of what the instance's steps make of its input, of at most `maxPixels`.
 * Errors: those of sharp; an `Error` for a larger input.
 */
export async function renderPipeline(given: Sharp, size: number, maxPixels: number): Promise<Uint8Array> {
  const image = given.clone();
  const header = await image.metadata();
  const pixels = header.width * header.height;
  if (pixels > maxPixels)
    throw new Error(`Input image of ${header.width}x${header.height} pixels exceeds pixel limit`);
  const neededBytes = decoderBytes(header, presumed(header)) + 3 * pixels;
  const sharp = await loadSharp();
  const render = async () => {
    if (!hasSteps(image)) return toPixels(image, size, shrinksWhileDecoding(header));
    const { data, info } = await toRgb(image).raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    return toPixels(sharp(data, { raw: { width, height, channels } }), size);
  };
  return withDecoderBytes(neededBytes, render).finally(() => forgetResults(sharp, neededBytes));
}

/** What the bytes of a file would tell of the memory that decoding takes: at most so much. */
function presumed({ format, width, height, channels, isProgressive, pages = 1, exif, icc }: Metadata) {
  const isInScans = format === 'jpeg' && isProgressive === true;
  return {
    coefficientBytes: isInScans ? 2 * channels * width * height : 0,
    metadataBytes: (exif?.length ?? 0) + (icc?.length ?? 0),
    isLossless: true,
    isAnimated: pages > 1,
  };
}

/**
 * Whether the instance does more than to read and to orient its input. Steps of ours that follow none can be taken together
 * with reading, as those of a file are; sharp keeps one step of each kind, so that they cannot be added to others.
 */
function hasSteps(image: Sharp): boolean {
  const create = image.constructor as () => Sharp; // not called on the instance, which it would begin anew
  const fresh = create();
  return !isDeepStrictEqual(stepsOf(image), stepsOf(fresh));
}

function stepsOf(image: Sharp): unknown {
  const { input, debuglog, queueListener, ...steps } = (
    image as unknown as { options: Record<string, unknown> }
  ).options;
  return steps;
}
