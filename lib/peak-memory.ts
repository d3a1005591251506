// Owns how much memory this process has needed.

/** Resident, at its highest so far, with LibTorch's own code. */
export function peakMemoryBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}
