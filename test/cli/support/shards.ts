// Class folders written as shards of either kind, two a split, by the command.
import { expect } from 'vitest';
import { fsam } from './fsam.js';

/** @param from the class folders, as all names relative to `folder` */
export async function writeShards(
  folder: string,
  from: string,
  to: Readonly<Record<'tfrecord' | 'webdataset', string>>,
): Promise<void> {
  for (const [format, target] of Object.entries(to)) {
    const words = ['data', 'shard', '--from', from, '--to', target, '--format', format];
    expect(await fsam(folder, [...words, '--shards', '2'])).toMatchObject({ code: 0 });
  }
}
