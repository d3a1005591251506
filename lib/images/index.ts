// Lists what lib/images offers to its siblings.
// Must hold no code.
export { decodeImage } from './decode.js';
export { type FoundImage, listImages, type UnreadableFolder } from './folder.js';
export type { ImageInput, RawImage } from './input.js';
export { PlainFiles } from './plain-files.js';
export { isPng } from './signature.js';
export { snapshot } from './snapshot.js';
