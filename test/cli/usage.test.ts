// Help, and mistakes in the typing: answered at once, without TensorFlow.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../support/folders.js';
import { fsam } from './support/fsam.js';

const folder = temporaryFolder();

it.each([[[]], [['--help']], [['-h']]])('shows the commands: fsam %j', async (args) => {
  const { code, stdout, stderr } = await fsam(folder, args);
  expect([code, stderr]).toEqual([0, '']);
  for (const command of ['train', 'eval', 'graph', 'bench', 'data', 'doctor']) {
    expect(stdout).toMatch(new RegExp(`^ {2}${command}\\b`, 'm'));
  }
  expect(stdout).toContain('Exit codes');
});

it('documents every option of train, and what a repeated option does', async () => {
  const { code, stdout } = await fsam(folder, ['train', '--help']);
  expect(code).toBe(0);
  const options = ['config', 'set', 'seed', 'data-dir', 'out', 'epochs', 'max-steps', 'subset'];
  const flags = ['device', 'resume', 'overwrite', 'quiet', 'verbose'];
  for (const name of [...options, ...flags]) expect(stdout).toContain(`--${name}`);
  expect(stdout).toContain('the last one counts');
});

it('lists no option that would change nothing', async () => {
  const help = async (command: string) => (await fsam(folder, [command, '--help'])).stdout;
  const [graph, bench] = [await help('graph'), await help('bench')];
  for (const text of [graph, bench]) expect(text).not.toMatch(/--(epochs|max-steps)\b/);
  expect([graph.includes('--subset'), bench.includes('--subset')]).toEqual([true, false]);
});

it('names a sweep where the help of sweep says what --config takes', async () => {
  const { stdout } = await fsam(folder, ['sweep', '--help']);
  expect(stdout.replace(/\s+/g, ' ')).toContain('a name under configs/sweeps/ such as tiny-rho');
});

it('tells its version', async () => {
  const project = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  ) as { version: string };
  expect((await fsam(folder, ['--version'])).stdout).toBe(`${project.version}\n`);
});

it('loads no TensorFlow for help, which would make it slow', async () => {
  const record = join(folder, 'loaded.json');
  const hook = join(folder, 'hook.cjs');
  writeFileSync(
    hook,
    `process.on('exit', () => require('fs').writeFileSync(process.env.RECORD, JSON.stringify(Object.keys(require.cache))));`,
  );
  const loaded = async (...args: string[]): Promise<string> => {
    await fsam(folder, args, { NODE_OPTIONS: `--require ${hook}`, RECORD: record });
    return readFileSync(record, 'utf8');
  };
  const forHelp = await loaded('train', '--help');
  expect(forHelp).toContain('/commander/');
  expect(forHelp).not.toContain('@tensorflow');
  expect(forHelp).not.toMatch(/cli-progress|zod|yaml/);
  expect(await loaded('doctor')).toContain('@tensorflow');
});

it.each([
  ['trian', "unknown command 'trian' (Did you mean train?)"],
  ['zzz', "unknown command 'zzz' (see fsam --help)"],
  ['--bogus', "unknown option '--bogus' (see fsam --help)"],
  ['train', '--config: missing, wanted a YAML file or a name under configs/'],
  ['sweep', '--config: missing, wanted a YAML file or a name under configs/sweeps/, such as'],
  ['train --confg smoke', "unknown option '--confg' (Did you mean --config?)"],
  ['train --config smoke --epoch 1', "unknown option '--epoch' (Did you mean --epochs?)"],
  ['train --config smoke extra', 'too many arguments'],
  ['report --zzz', "unknown option '--zzz' (see fsam report --help)"],
  ['data fetch --zzz', "unknown option '--zzz' (see fsam data fetch --help)"],
  ['bench --steps 0', "argument '0' is invalid. wanted a whole number from 1 to 999,999,999"],
  ['train --config', "option '--config <file>' argument missing"],
  [
    'train --config smoke --resume --overwrite',
    "'--resume' cannot be used with option '--overwrite'",
  ],
  ['train --config smoke --out=', '--out: got an empty name'],
  ['graph', '--config: missing'],
  ['eval', "missing required argument 'run-folder'"],
  ['eval nowhere', 'nowhere: there is no such folder'],
  ['eval . --split valid', 'Allowed choices are train, validation, test'],
  ['data fetc', "unknown command 'fetc' (Did you mean fetch?)"],
  ['data fetch', "missing required argument 'name'"],
  ['data fetch cifar11', 'data fetch: got cifar11, wanted one of cifar10, cifar100'],
  ['data fetch imagenet', 'no other set is fetched'],
  ['export run --to w.pt', 'wanted a name that ends in .safetensors: what is written'],
  ['export run --to a/W.CKPT', 'which torch.load does not read'],
  [
    'data fetch cifar10 --data-dir new --mirror ftp://x',
    'mirror "ftp://x": wanted a URL of http:// or https://',
  ],
])('refuses in one line: fsam %s', async (line, message) => {
  const here = temporaryFolder();
  const { code, stdout, stderr } = await fsam(here, line.split(' '));
  expect(stderr).toMatch(/^fsam: .*\n$/);
  expect(stderr).toContain(message);
  expect([code, stdout]).toEqual([2, '']);
});

it.each(['moby-dick', 'fashion-mnist-tiny', 'synthetic'])(
  'nothing is fetched of %s, which is said',
  async (name) => {
    const told = await fsam(temporaryFolder(), ['data', 'fetch', name]);
    expect(told).toEqual({
      code: 0,
      stdout: `${name}: comes with fsam, nothing is to be fetched; train with --set data.name=${name}\n`,
      stderr: '',
    });
  },
);
