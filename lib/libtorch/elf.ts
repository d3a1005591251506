// Owns two questions about a shared library: was it cut off, and which others does it need? The linker maps a file that was
// cut off, and the process dies of SIGBUS. Must not judge anything else; a file that is no ELF is left to the linker, which
// refuses it with a message.
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';

// Elf64_Ehdr: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
// Elf64_Phdr and Elf64_Dyn: ch5.pheader.html and ch5.dynamic.html beside it
const HEADER_BYTES = 64;
const MAGIC = '7f454c460201'; // ELF, 64 bits, little-endian
const [PT_LOAD, PT_DYNAMIC] = [1, 2];
const PROGRAM_HEADER_BYTES = 56;
const [DT_NEEDED, DT_STRTAB] = [1, 5];
const DYNAMIC_ENTRY_BYTES = 16;
/** Of a table that is read at once; those of LibTorch take a few kilobytes. */
const TABLE_LIMIT_BYTES = 1 << 20;
const NAME_LIMIT_BYTES = 255;

/** Whether the table of sections, which linkers write last, ends beyond the file. */
export function isCutOff(path: string): boolean {
  return withElf(path, false, (header, _read, sizeBytes) => {
    const sectionTableBytes = header.readUInt16LE(58) * header.readUInt16LE(60);
    return header.readBigUInt64LE(40) + BigInt(sectionTableBytes) > sizeBytes;
  });
}

/** The names of the libraries that it asks the linker for, in its order; none of a file that is no ELF. */
export function neededLibraries(path: string): string[] {
  return withElf(path, [], (header, read) => {
    const table = read(header.readBigUInt64LE(32), header.readUInt16LE(56) * PROGRAM_HEADER_BYTES);
    const segments = rows(table, PROGRAM_HEADER_BYTES).map(readSegment);
    const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
    if (dynamic === undefined) return [];
    const entries = rows(read(dynamic.offset, dynamic.fileBytes), DYNAMIC_ENTRY_BYTES).map((row) => ({
      tag: Number(row.readBigInt64LE(0)),
      value: row.readBigUInt64LE(8),
    }));
    const names = offsetOf(entries.find(({ tag }) => tag === DT_STRTAB)?.value, segments);
    if (names === undefined) return [];
    const needed = entries.filter(({ tag }) => tag === DT_NEEDED);
    return needed.map(({ value }) => firstString(read(names + value, NAME_LIMIT_BYTES)));
  });
}

interface Segment {
  type: number;
  offset: bigint;
  address: bigint;
  fileBytes: number;
}

function readSegment(row: Buffer): Segment {
  return {
    type: row.readUInt32LE(0),
    offset: row.readBigUInt64LE(8),
    address: row.readBigUInt64LE(16),
    fileBytes: Number(row.readBigUInt64LE(32)),
  };
}

/** Where in the file an address of the loaded library is. */
function offsetOf(address: bigint | undefined, segments: readonly Segment[]): bigint | undefined {
  if (address === undefined) return undefined;
  const holder = segments.find(
    ({ type, address: start, fileBytes }) =>
      type === PT_LOAD && address >= start && address < start + BigInt(fileBytes),
  );
  return holder && address - holder.address + holder.offset;
}

function firstString(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end === -1 ? bytes.length : end);
}

function rows(table: Buffer, rowBytes: number): Buffer[] {
  const count = Math.floor(table.length / rowBytes);
  return Array.from({ length: count }, (_, row) => table.subarray(row * rowBytes, (row + 1) * rowBytes));
}

type Read = (offset: bigint, bytes: number) => Buffer;

/** Calls `ask` with the header, a function that reads a piece of the file, and its size; `otherwise` if it is no ELF. */
function withElf<Answer>(
  path: string,
  otherwise: Answer,
  ask: (header: Buffer, read: Read, sizeBytes: number) => Answer,
): Answer {
  if (!statSync(path).isFile()) return otherwise; // opening a pipe would wait for a writer
  const file = openSync(path, 'r');
  try {
    const sizeBytes = fstatSync(file).size;
    const read: Read = (offset, bytes) => {
      if (offset >= sizeBytes) return Buffer.alloc(0);
      const piece = Buffer.alloc(Math.min(bytes, TABLE_LIMIT_BYTES));
      return piece.subarray(0, readSync(file, piece, 0, piece.length, Number(offset)));
    };
    const header = read(0n, HEADER_BYTES);
    if (header.length < HEADER_BYTES || header.subarray(0, 6).toString('hex') !== MAGIC) return otherwise;
    return ask(header, read, sizeBytes);
  } finally {
    closeSync(file);
  }
}
