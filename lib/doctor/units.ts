// Owns how the findings write amounts. Pure.

export const MIB = 2 ** 20;
export const GIB = 2 ** 30;

/** `23.5 GiB`. */
export function gib(sizeBytes: number): string {
  return `${(sizeBytes / GIB).toFixed(1)} GiB`;
}

/** In the unit that suits the size: `12 B`, `1.5 KiB`, `454.1 MiB`, `2.8 GiB`. */
export function size(sizeBytes: number): string {
  if (sizeBytes < 1024) return `${sizeBytes} B`;
  if (sizeBytes < MIB) return `${(sizeBytes / 1024).toFixed(1)} KiB`;
  return sizeBytes < GIB ? `${(sizeBytes / MIB).toFixed(1)} MiB` : gib(sizeBytes);
}

/** `1 core`, `2 cores`. */
export function counted(value: number, noun: string): string {
  return `${value} ${noun}${value === 1 ? '' : 's'}`;
}
