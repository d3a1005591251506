// Owns the list of what the composition engine offers. Exports only.
export type { KnownKeys } from './apply.js';
export { type Composition, composeTree, type Ingredients } from './compose.js';
export { interpolate } from './interpolate.js';
export { describePlace, entryAt, keyPaths, type MapNode, type Place, toPlain } from './node.js';
export type { Surroundings } from './resolvers.js';
export { SearchPath } from './search-path.js';
export { expandSweep } from './sweep.js';
