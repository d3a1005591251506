// Owns the images of a `multipart/form-data` body: its files, of whatever field.
import type { MultipartFile } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import { untilAborted } from '../abort-signal.js';
import { errorMessage, systemCode } from '../errors.js';
import { plainBody, readBody } from './body.js';
import type { Ticket } from './door.js';
import { IMAGE_BYTES } from './options.js';
import { invalidRequest, Refusal } from './refusal.js';

/** An image as it came. */
export interface SentImage {
  /** What the client calls it. */
  readonly file: string | null;
  readonly bytes: Uint8Array;
}

const MAX_FIELDS = 16;

/** The files of the form, in their order. Errors: `Refusal`. */
export function readForm(request: FastifyRequest, maxImages: number, ticket: Ticket): Promise<SentImage[]> {
  return untilAborted(readFiles(request, maxImages, ticket), ticket.signal);
}

async function readFiles(request: FastifyRequest, maxImages: number, ticket: Ticket): Promise<SentImage[]> {
  const limits = { files: maxImages, fields: MAX_FIELDS, parts: maxImages + MAX_FIELDS, fieldSize: 1024 };
  const images: SentImage[] = [];
  try {
    // The size of a file is bounded where it is read, which also counts it.
    for await (const part of request.files({ limits: { ...limits, fileSize: Number.POSITIVE_INFINITY } }))
      images.push(await readFile(part, ticket));
  } catch (error) {
    throw asRefusal(error, maxImages);
  }
  if (images.length === 0)
    throw invalidRequest('the form holds no image', 'a part with a file name for each image', 'none');
  return images;
}

async function readFile({ file, filename }: MultipartFile, { share, signal }: Ticket): Promise<SentImage> {
  const name: string | null = filename || null; // the type promises a name to files that have none
  const body = plainBody(file, `image "${name ?? ''}"`);
  return { file: name, bytes: await readBody(body, IMAGE_BYTES, share, signal) };
}

function asRefusal(error: unknown, maxImages: number): Refusal {
  if (error instanceof Refusal) return error;
  if (!/^FST_(FILES|PARTS|FIELDS)_LIMIT$/.test(systemCode(error) ?? ''))
    return invalidRequest('the form cannot be read', 'multipart/form-data, whole', errorMessage(error));
  return new Refusal(413, 'BODY_TOO_LARGE', {
    what: 'the form has too many parts',
    expected: `at most ${maxImages} images and ${MAX_FIELDS} other fields`,
    nextStep: 'send the images in several requests',
  });
}
