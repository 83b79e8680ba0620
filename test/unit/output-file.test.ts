// Files that a user names for output: ours are written over, anything else is refused by name.
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { refuseOthersFile } from '../../src/util/output-file.js';
import { scratchFolder } from './experiment-support.js';

const refusal = (path: string): Promise<string | null> =>
  refuseOthersFile('--probe', path, ['input', 'logits']).then(
    () => null,
    (error: unknown) => (error as Error).message,
  );

it('takes a free name, an empty file, and what the same command wrote', async () => {
  const folder = scratchFolder();
  const path = join(folder, 'out.json');
  expect(await refusal(path)).toBeNull();
  writeFileSync(path, '');
  expect(await refusal(path)).toBeNull();
  writeFileSync(path, '{"input":[4],"logits":[[1]],"more":1}');
  expect(await refusal(path)).toBeNull();
});

it.each(['thesis', '{"input":[4]}', '[1]', 'null', '{"hardware":"","rows":[]}'])(
  'refuses a file with %s in it',
  async (content) => {
    const path = join(scratchFolder(), 'mine');
    writeFileSync(path, content);
    expect(await refusal(path)).toBe(
      `--probe ${path}: is not from the same command, which would write over it; move it away, or name another file`,
    );
    expect(readFileSync(path, 'utf8')).toBe(content);
  },
);

it('refuses a device, a folder, and a link to either: the writing would put a file in its place', async () => {
  const folder = scratchFolder();
  symlinkSync('/dev/null', join(folder, 'link'));
  for (const path of ['/dev/null', folder, join(folder, 'link')]) {
    expect(await refusal(path)).toContain(`--probe ${path}: is not a regular file`);
  }
});

it('says before the work where no file can be made', async () => {
  const folder = scratchFolder();
  expect(await refusal(join(folder, 'no/out.json'))).toContain(`there is no folder ${folder}/no`);
  writeFileSync(join(folder, 'file'), 'mine');
  expect(await refusal(join(folder, 'file/out.json'))).toContain('a file is in the way');
  expect(await refusal('')).toBe('--probe: got an empty name, wanted a file');
  if (process.getuid?.() === 0) return; // root may write anywhere
  mkdirSync(join(folder, 'locked'));
  chmodSync(join(folder, 'locked'), 0o500);
  expect(await refusal(join(folder, 'locked/out.json'))).toContain('permission denied');
});
