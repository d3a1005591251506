// @ts-check
// Owns drawing one picture and what the net says of it: the frames, the winner, the bars, the notices, what is read out.
// Must not send anything.
import { Bars, percent } from './bars.js';
import { contextOf, find } from './dom.js';

/** @typedef {import('./api.js').Answer} Answer */
/** @typedef {import('./problems.js').Problem} Problem */
/**
 * One picture that was given. `trueLabel`: what the dataset says it is; null where nobody has labelled it.
 *
 * @typedef {object} Picture
 * @property {string} name
 * @property {Blob} blob
 * @property {string} url of `blob`, for as long as the picture is in the history
 * @property {string | null} trueLabel
 * @property {Answer | null} answer
 * @property {Problem | null} problem
 */

const SIDE = 32;
/** A screen reader is told of a new winner of the camera at most this often. */
const ANNOUNCE_MS = 3000;
const INVITATION = 'Your picture goes here';

const stage = find('stage', HTMLElement);
const image = find('picture', HTMLImageElement);
const video = find('video', HTMLVideoElement);
const placeholder = find('placeholder', HTMLElement);
const caption = find('picture-caption', HTMLElement);
const seen = find('seen', HTMLCanvasElement);
const winner = find('winner', HTMLElement);
const winnerPercent = find('winner-percent', HTMLElement);
const labelled = find('labelled', HTMLElement);
const notice = find('notice', HTMLElement);
const timing = find('timing', HTMLElement);
const announcement = find('announcement', HTMLElement);
const bars = new Bars(find('bars', HTMLElement));

/** @type {readonly string[]} */
let classNames = [];
let announcedLabel = '';
let announcedAt = Number.NEGATIVE_INFINITY;

image.addEventListener('load', () => image.classList.toggle('tiny', image.naturalWidth <= 2 * SIDE));
image.addEventListener('error', () => {
  image.hidden = true;
  placeholder.textContent = 'This browser cannot show it';
});

/** @param {readonly string[]} names */
export function useClassNames(names) {
  classNames = names;
  if (stage.dataset.state === 'empty') bars.clear(names);
}

/** Nothing is shown but the place where a picture goes. */
export function showEmpty() {
  image.hidden = true;
  video.hidden = true;
  placeholder.textContent = INVITATION;
  caption.textContent = 'The picture';
  clearAnswer('empty', 'Ten things it knows');
  labelled.textContent = 'The bars show how sure it is of each.';
}

/**
 * A picture in whatever state it is: waiting for its answer, answered, or refused.
 *
 * @param {Picture} picture
 */
export function showPicture(picture) {
  video.hidden = true;
  if (image.src !== picture.url) image.src = picture.url;
  image.hidden = image.complete && image.naturalWidth === 0;
  image.alt = picture.name;
  caption.textContent = picture.name;
  if (picture.answer !== null) showAnswered(picture, picture.answer);
  else if (picture.problem !== null) showProblem(picture.problem);
  else showBusy();
}

/** The camera, before its first answer. */
export function showCamera() {
  image.hidden = true;
  video.hidden = false;
  caption.textContent = 'Live';
  announcedLabel = '';
  announcedAt = Number.NEGATIVE_INFINITY;
  clearAnswer('live', 'Looking…');
}

/**
 * An answer to a frame of the camera.
 *
 * @param {Answer} answer
 * @param {number} rate answers a second
 */
export function showLive(answer, rate) {
  hideNotice();
  caption.textContent = `${rate} ${rate === 1 ? 'answer' : 'answers'} a second`;
  drawAnswer(answer);
  const isNews = answer.scores[0]?.label !== announcedLabel;
  if (isNews && performance.now() - announcedAt > ANNOUNCE_MS) announce(answer, '');
}

/**
 * What went wrong, or what is waited for, in place of or beside the answer.
 *
 * @param {{ title: string, text: string }} notice
 */
export function showNotice({ title, text }) {
  // It takes longer: the answer that stands there is one to another picture.
  if (stage.dataset.state === 'busy') clearAnswer('busy', 'Looking…');
  find('notice-title', HTMLElement).textContent = title;
  find('notice-text', HTMLElement).textContent = text;
  notice.hidden = false;
}

export function hideNotice() {
  notice.hidden = true;
}

/** The last answer stays, dimmed: most of the time the next one is there at once. */
function showBusy() {
  if (stage.dataset.state !== 'answer') clearAnswer('busy', 'Looking…');
  hideNotice();
  labelled.textContent = '';
  announcement.textContent = '';
  stage.dataset.state = 'busy';
}

/**
 * @param {Picture} picture
 * @param {Answer} answer
 */
function showAnswered({ trueLabel }, answer) {
  hideNotice();
  stage.dataset.state = 'answer';
  drawAnswer(answer);
  const truth = describeTruth(trueLabel, answer.scores[0]?.label);
  labelled.textContent = truth;
  announce(answer, truth);
}

/**
 * @param {string | null} trueLabel
 * @param {string | undefined} label
 */
function describeTruth(trueLabel, label) {
  if (trueLabel === null) return '';
  return trueLabel === label ? `labelled ${trueLabel}: right` : `labelled ${trueLabel}: the net is wrong`;
}

/** @param {Problem} problem */
function showProblem(problem) {
  clearAnswer('problem', 'No answer');
  showNotice(problem);
}

/**
 * @param {string} state
 * @param {string} title
 */
function clearAnswer(state, title) {
  hideNotice();
  stage.dataset.state = state;
  winner.textContent = title;
  winnerPercent.textContent = '';
  labelled.textContent = '';
  timing.textContent = '';
  announcement.textContent = '';
  bars.clear(classNames);
  contextOf(seen).clearRect(0, 0, SIDE, SIDE);
  seen.ariaLabel = 'Nothing yet';
}

/** @param {Answer} answer */
function drawAnswer({ scores, pixels, durationMs, roundTripMs }) {
  const [best] = scores;
  if (best === undefined) return;
  winner.textContent = best.label;
  winnerPercent.textContent = percent(best.probability);
  timing.textContent = `${milliseconds(durationMs)} in the server, ${milliseconds(roundTripMs)} there and back`;
  bars.update(scores, stage.dataset.state !== 'live');
  drawPixels(pixels);
}

/** @param {number} durationMs */
function milliseconds(durationMs) {
  return `${durationMs < 10 ? durationMs.toFixed(1) : Math.round(durationMs)} ms`;
}

/** @param {Uint8Array} pixels uint8 [32,32,3] */
function drawPixels(pixels) {
  const shown = new ImageData(SIDE, SIDE);
  for (let i = 0; i < SIDE * SIDE; i++) {
    shown.data.set(pixels.subarray(3 * i, 3 * i + 3), 4 * i);
    shown.data[4 * i + 3] = 255;
  }
  contextOf(seen).putImageData(shown, 0, 0);
  seen.ariaLabel = 'The 32 by 32 pixels that the net was given';
}

/**
 * @param {Answer} answer
 * @param {string} truth
 */
function announce({ scores }, truth) {
  const [best] = scores;
  if (best === undefined) return;
  announcedLabel = best.label;
  announcedAt = performance.now();
  const rounded = Math.round(best.probability * 100);
  announcement.textContent = [`${best.label}, ${rounded} percent`, truth].filter(Boolean).join(', ');
}
