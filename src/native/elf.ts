// How long a library must be by its own header (ELF, 64 bits, little-endian): one that a download or a full disk
// cut short is known before it is opened.
import { closeSync, openSync, readSync } from 'node:fs';

const MAGIC = 0x464c457f;
const HEADER_BYTES = 64;
/** In the header: where the two tables begin, the bytes of an entry, and how many there are. */
const TABLES = [
  { begin: 32, entryBytes: 54, entries: 56 }, // segments
  { begin: 40, entryBytes: 58, entries: 60 }, // sections
] as const;
/** In an entry of the segments: where it begins in the file, and its bytes there. */
const SEGMENT = { begin: 8, bytes: 32 } as const;

/** Null where the file is no such library. */
export function bytesOfLibrary(path: string): number | null {
  const file = openSync(path, 'r');
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    const got = readSync(file, header, 0, HEADER_BYTES, 0);
    if (got < 4 || header.readUInt32LE(0) !== MAGIC) return null;
    if (got < HEADER_BYTES) return HEADER_BYTES;
    const [segments, sections] = TABLES.map((table) => ({
      begin: Number(header.readBigUInt64LE(table.begin)),
      entryBytes: header.readUInt16LE(table.entryBytes),
      entries: header.readUInt16LE(table.entries),
    }));
    if (segments === undefined || sections === undefined) return null;
    const table = Buffer.alloc(segments.entryBytes * segments.entries);
    readSync(file, table, 0, table.length, segments.begin);
    const ends = Array.from({ length: segments.entries }, (_, i) => {
      const at = i * segments.entryBytes;
      const field = (offset: number): number => Number(table.readBigUInt64LE(at + offset));
      return field(SEGMENT.begin) + field(SEGMENT.bytes);
    });
    return Math.max(sections.begin + sections.entryBytes * sections.entries, ...ends);
  } finally {
    closeSync(file);
  }
}
