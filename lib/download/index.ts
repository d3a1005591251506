// Lists what lib/download offers to its siblings.
// Must hold no code.
export { type DownloadOptions, type DownloadProgress, discardPartialDownload, download } from './download.js';
