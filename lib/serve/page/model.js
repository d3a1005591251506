// @ts-check
// Owns what the page says of the server: the line of facts about its model, and the command that asks it from a terminal.
// Must not ask the server itself.
import { find, make } from './dom.js';

/** @typedef {import('./api.js').Model} Model */

const facts = find('facts', HTMLElement);
const curl = find('curl', HTMLElement);
const copy = find('copy', HTMLButtonElement);
const COPIED_MS = 2000;

/** @param {Model} model */
export function showModel({ version, net, parameterCount, device, dtype }) {
  const millions = `${(parameterCount / 1e6).toFixed(2)} M parameters`;
  const lines = [`net: ${net}`, millions, `${device}, ${dtype}`, `version: ${version}`];
  facts.replaceChildren(...lines.map((line) => make('li', '', line)));
}

/**
 * A link carries no token: those to what asks for one are then taken away.
 *
 * @param {boolean} needsToken
 */
export function showCommand(needsToken) {
  for (const link of document.querySelectorAll('.guarded')) link.toggleAttribute('hidden', needsToken);
  const header = needsToken ? " -H 'Authorization: Bearer TOKEN'" : '';
  curl.textContent = `curl${header} --data-binary @photo.jpg ${location.origin}/v1/classify`;
}

/** Copying works in secure contexts only; elsewhere the line can be selected. */
export function offerCopy() {
  if (navigator.clipboard === undefined) return;
  copy.hidden = false;
  copy.addEventListener('click', async () => {
    await navigator.clipboard.writeText(curl.textContent ?? '');
    copy.textContent = 'Copied';
    setTimeout(() => {
      copy.textContent = 'Copy';
    }, COPIED_MS);
  });
}
