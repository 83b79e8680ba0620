// Tiny sets of pictures, as folders of classes.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PICTURES = fileURLToPath(new URL('../../golden/pictures', import.meta.url));

/** The bytes of a golden one. */
export const golden = (name: string): Buffer => readFileSync(join(PICTURES, name));

/** Two classes with three pictures each to train on, and one each to test on; `others` come on top. */
export function makeSet(folder: string, others: Readonly<Record<string, Buffer>> = {}): string {
  const files = Object.entries({
    'train/n0/a.JPEG': golden('420.jpg'),
    'train/n0/b.JPEG': golden('422.jpg'),
    'train/n0/c.JPEG': golden('grey.jpg'),
    'train/n1/d.JPEG': golden('444.jpg'),
    'train/n1/e.JPEG': golden('wide.jpg'),
    'train/n1/f.JPEG': golden('tall.jpg'),
    'val/n0/g.JPEG': golden('progressive.jpg'),
    'val/n1/h.JPEG': golden('420.jpg'),
    ...others,
  });
  for (const [name, content] of files) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  return folder;
}

/** Writes a configuration, and gives the arguments that train by it on `directory`. */
export function trainingOn(
  folder: string,
  directory: string,
  out: string,
  ...others: string[]
): string[] {
  writeFileSync(
    join(folder, 'pictures.yaml'),
    `name: pictures
epochs: 2
batchSize: 4
evaluationBatchSize: 5
data: { name: imagenet, imageSize: 32, resizeTo: 40, workers: 2 }
model: { name: imagenet-resnet18, width: 2 }
optimizer: { name: sgd }
`,
  );
  const words = ['train', '--config', 'pictures.yaml', '--data-dir', directory, '--out', out];
  return [...words, '--threads', '1', ...others];
}
