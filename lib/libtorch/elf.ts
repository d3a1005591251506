// Owns one question about a shared library: was it cut off? The linker maps such a file and the process dies of SIGBUS.
// Must not judge anything else; a file that is no ELF is left to the linker, which refuses it with a message.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

// Elf64_Ehdr: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
const HEADER_BYTES = 64;
const MAGIC = '7f454c460201'; // ELF, 64 bits, little-endian

/** Whether the table of sections, which linkers write last, ends beyond the file. */
export function isCutOff(path: string): boolean {
  const file = openSync(path, 'r');
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    const headerBytes = readSync(file, header, 0, HEADER_BYTES, 0);
    if (headerBytes < HEADER_BYTES || header.subarray(0, 6).toString('hex') !== MAGIC) return false;
    const sectionTableBytes = header.readUInt16LE(58) * header.readUInt16LE(60);
    return header.readBigUInt64LE(40) + BigInt(sectionTableBytes) > fstatSync(file).size;
  } finally {
    closeSync(file);
  }
}
