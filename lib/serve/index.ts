// Lists what lib/serve offers to its siblings. Must hold no code.
export type { LogStream, ServeOptions } from './options.js';
export { type ClassifierServer, serve } from './server.js';
