// @ts-check
// Owns talking to the server: addresses, the token, and what each answer or failure means.
// Must not touch the page, nor try anything twice: recovery.js does.

/** @typedef {{ label: string, probability: number }} Score */
/**
 * What the net says of one picture. `scores`: all classes, the highest first. `pixels`: what the net was given, uint8 [32,32,3],
 * RGB interleaved. `durationMs`: measured by the server; `roundTripMs`: from sending to having the answer, measured here.
 *
 * @typedef {{ scores: Score[], pixels: Uint8Array, durationMs: number, roundTripMs: number }} Answer
 */
/**
 * @typedef {object} Model
 * @property {string} name
 * @property {string} version
 * @property {string[]} classNames
 * @property {string} net
 * @property {number} parameterCount
 * @property {string} device
 * @property {string} dtype
 * @property {{ imageBytes: number, images: number }} limits
 */

/** The server answered, and refused; its message is one sentence that says what it expected and what to do. */
export class RefusedError extends Error {
  /**
   * @param {number} status
   * @param {string} code
   * @param {string} message
   * @param {number} retryAfterMs
   */
  constructor(status, code, message, retryAfterMs) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Nothing that could be this server answered. */
export class GoneError extends Error {}

const TOKEN_KEY = 'cifar10-token';
const READY_TIMEOUT_MS = 4000;
const DEFAULT_RETRY_MS = 1000;

/**
 * From now on, and until the tab is closed, every request carries this token.
 *
 * @param {string} token
 */
export function keepToken(token) {
  sessionStorage.setItem(TOKEN_KEY, token);
}

/** The token that requests carry; null before one was given. */
export function keptToken() {
  return sessionStorage.getItem(TOKEN_KEY);
}

/**
 * Classifies the bytes of one JPEG, PNG or WebP. Rejects with `RefusedError`, `GoneError`, or what `signal` was aborted with.
 *
 * @param {ArrayBuffer | Blob} image
 * @param {AbortSignal} [signal]
 * @returns {Promise<Answer>}
 */
export async function classify(image, signal) {
  const sentAt = performance.now();
  const body = await request('v1/classify?topK=10&pixels=true', {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: image,
    ...(signal && { signal }),
  });
  const roundTripMs = performance.now() - sentAt;
  const [{ topK, pixels }] = body.predictions;
  return { scores: topK, pixels: fromBase64(pixels), durationMs: body.durationMs, roundTripMs };
}

/** @returns {Promise<Model>} */
export function fetchModel() {
  return request('v1/model', {});
}

/**
 * Whether the server is up and takes work; never rejects.
 *
 * @returns {Promise<'ready' | 'loading' | 'gone'>}
 */
export async function fetchReadiness() {
  try {
    const signal = AbortSignal.timeout(READY_TIMEOUT_MS);
    const { ok, status } = await fetch('v2/health/ready', { signal, cache: 'no-store' });
    if (ok) return 'ready';
    return status === 503 ? 'loading' : 'gone';
  } catch {
    return 'gone';
  }
}

/**
 * @param {string} path
 * @param {RequestInit} init
 */
async function request(path, init) {
  const token = keptToken();
  const headers = { ...init.headers, ...(token !== null && { authorization: `Bearer ${token}` }) };
  let response;
  let text;
  try {
    response = await fetch(path, { ...init, headers, cache: 'no-store' });
    text = await response.text();
  } catch (error) {
    init.signal?.throwIfAborted();
    throw new GoneError('the server does not answer', { cause: error });
  }
  const body = parse(text);
  if (response.ok && body !== null) return body;
  if (body?.error === undefined) throw new GoneError(`answered ${response.status}, not as this server does`);
  const { code, message } = body.error;
  throw new RefusedError(response.status, code, message, retryAfterMs(response));
}

/**
 * @param {string} text
 * @returns {any} null where a proxy in between has answered with something else
 */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** @param {Response} response */
function retryAfterMs(response) {
  const seconds = Number.parseFloat(response.headers.get('retry-after') ?? '');
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : DEFAULT_RETRY_MS;
}

/** @param {string} text */
function fromBase64(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
