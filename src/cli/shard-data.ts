// What `fsam data shard` does: writes shards, with its progress on the terminal.
import { shardFolder, type ShardOptions } from '../data/records/shard-folder.js';
import { counted } from '../util/counted.js';
import { Interrupted } from './failure.js';
import { print } from './output.js';
import { createRecordProgress } from './record-progress.js';
import { watchSignals } from './signals.js';

/** As they are typed. */
export type ShardWords = Pick<ShardOptions, 'from' | 'to' | 'format' | 'shards' | 'seed'>;

export async function shardData(options: ShardWords): Promise<void> {
  const stop = new AbortController();
  const watch = watchSignals((signal) =>
    stop.abort(
      new Interrupted(signal, 'the same command goes on with the shards that are done', true),
    ),
  );
  const progress = createRecordProgress();
  try {
    const { shards, splits, classes } = await shardFolder({
      ...options,
      index: { onProgress: progress.index },
      onProgress: ({ done, records }) => progress.show('writing, records', done, records),
      signal: stop.signal,
    });
    progress.close();
    const records = Object.entries(splits)
      .map(([name, split]) => `${split.records} for ${name}`)
      .join(', ');
    print(
      `${options.to}: ${counted(shards.length, 'shard')} of ${classes} classes, records: ${records}`,
    );
  } finally {
    progress.close();
    watch.release();
  }
}
