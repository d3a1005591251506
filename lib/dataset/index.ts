// Lists what lib/dataset offers to its siblings.
// Must hold no code.
export { CIFAR10, CLASS_NAMES, filesOf, trainImageCount } from './facts.js';
export { type DownloadDatasetOptions, type DownloadedDataset, downloadDataset } from './fetch.js';
export {
  type DatasetFiles,
  datasetFolder,
  locateFolder,
  type ResolveOptions,
  resolveDataset,
} from './resolve.js';
export type { DatasetProgress } from './source.js';
