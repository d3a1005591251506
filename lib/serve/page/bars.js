// @ts-check
// Owns the bars of all probabilities: their text, their order, and how they move from one answer to the next.
// Must not know where the probabilities come from.
import { make } from './dom.js';

/** @typedef {import('./api.js').Score} Score */
/**
 * @typedef {object} Row
 * @property {HTMLElement} item
 * @property {HTMLElement} track
 * @property {HTMLElement} fill
 * @property {HTMLElement} value
 */

const MOVE = { duration: 280, easing: 'cubic-bezier(0.2, 0, 0, 1)' };
const calm = matchMedia('(prefers-reduced-motion: reduce)');

/**
 * A probability as percent with one decimal; never 100% or 0%, which no softmax gives.
 *
 * @param {number} probability
 */
export function percent(probability) {
  if (probability > 0.999) return '>99.9%';
  return probability < 0.001 ? '<0.1%' : `${(probability * 100).toFixed(1)}%`;
}

export class Bars {
  /** @type {Map<string, Row>} */
  #rows = new Map();
  #list;

  /** @param {HTMLElement} list the `ol` that the bars stand in */
  constructor(list) {
    this.#list = list;
  }

  /**
   * The classes; their values, all 0, are hidden.
   *
   * @param {readonly string[]} labels
   */
  clear(labels) {
    this.#show(labels.map((label) => ({ label, probability: 0 })));
    this.#list.classList.add('blank');
  }

  /**
   * @param {readonly Score[]} scores the highest first
   * @param {boolean} isGliding whether they glide to their new places; in a stream of answers they would never arrive
   */
  update(scores, isGliding) {
    this.#list.classList.remove('blank');
    const before = new Map([...this.#rows].map(([label, row]) => [label, placeOf(row)]));
    this.#show(scores);
    if (calm.matches || !isGliding) return;
    for (const [label, row] of this.#rows) move(row, before.get(label));
  }

  /** @param {readonly Score[]} scores */
  #show(scores) {
    const rows = scores.map(({ label }) => this.#rows.get(label) ?? makeRow(label));
    const items = rows.map(({ item }) => item);
    if (items.some((item, i) => item !== this.#list.children[i])) this.#list.replaceChildren(...items);
    this.#rows = new Map(scores.map(({ label }, i) => [label, /** @type {Row} */ (rows[i])]));
    for (const { label, probability } of scores) fill(this.#rows.get(label), probability);
  }
}

/**
 * @param {string} label
 * @returns {Row}
 */
function makeRow(label) {
  const bar = make('span', 'bar-fill');
  const track = make('span', 'bar-track', bar);
  track.ariaHidden = 'true';
  const value = make('span', 'bar-value');
  return {
    item: make('li', 'bar', make('span', 'bar-label', label), ' ', track, value),
    track,
    fill: bar,
    value,
  };
}

/**
 * @param {Row | undefined} row
 * @param {number} probability
 */
function fill(row, probability) {
  if (row === undefined) return;
  row.value.textContent = percent(probability);
  row.fill.style.transform = shift(probability);
}

/** The fill is as long as its track and pushed out of it to the left, so that its round end keeps its shape. */
function shift(/** @type {number} */ share) {
  return `translateX(${(share - 1) * 100}%)`;
}

/** Where a row is seen right now, which may be halfway through a move. */
function placeOf(/** @type {Row} */ { item, track, fill }) {
  const { left, width } = track.getBoundingClientRect();
  const share = width > 0 ? (fill.getBoundingClientRect().right - left) / width : 0;
  return { top: item.offsetTop + shiftOf(item), share };
}

/** How far a running move has an item away from its place, in pixels. */
function shiftOf(/** @type {HTMLElement} */ item) {
  return new DOMMatrix(getComputedStyle(item).transform).m42;
}

/**
 * @param {Row} row
 * @param {{ top: number, share: number } | undefined} before
 */
function move(row, before) {
  if (before === undefined) return;
  for (const element of [row.item, row.fill]) for (const old of element.getAnimations()) old.cancel();
  const distance = before.top - row.item.offsetTop;
  if (distance !== 0) row.item.animate([{ transform: `translateY(${distance}px)` }, {}], MOVE);
  row.fill.animate([{ transform: shift(before.share) }, {}], MOVE);
}
