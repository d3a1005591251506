// Owns what LibTorch's libraries are called on each system, below its folder lib/.
// Only Linux's are tested; the others are those of the official archives, as their documentation lists them.

export interface LibraryNames {
  /** That the addon is linked to, each after those it needs. */
  readonly required: readonly string[];
  /** Of a CUDA LibTorch, likewise. */
  readonly cuda: readonly string[];
  /** LibTorch's own OpenMP runtime; the first is what it is usually called. */
  readonly openMp: { readonly usual: string; readonly pattern: RegExp };
}

const BY_SYSTEM: Partial<Record<NodeJS.Platform, LibraryNames>> = {
  linux: {
    required: ['libc10.so', 'libtorch_cpu.so', 'libtorch.so'],
    cuda: ['libc10_cuda.so', 'libtorch_cuda.so'],
    openMp: { usual: 'libgomp.so.1', pattern: /^libgomp.*\.so/ }, // with a hash in its name in the official archive
  },
  darwin: {
    required: ['libc10.dylib', 'libtorch_cpu.dylib', 'libtorch.dylib'],
    cuda: [],
    openMp: { usual: 'libomp.dylib', pattern: /^libi?omp5?\.dylib$/ },
  },
  win32: {
    required: ['c10.dll', 'torch_cpu.dll', 'torch.dll'],
    cuda: ['c10_cuda.dll', 'torch_cuda.dll'],
    openMp: { usual: 'libiomp5md.dll', pattern: /^libiomp5md\.dll$/ },
  },
};

/** Of this system; one that is not known is taken for a kind of Linux, and refused elsewhere. */
export function libraryNames(system: NodeJS.Platform = process.platform): LibraryNames {
  return BY_SYSTEM[system] ?? (BY_SYSTEM.linux as LibraryNames);
}
