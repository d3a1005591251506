// Owns sending one HTTP request: the proxy environment, redirects, deadlines.
import type { Dispatcher } from 'undici';

const CONNECT_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 30_000;
const ANSWER_TIMEOUT_MS = CONNECT_TIMEOUT_MS + IDLE_TIMEOUT_MS;
const MAX_REDIRECTS = 5;

export type Response = Dispatcher.ResponseData;

/** Sends the request and gives the answer to `work`; the connection is closed after it. */
export async function withAnswer<T>(
  url: string,
  headers: Record<string, string>,
  signal: AbortSignal | undefined,
  work: (response: Response) => Promise<T>,
): Promise<T> {
  // Loaded when needed: most commands download nothing.
  const { EnvHttpProxyAgent } = await import('undici');
  const agent = new EnvHttpProxyAgent({
    connectTimeout: CONNECT_TIMEOUT_MS,
    headersTimeout: IDLE_TIMEOUT_MS,
    bodyTimeout: IDLE_TIMEOUT_MS,
    proxyTunnel: false, // for http: addresses only; https: is always tunnelled
  });
  try {
    return await work(await ask(url, agent, headers, signal));
  } finally {
    await agent.destroy();
  }
}

/** Whether anyone on the way may have written the answer although the address asks for TLS. */
export function hasLeftTls(url: string, { context }: Response): boolean {
  const { history = [] } = (context ?? {}) as { history?: URL[] };
  return new URL(url).protocol === 'https:' && history.some(({ protocol }) => protocol !== 'https:');
}

/** Waits for the head of the answer, not longer than the deadline. */
async function ask(
  url: string,
  agent: Dispatcher,
  headers: Record<string, string>,
  signal: AbortSignal | undefined,
): Promise<Response> {
  const { interceptors, request } = await import('undici');
  const deadline = new AbortController();
  const reason = new Error(`no answer within ${ANSWER_TIMEOUT_MS / 1000} s`);
  const timer = setTimeout(() => deadline.abort(reason), ANSWER_TIMEOUT_MS);
  const either = signal ? AbortSignal.any([signal, deadline.signal]) : deadline.signal;
  const dispatcher = agent.compose(interceptors.redirect({ maxRedirections: MAX_REDIRECTS }));
  try {
    // undici heeds a signal only once it is connected, and connects for ever to a proxy that hangs up on it.
    return await Promise.race([
      request(url, { dispatcher, headers: { 'accept-encoding': 'identity', ...headers }, signal: either }),
      rejectOnAbort(either),
    ]);
  } finally {
    clearTimeout(timer);
  }
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
