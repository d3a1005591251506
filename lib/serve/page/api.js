// @ts-check
// Owns talking to the server: addresses, the token, and what each answer or failure means.
// Must not touch the page, nor try anything twice: recovery.js does.

/** @typedef {{ label: string, probability: number }} Score */
/**
 * What the net says of one picture.
 *
 * @typedef {object} Answer
 * @property {Score[]} scores all classes, the highest first
 * @property {Uint8Array} pixels what the net was given, uint8 [32,32,3], RGB interleaved
 * @property {number} durationMs measured by the server
 * @property {number} roundTripMs from sending to having the answer, measured here
 * @property {string} modelVersion
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

/** @typedef {{ code: string, message: string, expected?: string, found?: string, nextStep?: string }} Reason */

/** The server answered, and refused. */
export class RefusedError extends Error {
  /**
   * @param {number} status
   * @param {Reason} reason
   * @param {number} retryAfterMs
   */
  constructor(status, reason, retryAfterMs) {
    super(reason.message);
    this.status = status;
    this.code = reason.code;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Nothing that could be this server answered. */
export class GoneError extends Error {}

const TOKEN_KEY = 'cifar10-token';
const READY_TIMEOUT_MS = 4000;
const DEFAULT_RETRY_MS = 1000;

/** @type {string | null} */
let token = readToken();

/** A browser that blocks storage throws here: the token then lasts until the page is loaded again. */
function readToken() {
  try {
    return sessionStorage.getItem(TOKEN_KEY);
  } catch {
    return null;
  }
}

/**
 * From now on, and until the tab is closed, every request carries this token.
 *
 * @param {string} newToken
 */
export function keepToken(newToken) {
  token = newToken;
  try {
    sessionStorage.setItem(TOKEN_KEY, newToken);
  } catch {
    // See `readToken`.
  }
}

/** The token that requests carry; null before one was given. */
export function keptToken() {
  return token;
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
  const { durationMs, model } = body;
  return { scores: topK, pixels: fromBase64(pixels), durationMs, roundTripMs, modelVersion: model.version };
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
  throw new RefusedError(response.status, body.error, retryAfterMs(response));
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
