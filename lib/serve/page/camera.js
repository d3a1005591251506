// @ts-check
// Owns the camera: opening it, cutting squares out of its frames, and asking about one frame after the other for as long as it runs.
// Must not draw answers.
import { contextOf, encode, make } from './dom.js';

/** @typedef {import('./api.js').Answer} Answer */
/**
 * @typedef {object} CameraEvents
 * @property {(frame: Blob, signal: AbortSignal) => Promise<Answer>} classify
 * @property {(error: unknown, attempt: number) => Promise<void>} outlast resolves when the next frame may be sent; rejects where
 *   there is no use in it
 * @property {(answer: Answer, rate: number) => void} onAnswer with the answers a second; only of frames newer than the last one's
 * @property {(error: unknown) => void} onStop with what it was stopped by; null: somebody asked for it
 */

/** Of the frames that are sent: three times what the net sees. */
const FRAME_SIDE = 96;
const PICTURE_SIDE = 720;
/** One is computed while the other travels. */
const IN_FLIGHT = 2;
const RATE_WINDOW_MS = 2000;
/** @type {Record<string, readonly [string, string]>} by the names of what `getUserMedia` rejects with */
const CAUSES = {
  NotAllowedError: ['The camera is not allowed.', 'Allow it beside the address of this page, and try again.'],
  NotFoundError: ['No camera was found.', 'Plug one in, or choose a picture.'],
  NotReadableError: ['The camera does not start.', 'Another program may be using it: close that one.'],
};

/** The camera cannot be used; the message is for the person. */
export class CameraError extends Error {
  /**
   * @param {string} message
   * @param {string} nextStep
   */
  constructor(message, nextStep) {
    super(message);
    this.nextStep = nextStep;
  }
}

export class Camera {
  #video;
  #events;
  #canvas = make('canvas', '');
  /** @type {AbortController | null} */
  #run = null;
  #isMirrored = false;
  #framesSent = 0;
  #frameShown = 0;
  /** @type {number[]} when the last answers came */
  #answeredAt = [];
  /** @type {Promise<void>} after which the next frame can be waited for: two lanes never take the same one */
  #frame = Promise.resolve();

  /**
   * @param {HTMLVideoElement} video shows what the camera sees
   * @param {CameraEvents} events
   */
  constructor(video, events) {
    this.#video = video;
    this.#events = events;
    document.addEventListener('visibilitychange', () => document.hidden && this.stop(wasHidden()));
  }

  get isOn() {
    return this.#run !== null;
  }

  /** Opens the camera and starts asking. Rejects with `CameraError`. */
  async start() {
    const run = new AbortController();
    this.#run = run;
    try {
      const stream = await openStream();
      if (run.signal.aborted) return closeStream(stream);
      run.signal.addEventListener('abort', () => closeStream(stream));
      await this.#play(stream);
    } catch (error) {
      if (run.signal.aborted) return;
      run.abort();
      this.#run = null;
      throw error;
    }
    this.#answeredAt = [];
    this.#frame = Promise.resolve();
    const fail = (/** @type {unknown} */ error) => run.signal.aborted || this.stop(error);
    for (let i = 0; i < IN_FLIGHT; i++) this.#ask(run.signal).catch(fail);
  }

  /**
   * Closes the camera.
   *
   * @param {unknown} reason what `onStop` is told
   */
  stop(reason = null) {
    if (this.#run === null) return;
    this.#run.abort();
    this.#run = null;
    this.#video.srcObject = null;
    this.#events.onStop(reason);
  }

  /** What the camera sees now, as a square JPEG. */
  takePicture() {
    const { videoWidth, videoHeight } = this.#video;
    return this.#grab(Math.min(videoWidth, videoHeight, PICTURE_SIDE), make('canvas', ''));
  }

  /** @param {MediaStream} stream */
  async #play(stream) {
    const [track] = stream.getVideoTracks();
    track?.addEventListener('ended', () => this.stop(wasUnplugged()));
    this.#isMirrored = track?.getSettings().facingMode !== 'environment';
    this.#video.classList.toggle('mirrored', this.#isMirrored);
    this.#video.srcObject = stream;
    await this.#video.play();
  }

  /**
   * Asks about one frame after the other until the signal.
   *
   * @param {AbortSignal} signal
   */
  async #ask(signal) {
    let failures = 0;
    while (!signal.aborted) {
      await this.#nextFrame();
      if (signal.aborted) return;
      const number = ++this.#framesSent;
      try {
        const answer = await this.#events.classify(await this.#grab(FRAME_SIDE, this.#canvas), signal);
        failures = 0;
        if (!signal.aborted) this.#take(number, answer);
      } catch (error) {
        if (signal.aborted) return;
        await this.#events.outlast(error, ++failures);
      }
    }
  }

  /**
   * @param {number} number
   * @param {Answer} answer
   */
  #take(number, answer) {
    const now = performance.now();
    this.#answeredAt = [...this.#answeredAt.filter((time) => now - time < RATE_WINDOW_MS), now];
    if (number < this.#frameShown) return;
    this.#frameShown = number;
    const windowMs = Math.max(now - (this.#answeredAt[0] ?? now), RATE_WINDOW_MS / 2);
    this.#events.onAnswer(answer, Math.round((this.#answeredAt.length * 1000) / windowMs));
  }

  #nextFrame() {
    this.#frame = this.#frame.then(() => newFrame(this.#video));
    return this.#frame;
  }

  /**
   * The middle square of what the camera sees, as the page shows it.
   *
   * @param {number} side
   * @param {HTMLCanvasElement} canvas
   */
  #grab(side, canvas) {
    const { videoWidth, videoHeight } = this.#video;
    const cut = Math.min(videoWidth, videoHeight);
    const [left, top] = [(videoWidth - cut) / 2, (videoHeight - cut) / 2];
    canvas.width = side;
    canvas.height = side;
    const context = contextOf(canvas);
    context.imageSmoothingQuality = 'high';
    if (this.#isMirrored) context.setTransform(-1, 0, 0, 1, side, 0);
    context.drawImage(this.#video, left, top, cut, cut, 0, 0, side, side);
    return encode(canvas, 'image/jpeg');
  }
}

/**
 * Resolves when the video shows another frame; in a browser that does not tell, when the screen does.
 *
 * @param {HTMLVideoElement} video
 * @returns {Promise<void>}
 */
function newFrame(video) {
  return new Promise((resolve) => {
    const take = () => resolve();
    if ('requestVideoFrameCallback' in video) video.requestVideoFrameCallback(take);
    else requestAnimationFrame(take);
  });
}

async function openStream() {
  if (navigator.mediaDevices === undefined)
    throw new CameraError(
      'The browser gives this page no camera.',
      'It does so over HTTPS and on localhost only. Choose a picture instead.',
    );
  try {
    const size = { width: { ideal: 1280 }, height: { ideal: 720 } };
    return await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment', ...size } });
  } catch (error) {
    throw explain(error);
  }
}

/** @param {MediaStream} stream */
function closeStream(stream) {
  for (const track of stream.getTracks()) track.stop();
}

/** @param {unknown} error */
function explain(error) {
  const { name, message } = /** @type {Error} */ (error);
  return new CameraError(...(CAUSES[name] ?? /** @type {const} */ (['The camera cannot be used.', message])));
}

function wasHidden() {
  return new CameraError('The camera was turned off.', 'It runs only while this page is in sight.');
}

function wasUnplugged() {
  return new CameraError('The camera has stopped.', 'It was unplugged, or its permission taken back.');
}
