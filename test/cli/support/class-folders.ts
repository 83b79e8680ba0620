// A tiny set of pictures as ImageNet's.
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PICTURES = fileURLToPath(new URL('../../golden/pictures', import.meta.url));

/** The golden pictures in three classes, the same to train and to test on. */
export function writeClassFolders(directory: string): void {
  const files = readdirSync(PICTURES).filter((name) => name.endsWith('.jpg'));
  files.forEach((name, i) => {
    for (const split of ['train', 'val']) {
      const target = join(directory, split, `n0000000${i % 3}`);
      mkdirSync(target, { recursive: true });
      copyFileSync(join(PICTURES, name), join(target, name.replace('.jpg', '.JPEG')));
    }
  });
}
