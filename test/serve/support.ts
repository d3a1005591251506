// Owns what the tests of the server share: servers on loopback with a small net, images, requests down to the bytes on the wire,
// and reading the figures. Must not hold expectations.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { type ClassifierServer, type ServeOptions, serve } from '../../lib/index.js';
import { pngPicture, rawPicture, trainSample } from '../support.js';

/** A folder with a checkpoint for all tests of a file; its path is there when they run. */
export function sharedCheckpoint(overrides: readonly string[] = []): () => string {
  const folder = mkdtempSync(join(tmpdir(), 'cifar10-torch-serve-'));
  let checkpoint = '';
  beforeAll(async () => {
    checkpoint = (await trainSample(folder, overrides)).checkpoint;
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return () => checkpoint;
}

const OPTIONS = { port: 0, drainDelayMs: 0, watch: false };

/** A server on a free port that is closed when the test ends. */
export async function startServer(checkpoint: string, options: Partial<ServeOptions> = {}) {
  const server = await serve({ checkpoint, ...OPTIONS, ...options });
  onTestFinished(() => server.close());
  return server;
}

/** A server for all tests of a file; it is there when they run. */
export function sharedServer(
  checkpoint: () => string,
  options: Partial<ServeOptions> = {},
): () => ClassifierServer {
  let server: ClassifierServer;
  beforeAll(async () => {
    server = await serve({ checkpoint: checkpoint(), ...OPTIONS, ...options });
  });
  afterAll(() => server.close());
  return () => server;
}

/** uint8 [32,32,3] of a picture of the sample. */
export const pixelsOf = (row: number) => rawPicture(row).data as Uint8Array<ArrayBuffer>;

export const png = (row: number) => pngPicture(row) as Promise<Buffer<ArrayBuffer>>;
export const jpeg = async (row: number) =>
  sharp(await png(row))
    .jpeg()
    .toBuffer() as Promise<Buffer<ArrayBuffer>>;

/** A form of these parts. */
export function form(
  ...files: readonly (readonly [name: string, bytes: Uint8Array<ArrayBuffer>])[]
): FormData {
  const data = new FormData();
  for (const [name, bytes] of files) data.append('image', new Blob([bytes]), name);
  return data;
}

/** A port that nobody listens at; another one than the next call gives. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** The status of an answer, its headers, and its JSON. */
export async function call(server: ClassifierServer, path: string, init: RequestInit = {}) {
  const answer = await fetch(server.url + path, init);
  const text = await answer.text();
  const isJson = text !== '' && /json/.test(answer.headers.get('content-type') ?? '');
  const json = isJson ? JSON.parse(text) : undefined;
  return { status: answer.status, headers: answer.headers, text, json };
}

export const classify = (
  server: ClassifierServer,
  body: RequestInit['body'] | undefined,
  query = '',
  init: RequestInit = {},
) => call(server, `/v1/classify${query}`, { method: 'POST', ...(body !== undefined && { body }), ...init });

/** A connection that is cut when the test ends. */
export async function open(server: ClassifierServer): Promise<Socket> {
  const { hostname, port } = new URL(server.url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  socket.on('error', () => {}); // a server may cut what it refuses
  onTestFinished(() => void socket.destroy());
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  return socket;
}

/** All that the server sends until it ends the connection or `isEnough` is content. */
export function answerOn(socket: Socket, isEnough: (text: string) => boolean = () => false): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const look = (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (isEnough(text)) resolve(text);
    };
    socket
      .on('data', look)
      .once('close', () => resolve(text))
      .once('end', () => resolve(text));
  });
}

/** Whether the head and the body that it announces have come. */
export function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  const [, length = ''] = /content-length: (\d+)/i.exec(text) ?? [];
  return end >= 0 && text.length >= end + 4 + Number(length);
}

/** The figures of the server: of each line its name with labels, and its value. */
export async function figures(
  server: ClassifierServer,
  init: RequestInit = {},
): Promise<Map<string, number>> {
  const { text } = await call(server, '/metrics', init);
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
}

/** Waits until the condition holds; throws after ten seconds. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 10_000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ten seconds: ${what}`);
    await sleep(10);
  }
}

/** Waits until nothing of any request is held any more. */
export function untilFree(server: ClassifierServer): Promise<void> {
  return until('all memory and places are free', async () => {
    const now = await figures(server);
    return now.get('cifar10_torch_queue_depth') === 0 && now.get('cifar10_torch_body_bytes') === 0;
  });
}
