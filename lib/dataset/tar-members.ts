// Owns reading a tar stream: the content of the wanted files of its top folder, piece by piece and in order.
// Must not write anything.
import { Parser, type ReadEntry } from 'tar';

/** Whether a file of this name and size is wanted. */
export type Wants = (name: string, sizeBytes: number) => boolean;

export interface MemberPiece {
  name: string;
  bytes: Buffer;
  /** The file ends here. */
  isLast: boolean;
}

/** The wanted files in pieces; everything else (links, other names, other depths) is left out. */
export async function* readMembers(chunks: AsyncIterable<Buffer>, wants: Wants): AsyncGenerator<MemberPiece> {
  const pieces: MemberPiece[] = [];
  const faults: unknown[] = [];
  const names = new Set<string>();
  const parser = new Parser({
    strict: true,
    brotli: false,
    zstd: false,
    filter: (path, entry) => isWanted(path, entry as ReadEntry, wants),
    onReadEntry: (entry) => {
      if (names.has(nameOf(entry.path))) faults.push(new Error(`the archive holds ${entry.path} twice`));
      names.add(nameOf(entry.path));
      collect(entry, pieces);
    },
  });
  parser.on('error', (error: unknown) => faults.push(error));
  const taken = () => {
    if (faults.length > 0) throw faults[0];
    return pieces.splice(0);
  };
  // All that a chunk holds is emitted during write(), so that nothing waits inside the parser.
  for await (const chunk of chunks) {
    parser.write(chunk);
    yield* taken();
  }
  parser.end();
  yield* taken();
}

function isWanted(path: string, entry: ReadEntry, wants: Wants): boolean {
  const [top = '', name = '', ...deeper] = path.split('/');
  const isOneDeep = deeper.length === 0 && ![top, name].some((part) => ['', '.', '..'].includes(part));
  return entry.type === 'File' && isOneDeep && wants(name, entry.size);
}

function nameOf(path: string): string {
  return path.slice(path.indexOf('/') + 1);
}

function collect(entry: ReadEntry, pieces: MemberPiece[]): void {
  const name = nameOf(entry.path);
  entry.on('data', (bytes: Buffer) => pieces.push({ name, bytes, isLast: false }));
  entry.on('end', () => pieces.push({ name, bytes: Buffer.alloc(0), isLast: true }));
}
