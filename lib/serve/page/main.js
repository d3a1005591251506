// @ts-check
// Owns the wiring: what is given goes into a queue, one picture after the other to the server, and its answer onto the stage.
// Must not draw, nor know addresses.
import { classify, fetchModel, keptToken } from './api.js';
import { Camera } from './camera.js';
import { find } from './dom.js';
import { CLASS_NAMES, layOutSamples } from './gallery.js';
import { mark, refresh, remember } from './history.js';
import { listenForFiles } from './input.js';
import { offerCopy, showCommand, showModel } from './model.js';
import { describe, readChecked } from './problems.js';
import { isBusy, outlast, persist } from './recovery.js';
import * as result from './result.js';

/** @typedef {import('./result.js').Picture} Picture */

const stage = find('stage', HTMLElement);
const cameraButton = find('camera', HTMLButtonElement);
const takeButton = find('take', HTMLButtonElement);
const retryButton = find('retry', HTMLButtonElement);
const camera = new Camera(find('video', HTMLVideoElement), {
  classify,
  outlast: (error, attempt) =>
    outlast(error, attempt, attempt > 1 || !isBusy(error) ? result.showNotice : () => {}),
  onAnswer: (answer, rate) => {
    result.showLive(answer, rate);
    followModel(answer);
  },
  onStop: leaveCamera,
});

/** @type {Picture[]} those that wait for their answer */
const queue = [];
/** @type {Picture | null} the one on the stage, also while the camera covers it */
let shown = null;
/** Whether the stage goes along with the queue; not when the person has opened another picture. */
let isFollowing = true;
let isWorking = false;
let limitBytes = Number.POSITIVE_INFINITY;
/** Of the model that the page describes; empty before the server has said it. */
let modelVersion = '';

/** @param {{ blob: Blob, name: string, trueLabel: string | null }[]} given */
function add(given) {
  camera.stop();
  const pictures = given.map((each) => ({
    ...each,
    url: URL.createObjectURL(each.blob),
    answer: null,
    problem: null,
  }));
  for (const picture of pictures) remember(picture, () => open(picture));
  bringIntoView();
  enqueue(...pictures);
}

/** @param {...Picture} pictures */
function enqueue(...pictures) {
  isFollowing = true;
  queue.push(...pictures);
  work();
}

async function work() {
  if (isWorking) return;
  isWorking = true;
  for (let picture = queue.shift(); picture !== undefined; picture = queue.shift()) await settle(picture);
  isWorking = false;
}

/**
 * Gets a picture its answer, or the reason why it has none.
 *
 * @param {Picture} picture
 */
async function settle(picture) {
  if (isFollowing) show(picture);
  try {
    const bytes = await readChecked(picture.blob, limitBytes);
    picture.answer = await persist(
      () => classify(bytes),
      (problem) => shown === picture && !camera.isOn && result.showNotice(problem),
    );
    followModel(picture.answer);
  } catch (error) {
    picture.problem = describe(error);
  }
  refresh(picture);
  if (shown === picture && !camera.isOn) show(picture);
}

/**
 * Shows what the person has picked from the history.
 *
 * @param {Picture} picture
 */
function open(picture) {
  camera.stop();
  isFollowing = false;
  show(picture);
  bringIntoView();
}

/** @param {Picture} picture */
function show(picture) {
  shown = picture;
  mark(picture);
  result.showPicture(picture);
  retryButton.hidden = picture.problem?.canRetry !== true;
}

/** On a phone the samples are a screen below the stage. */
function bringIntoView() {
  const { top } = stage.getBoundingClientRect();
  if (top < 0 || top > innerHeight / 2) stage.scrollIntoView();
}

function retry() {
  if (shown === null) return;
  shown.problem = null;
  refresh(shown);
  show(shown);
  enqueue(shown);
}

async function toggleCamera() {
  if (camera.isOn) return camera.stop();
  isFollowing = false;
  mark(null);
  retryButton.hidden = true;
  result.showCamera();
  cameraButton.textContent = 'Stop the camera';
  try {
    await camera.start();
    takeButton.hidden = !camera.isOn;
  } catch (error) {
    leaveCamera(error);
  }
}

/**
 * Goes back to what was on the stage before.
 *
 * @param {unknown} reason why the camera stopped by itself; null: it was stopped
 */
function leaveCamera(reason) {
  cameraButton.textContent = 'Use the camera';
  takeButton.hidden = true;
  if (shown === null) result.showEmpty();
  else show(shown);
  if (reason !== null) result.showNotice(describe(reason));
}

async function takePicture() {
  const blob = await camera.takePicture();
  cameraButton.focus();
  add([{ blob, name: 'From the camera', trueLabel: null }]);
}

async function introduce() {
  try {
    const model = await persist(fetchModel, result.showNotice);
    limitBytes = model.limits.imageBytes;
    modelVersion = model.version;
    result.useClassNames(model.classNames);
    showModel(model);
    showCommand(keptToken() !== null);
    if (shown === null && !camera.isOn) result.hideNotice();
  } catch (error) {
    result.showNotice(describe(error));
  }
}

/**
 * Another model may have come into the old one's place.
 *
 * @param {import('./api.js').Answer} answer
 */
function followModel(answer) {
  if (modelVersion === '' || answer.modelVersion === modelVersion) return;
  modelVersion = answer.modelVersion;
  introduce();
}

layOutSamples((sample) => add([sample]));
listenForFiles(
  (files) => add(files.map((file) => ({ blob: file, name: file.name, trueLabel: null }))),
  result.showNotice,
);
cameraButton.addEventListener('click', toggleCamera);
takeButton.addEventListener('click', takePicture);
retryButton.addEventListener('click', retry);
result.useClassNames(CLASS_NAMES);
showCommand(keptToken() !== null);
offerCopy();
introduce();
