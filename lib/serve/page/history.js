// @ts-check
// Owns the strip of the pictures that were given: at most `LENGTH`, the newest first; each can be opened again.
// Must not classify anything.
import { percent } from './bars.js';
import { find, make } from './dom.js';

/** @typedef {import('./result.js').Picture} Picture */

const LENGTH = 24;
const section = find('history', HTMLElement);
const list = find('history-list', HTMLElement);

/** @type {Map<Picture, { item: HTMLElement, button: HTMLButtonElement, text: HTMLElement }>} */
const entries = new Map();

/**
 * Adds a picture, and forgets the oldest where there are too many.
 *
 * @param {Picture} picture
 * @param {() => void} open is called when the person picks it
 */
export function remember(picture, open) {
  const thumbnail = make('img', 'thumbnail');
  thumbnail.src = picture.url;
  thumbnail.alt = picture.name;
  thumbnail.addEventListener('load', () => thumbnail.classList.toggle('tiny', thumbnail.naturalWidth <= 32));
  thumbnail.addEventListener('error', () => thumbnail.replaceWith(make('span', 'thumbnail', picture.name)));
  const text = make('span', 'entry-text');
  const button = make('button', 'entry', thumbnail, text);
  button.type = 'button';
  button.addEventListener('click', open);
  const item = make('li', '', button);
  entries.set(picture, { item, button, text });
  list.prepend(item);
  section.hidden = false;
  refresh(picture);
  forgetOldest();
}

/**
 * Writes what has become of a picture under it.
 *
 * @param {Picture} picture
 */
export function refresh(picture) {
  const text = entries.get(picture)?.text;
  if (text === undefined) return;
  const best = picture.answer?.scores[0];
  if (best !== undefined) {
    text.replaceChildren(make('strong', '', best.label), ' ', percent(best.probability));
  } else text.textContent = picture.problem === null ? 'waiting' : 'no answer';
}

/**
 * Marks the entry whose picture is on the stage; null: none is.
 *
 * @param {Picture | null} shown
 */
export function mark(shown) {
  for (const [picture, { button }] of entries) button.ariaCurrent = String(picture === shown);
}

function forgetOldest() {
  for (const [picture, { item, button }] of entries) {
    if (entries.size <= LENGTH) return;
    if (button.ariaCurrent === 'true' || isWaiting(picture)) continue;
    entries.delete(picture);
    item.remove();
    URL.revokeObjectURL(picture.url);
  }
}

/** @param {Picture} picture */
function isWaiting({ answer, problem }) {
  return answer === null && problem === null;
}
