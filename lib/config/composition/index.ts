// Owns the list of what the composition engine offers. Exports only.
export type { KnownKeys } from './apply.js';
export { type Composition, composeTree } from './compose.js';
export { interpolate } from './interpolate.js';
export { describePlace, entryAt, type MapNode, toPlain } from './node.js';
export type { Surroundings } from './resolvers.js';
export { SearchPath } from './search-path.js';
export { expandSweep } from './sweep.js';
export { GROUPED_INTEGER } from './yaml-file.js';
