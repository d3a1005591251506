// Owns the command `serve`: options to the library's server, signals to its reload and its end.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { AbortError, Cifar10Error, errorMessage } from '../../lib/errors.js';
import { defineCommand } from '../command.js';
import { CHECKPOINT_OPTION, integerInRange, MODEL_OPTIONS } from '../options.js';

/** Of the environment, which other users cannot see, as they see a command line. */
const TOKEN_VARIABLE = 'CIFAR10_TORCH_TOKEN';

/** An option that is an integer in a range. */
function integer(name: string, [min, max]: readonly [number, number], group: string, describe: string) {
  const coerce = (value: number) => integerInRange(`--${name}`, value, min, max);
  return { type: 'number', requiresArg: true, coerce, describe, group } as const;
}

const { device, dtype, threads, kernels } = MODEL_OPTIONS;

export const serveCommand = defineCommand({
  command: 'serve',
  describe: 'Classify images over HTTP, with a page to try it',
  options: {
    ...CHECKPOINT_OPTION,
    host: {
      type: 'string',
      requiresArg: true,
      describe: 'Address to listen at; default: 127.0.0.1, for this machine alone',
      group: 'Server:',
    },
    port: integer('port', [0, 65_535], 'Server:', 'Port to listen at; 0: any; default: 8080'),
    'token-file': {
      type: 'string',
      requiresArg: true,
      describe: `File with the bearer token that clients must send; also the variable ${TOKEN_VARIABLE}`,
      group: 'Server:',
    },
    'rate-limit': integer(
      'rate-limit',
      [1, 1_000_000],
      'Server:',
      'Requests a second from one address; default: any',
    ),
    'trust-proxy': {
      type: 'boolean',
      describe: 'Take the address of a client from X-Forwarded-For',
      group: 'Server:',
    },
    'deadline-ms': integer(
      'deadline-ms',
      [1, 600_000],
      'Server:',
      'For a request, in milliseconds; default: 10000',
    ),
    'drain-delay-ms': integer(
      'drain-delay-ms',
      [0, 600_000],
      'Server:',
      'From SIGTERM to taking no more, in milliseconds; default: 1000',
    ),
    'max-images': integer('max-images', [1, 10_000], 'Server:', 'Images of one request; default: 32'),
    watch: {
      type: 'boolean',
      describe: 'Load a new checkpoint that comes in the place of the file; default: true',
      group: 'Server:',
    },
    'log-level': {
      choices: ['silent', 'error', 'warn', 'info', 'debug'],
      requiresArg: true,
      describe: 'Of the log on stdout, a JSON object a line; default: info, on a terminal warn',
      group: 'Output:',
    },
    'max-batch': integer(
      'max-batch',
      [1, 10_000],
      'Model:',
      'Images that run together, at most; default: 64',
    ),
    'max-delay-ms': integer(
      'max-delay-ms',
      [0, 10_000],
      'Model:',
      'For an image to wait for others; default: 0',
    ),
    'max-queue': integer(
      'max-queue',
      [1, 1_000_000],
      'Model:',
      'Images that wait; more are refused; default: 128',
    ),
    'max-wait-ms': integer(
      'max-wait-ms',
      [1, 600_000],
      'Model:',
      'For an image to wait for the model, or it is refused; default: 1000',
    ),
    device,
    dtype,
    threads,
    kernels,
  },
  examples: [
    ['$0 serve --checkpoint run/best.safetensors', 'The page at http://127.0.0.1:8080'],
    ['$0 serve --checkpoint run/best.safetensors --port 3000', 'Elsewhere'],
    ['$0 serve --checkpoint a.safetensors --host 0.0.0.0 --token-file token', 'For others'],
  ],
  epilogue:
    'One image: curl --data-binary @photo.jpg 127.0.0.1:8080/v1/classify\n\n' +
    'SIGHUP, or another file in the checkpoint’s place, loads it without a pause.\n' +
    'SIGTERM and Ctrl-C answer what has come, then end with exit code 0.\n' +
    'The API is described at /docs.',
  stopSignals: ['SIGINT', 'SIGTERM'],
  run: async ({ checkpoint, tokenFile, ...args }, { message, signal }) => {
    const { serve } = await import('../../lib/index.js');
    const token = await readToken(tokenFile);
    const { logLevel = process.stdout.isTTY ? 'warn' : 'info', ...options } = args;
    const starting = serve({ checkpoint, ...options, token, logLevel, signal });
    // While it loads, too: the signal would end the process.
    const reload = () =>
      void starting.then((server) => server.reload()).catch((error) => message(errorMessage(error)));
    process.on('SIGHUP', reload);
    try {
      const server = await starting;
      message(`serving ${checkpoint} at ${server.url}`);
      if (token === undefined && !isLoopback(server.url))
        message('anyone who reaches this address may use it');
      if (!signal.aborted) await once(signal, 'abort');
      await server.close();
    } catch (error) {
      if (!(error instanceof AbortError)) throw error; // stopped while it loaded: nothing has been lost
    } finally {
      process.off('SIGHUP', reload);
    }
  },
});

/** Errors: `USAGE` for a file that cannot be read. */
async function readToken(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return process.env[TOKEN_VARIABLE];
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new Cifar10Error('USAGE', {
      what: `--token-file "${file}" cannot be read`,
      expected: 'a file with the token',
      found: errorMessage(error),
      nextStep: `check the path, or give the token as ${TOKEN_VARIABLE}`,
      cause: error,
    });
  }
}

function isLoopback(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname.startsWith('127.') || hostname === '[::1]';
}
