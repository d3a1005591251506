// @ts-check
// Owns the plain words for everything that can keep a picture from its answer, and the checks before it is sent.
// Must not touch the page.
import { GoneError, RefusedError } from './api.js';
import { CameraError } from './camera.js';

/**
 * `canRetry`: whether the same picture may be answered the next time.
 *
 * @typedef {{ title: string, text: string, canRetry: boolean }} Problem
 */

const MEBIBYTE = 1024 * 1024;

/** A file that is not worth sending; the message is for the person. */
class UnsentError extends Error {}

/**
 * The bytes of a picture. Rejects where there are none, or more than the server takes.
 *
 * @param {Blob} blob
 * @param {number} limitBytes
 */
export async function readChecked(blob, limitBytes) {
  if (blob.size > limitBytes) {
    const limit = Number((limitBytes / MEBIBYTE).toFixed(1));
    throw new UnsentError(`The file is larger than the ${limit} MiB that the server takes. Save it smaller.`);
  }
  try {
    return await blob.arrayBuffer();
  } catch {
    throw new UnsentError('The browser cannot read the file: it may be a folder, or has been moved since.');
  }
}

/**
 * @param {unknown} error
 * @returns {Problem}
 */
export function describe(error) {
  if (error instanceof UnsentError) return { title: 'Not sent.', text: error.message, canRetry: false };
  if (error instanceof CameraError) return { title: error.message, text: error.nextStep, canRetry: false };
  if (error instanceof GoneError)
    return {
      title: 'The connection broke each time.',
      text: 'The picture did not get through.',
      canRetry: true,
    };
  if (error instanceof RefusedError)
    return {
      title: titleOf(error.status),
      text: inSentences(error),
      canRetry: error.status >= 500 || error.status === 429,
    };
  const text = error instanceof Error ? asSentence(error.message) : '';
  return { title: 'This page has made a mistake.', text, canRetry: true };
}

/** @param {number} status */
function titleOf(status) {
  if (status === 413) return 'The picture is too large.';
  if (status === 429) return 'Too many pictures in a short time.';
  if (status === 503) return 'The server is too busy.';
  if (status === 504) return 'The server took too long.';
  if (status >= 500) return 'The server has made a mistake.';
  return 'This picture cannot be read.';
}

/** @param {RefusedError} error */
function inSentences({ message, reason: { expected, found, nextStep } }) {
  const comparison = [expected && `expected ${expected}`, found && `found ${found}`]
    .filter(Boolean)
    .join(', ');
  const sentences = [comparison, nextStep ?? ''].filter(Boolean);
  return (sentences.length > 0 ? sentences : [message]).map(asSentence).join(' ');
}

/** @param {string} text */
function asSentence(text) {
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
