// @ts-check
// Owns finding and making elements, so that every other file gets them with their types.
// Must not know what the page is about.

/**
 * The element of the page with this id. A missing one is a mistake of the page.
 *
 * @template {Element} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function find(id, type) {
  const found = document.getElementById(id);
  if (found instanceof type) return found;
  throw new Error(`index.html has no ${type.name} with the id ${id}`);
}

/**
 * A new element with its class and content; text is never read as HTML.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {string} className
 * @param {...(Node | string)} content
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, className, ...content) {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...content);
  return made;
}

/**
 * The 2D context of a canvas.
 *
 * @param {HTMLCanvasElement} canvas
 * @returns {CanvasRenderingContext2D}
 */
export function contextOf(canvas) {
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('this browser draws on no canvas');
  return context;
}

/**
 * What is on the canvas as a file of this type.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {'image/png' | 'image/jpeg'} type
 * @returns {Promise<Blob>}
 */
export function encode(canvas, type) {
  return new Promise((resolve, reject) => {
    const take = (/** @type {Blob | null} */ blob) =>
      blob === null ? reject(new Error(`this browser writes no ${type}`)) : resolve(blob);
    canvas.toBlob(take, type, 0.92);
  });
}

/** @param {number} durationMs */
export function sleep(durationMs) {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
