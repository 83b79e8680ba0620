// Files that a user names for output: ours are written over, anything else is refused by name.
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { refuseOthersFile } from '../../src/util/output-file.js';
import { messageOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';

const refuse = (path: string): Promise<void> =>
  refuseOthersFile('--logits', path, ['input', 'logits']);

it('takes a free name, an empty file, and what the same command wrote', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'out.json');
  await refuse(path);
  writeFileSync(path, '');
  await refuse(path);
  writeFileSync(path, '{"input":[4],"logits":[[1]],"more":1}');
  await refuse(path);
});

it.each(['thesis', '{"input":[4]}', '[1]', 'null', '{"hardware":"","rows":[]}'])(
  'refuses a file with %s in it',
  async (content) => {
    const path = join(temporaryFolder(), 'mine');
    writeFileSync(path, content);
    expect(await messageOf(refuse(path))).toBe(
      `--logits ${path}: is not from the same command, which would write over it; move it away, or name another file`,
    );
    expect(readFileSync(path, 'utf8')).toBe(content);
  },
);

it('refuses a device, a folder, and a link to either: the writing would put a file in its place', async () => {
  const folder = temporaryFolder();
  symlinkSync('/dev/null', join(folder, 'link'));
  for (const path of ['/dev/null', folder, join(folder, 'link')]) {
    expect(await messageOf(refuse(path))).toContain(`--logits ${path}: is not a regular file`);
  }
});

it('says before the work where no file can be made', async () => {
  const folder = temporaryFolder();
  expect(await messageOf(refuse(join(folder, 'no/out.json')))).toContain(
    `there is no folder ${folder}/no`,
  );
  writeFileSync(join(folder, 'file'), 'mine');
  expect(await messageOf(refuse(join(folder, 'file/out.json')))).toContain('a file is in the way');
  expect(await messageOf(refuse(''))).toBe('--logits: got an empty name, wanted a file');
  if (process.getuid?.() === 0) return; // root may write anywhere
  mkdirSync(join(folder, 'locked'));
  chmodSync(join(folder, 'locked'), 0o500);
  expect(await messageOf(refuse(join(folder, 'locked/out.json')))).toContain('permission denied');
});
