// @ts-check
// Owns the ways to hand a file to the page: dropping, pasting, choosing. Gives on what it was handed.
// Must not look into the files: the server says what they are.
import { find } from './dom.js';

const veil = find('drop', HTMLElement);
const EMPTY_CLIPBOARD = {
  title: 'There is no picture in the clipboard.',
  text: 'Copy a picture or a file of one, and paste again.',
};
const ADDRESS_ONLY = {
  title: 'The other page gave only an address.',
  text: 'Copy the picture itself and paste it here, or save it first.',
};
const chooser = find('file', HTMLInputElement);

/**
 * @param {(files: File[]) => void} take gets one file or more
 * @param {(notice: { title: string, text: string }) => void} explain says why nothing was taken
 */
export function listenForFiles(take, explain) {
  listenForDrop(take, explain);
  document.addEventListener('paste', (event) => {
    if (event.target instanceof HTMLInputElement && event.target !== chooser) return;
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length > 0) take(files);
    else explain(EMPTY_CLIPBOARD);
  });
  chooser.addEventListener('change', () => {
    const files = [...(chooser.files ?? [])];
    chooser.value = '';
    if (files.length > 0) take(files);
  });
}

/**
 * @param {(files: File[]) => void} take
 * @param {(notice: { title: string, text: string }) => void} explain
 */
function listenForDrop(take, explain) {
  // Each element below the pointer is entered before the last one is left, and only the last of all leaves none.
  let depth = 0;
  const shade = (/** @type {number} */ newDepth) => {
    depth = newDepth;
    veil.hidden = depth <= 0;
  };
  document.addEventListener('dragenter', (event) => isPicture(event) && shade(depth + 1));
  document.addEventListener('dragleave', (event) => isPicture(event) && shade(depth - 1));
  document.addEventListener('dragover', (event) => isPicture(event) && event.preventDefault());
  document.addEventListener('drop', (event) => {
    if (!isPicture(event)) return;
    event.preventDefault();
    shade(0);
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length > 0) take(files);
    else explain(ADDRESS_ONLY);
  });
}

/** Whether files, or the picture of another page, are dragged, and not a piece of text. */
function isPicture(/** @type {DragEvent} */ { dataTransfer }) {
  return ['Files', 'text/uri-list'].some((type) => dataTransfer?.types.includes(type));
}
