// The sides of `fsam bench --data-only` that a torchvision script times, as scripts/bench_torchvision.py
// does.
import { z } from 'zod';
import type { FramedPicture } from '../data/pictures/measure-pictures.js';
import { flagsOf, parseAnswer, type PythonScript, type Wanted } from './bench-python.js';
import { RATE, sideName, type Rounds } from './bench-data-sides.js';
import { reasonOf } from './bench-sides.js';
import type { Failure, Side } from './bench-turns.js';
import { runProgram } from './program.js';

export const TORCHVISION: Wanted = {
  script: 'scripts/bench_torchvision.py',
  modules: ['torch', 'torchvision'],
};

/** Ways in which the script reads. */
const MODES = ['v2', 'pil'] as const;

export const WAYS = MODES.map((mode) => `torchvision ${mode}`);

interface TorchvisionJob extends PythonScript {
  readonly workers: number;
  readonly batch: number;
  readonly warmup: number;
  /** What `pictureList` gives, as a file. */
  readonly pictures: string;
}

/** What the script prints for a mode. */
const line = z.object({
  images_per_second: z.number().positive(),
  torch: z.string(),
  torchvision: z.string(),
  pillow: z.string(),
});

/** The pictures as the script takes them. */
export const pictureList = (side: number, pictures: readonly FramedPicture[]): string =>
  JSON.stringify({
    side,
    pictures: pictures.map(({ file, offset, length, cut: { box, flip } }) => [
      ...[file, offset, length],
      ...[box.top, box.left, box.height, box.width, flip],
    ]),
  });

export const torchvisionSides = (job: TorchvisionJob): Side<Rounds>[] =>
  MODES.map((mode, i) => ({
    name: sideName(WAYS[i] ?? '', job.workers),
    time: (stop) => timeTorchvision({ ...job, mode }, stop),
  }));

/** Times one mode of the script, which `stop` kills. */
export async function timeTorchvision(
  { python, script, mode, ...asked }: TorchvisionJob & { readonly mode: (typeof MODES)[number] },
  stop: AbortSignal,
): Promise<Rounds | Failure> {
  const flags = flagsOf({ ...asked, modes: mode, endWithStdin: true });
  const { stdout, ...ended } = await runProgram(python, [script, ...flags], stop);
  if (ended.code !== 0) return { failure: reasonOf(ended) };
  const found = parseAnswer(line, stdout, TORCHVISION.script);
  return {
    rounds: [{ [RATE]: found.images_per_second }],
    library: `torchvision ${found.torchvision}, Pillow ${found.pillow}, PyTorch ${found.torch}`,
  };
}
