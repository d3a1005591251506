// @ts-check
// Owns patience: which failures pass if one waits, how long, and what the person is told or asked meanwhile.
// Must not know what is being sent.
import { fetchReadiness, GoneError, keepToken, keptToken, RefusedError } from './api.js';
import { find, sleep } from './dom.js';

const POLL_MS = 1500;
const TRIES = 5;
const banner = find('banner', HTMLElement);
const form = find('token-form', HTMLFormElement);
const field = find('token', HTMLInputElement);

/** @type {Promise<void> | null} */
let returning = null;
/** @type {Promise<void> | null} */
let asking = null;

/**
 * Waits until what failed may be tried again, and rejects with `error` where waiting would not help.
 *
 * @param {unknown} error what the last try rejected with
 * @param {number} attempt how many have failed in a row, from 1
 * @param {(notice: { title: string, text: string }) => void} say tells the person what is waited for
 * @returns {Promise<void>}
 */
export async function outlast(error, attempt, say) {
  if (error instanceof GoneError && attempt <= TRIES) return untilReady(say);
  if (!(error instanceof RefusedError)) throw error;
  if (error.status === 401) return untilToken(say);
  if (error.code === 'NOT_READY') return untilReady(say);
  if (!isBusy(error) || attempt > TRIES) throw error;
  const seconds = Math.ceil(error.retryAfterMs / 1000);
  const reason = error.status === 429 ? 'That was too fast for the server.' : 'The server is busy.';
  say({ title: reason, text: `Trying again in ${seconds === 1 ? 'a second' : `${seconds} seconds`}.` });
  await sleep(error.retryAfterMs);
}

/**
 * Whether the server only had too much to do.
 *
 * @param {unknown} error
 */
export function isBusy(error) {
  if (!(error instanceof RefusedError)) return false;
  return error.status === 429 || (error.status === 503 && error.code !== 'NOT_READY');
}

/**
 * Tries until there is an answer; rejects as `outlast` does.
 *
 * @template T
 * @param {() => Promise<T>} send
 * @param {(notice: { title: string, text: string }) => void} say
 * @returns {Promise<T>}
 */
export async function persist(send, say) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await send();
    } catch (error) {
      await outlast(error, attempt, say);
    }
  }
}

/** @param {(notice: { title: string, text: string }) => void} say */
function untilReady(say) {
  say({ title: 'Waiting for the server.', text: 'This goes on by itself.' });
  returning ??= poll().finally(() => {
    returning = null;
  });
  return returning;
}

async function poll() {
  let readiness = await fetchReadiness();
  // It has just failed all the same, and would do so again at once.
  if (readiness === 'ready') await sleep(POLL_MS);
  while (readiness !== 'ready') {
    banner.textContent =
      readiness === 'loading'
        ? 'The server is getting ready. This page waits for it.'
        : 'The server does not answer. Trying again until it does.';
    banner.hidden = false;
    await sleep(POLL_MS);
    readiness = await fetchReadiness();
  }
  banner.hidden = true;
}

/** @param {(notice: { title: string, text: string }) => void} say */
function untilToken(say) {
  const reason =
    keptToken() === null ? 'This server asks for a token.' : 'The server does not accept this token.';
  say({ title: reason, text: 'Whoever runs the server has it.' });
  asking ??= askForToken().finally(() => {
    asking = null;
  });
  return asking;
}

/** @returns {Promise<void>} */
function askForToken() {
  form.hidden = false;
  field.value = '';
  field.focus();
  return new Promise((resolve) => {
    const take = (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      keepToken(field.value.trim());
      form.hidden = true;
      resolve();
    };
    form.addEventListener('submit', take, { once: true });
  });
}
