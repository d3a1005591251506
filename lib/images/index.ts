// Lists what lib/images offers to its siblings.
// Must hold no code.
export { decodeImage, MAX_PIXELS } from './decode.js';
export { type FoundImage, listImages, type UnreadableFolder } from './folder.js';
export { type ImageInput, MAX_ENCODED_BYTES, type RawImage } from './input.js';
export { PlainFiles } from './plain-files.js';
export { isPng } from './signature.js';
export { snapshot } from './snapshot.js';
