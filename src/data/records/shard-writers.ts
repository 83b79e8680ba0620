// What a shard of each format consists of, record by record.
//
// The same records give the same bytes: no times, users or hosts are noted.
import { once } from 'node:events';
import protobuf from 'protobufjs';
import { pack } from 'tar-stream';
import { UserError } from '../../util/errors.js';
import { maskedCrc } from './crc.js';
import { keyOf, type PictureFacts } from './record.js';

export type ShardFormat = 'tfrecord' | 'webdataset';

export interface RecordToWrite extends PictureFacts {
  readonly bytes: Uint8Array;
  readonly label: number;
  /** Null where the data only has numbers. */
  readonly className: string | null;
  /** The picture's name without folders. */
  readonly fileName: string;
}

interface ShardWriter {
  /** What comes next in the file; of the record, whose bytes are not kept, the last part may come later. */
  readonly add: (record: RecordToWrite) => Promise<readonly Uint8Array[]>;
  /** What ends the file. */
  readonly end: () => Promise<readonly Uint8Array[]>;
}

export const SHARD_WRITERS: Readonly<Record<ShardFormat, () => ShardWriter>> = {
  tfrecord: () => ({
    add: (record) => Promise.resolve(framed(encodeExample(record))),
    end: () => Promise.resolve([]),
  }),
  webdataset: webdatasetWriter,
};

/** `train-00007-of-01024`, as TensorFlow's script for ImageNet names them; archives end in .tar. */
export function shardName(
  format: ShardFormat,
  split: string,
  number: number,
  shards: number,
): string {
  const [place, total] = [number, shards].map((n) => String(n).padStart(5, '0'));
  return `${split}-${place ?? ''}-of-${total ?? ''}${format === 'webdataset' ? '.tar' : ''}`;
}

const EXAMPLE = protobuf
  .parse(
    `
syntax = "proto3";
message BytesList { repeated bytes value = 1; }
message Int64List { repeated int64 value = 1 [packed = true]; }
message Feature { oneof kind { BytesList bytesList = 1; Int64List int64List = 3; } }
message Features { map<string, Feature> feature = 1; }
message Example { Features features = 1; }
`,
  )
  .root.lookupType('Example');

const FORMAT_NAMES = { jpeg: 'JPEG', png: 'PNG' } as const;

function encodeExample(record: RecordToWrite): Uint8Array {
  const text = (value: string) => bytes(Buffer.from(value));
  const bytes = (value: Uint8Array) => ({ bytesList: { value: [value] } });
  const number = (value: number) => ({ int64List: { value: [value] } });
  // The picture comes last, so that whoever wants the label alone reads the beginning.
  const feature = {
    'image/class/label': number(record.label),
    ...(record.className !== null && { 'image/class/synset': text(record.className) }),
    'image/filename': text(record.fileName),
    'image/format': text(FORMAT_NAMES[record.kind]),
    'image/height': number(record.height),
    'image/width': number(record.width),
    'image/encoded': bytes(record.bytes),
  };
  return EXAMPLE.encode({ features: { feature } }).finish();
}

function framed(data: Uint8Array): Uint8Array[] {
  const head = Buffer.alloc(12);
  head.writeBigUInt64LE(BigInt(data.length), 0);
  head.writeUInt32LE(maskedCrc(head.subarray(0, 8)), 8);
  const tail = Buffer.alloc(4);
  tail.writeUInt32LE(maskedCrc(data), 0);
  return [head, data, tail];
}

const EXTENSIONS = { jpeg: 'jpg', png: 'png' } as const;

function webdatasetWriter(): ShardWriter {
  const archive = pack();
  let chunks: Uint8Array[] = [];
  archive.on('data', (chunk) => {
    chunks.push(chunk as Uint8Array);
  });
  const ended = once(archive, 'end');
  const taken = (): Uint8Array[] => {
    const now = chunks;
    chunks = [];
    return now;
  };
  const addMember = (name: string, content: Buffer): Promise<void> =>
    new Promise((resolve, reject) => {
      const header = { name, size: content.length, mode: 0o644, mtime: new Date(0) };
      archive.entry(header, content, (error) => {
        if (error == null) resolve();
        else reject(error);
      });
    });
  let last = '';
  return {
    add: async ({ bytes, label, className, fileName, kind }) => {
      const base = keyOf(fileName);
      const known = className === null || base.startsWith(className);
      const key = known ? base : `${className}_${base}`;
      if (key === last) {
        throw new UserError(
          `${fileName}: is the name of two pictures of class ${className ?? label}, which WebDataset would take for one; rename one, or use --format tfrecord`,
        );
      }
      last = key;
      await addMember(`${key}.${EXTENSIONS[kind]}`, Buffer.from(bytes));
      await addMember(`${key}.cls`, Buffer.from(String(label)));
      return taken();
    },
    end: async () => {
      archive.finalize();
      await ended;
      return taken();
    },
  };
}
