// Tables of runs of other versions: read by the names of their columns.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readTable, type Columns } from '../../src/experiment/table.js';
import { messageOf } from '../support/errors.js';
import { read, temporaryFolder } from '../support/folders.js';

const COLUMNS: Columns = {
  all: ['epoch', 'loss', 'extra', 'norm'],
  optional: ['extra'],
  needed: ['epoch', 'loss'],
};
const folder = temporaryFolder();

function table(...lines: string[]) {
  const path = join(folder, 'metrics.csv');
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
  return readTable(path, COLUMNS, null);
}

describe('a table', () => {
  it('of an older version lacks a column, which is empty', async () => {
    const { rows } = await table('epoch,loss', '1,0.5', '2,0.25');
    expect(rows).toEqual([
      { epoch: '1', loss: '0.5', extra: '', norm: '' },
      { epoch: '2', loss: '0.25', extra: '', norm: '' },
    ]);
  });

  it('has the new column from the epoch on where a newer version goes on', async () => {
    const older = await table('epoch,loss', '1,0.5');
    await older.add({ epoch: '2', loss: '0.25', extra: '', norm: '3' });
    expect(read(folder, 'metrics.csv')).toBe('epoch,loss,extra,norm\n1,0.5,,\n2,0.25,,3\n');
    const { rows } = await readTable(older.path, COLUMNS, null);
    expect(rows.map(({ norm }) => norm)).toEqual(['', '3']);
  });

  it('may have its columns in another order', async () => {
    const { rows } = await table('epoch,norm,loss', '1,3,0.5');
    expect(rows).toEqual([{ epoch: '1', loss: '0.5', extra: '', norm: '3' }]);
  });

  it.each([
    [['epoch,loss,norm', '1,0.5,3', '2,0.25,'], ':3: norm: got "", wanted a number'],
    [['epoch,loss', '1,'], ':2: loss: got "", wanted a number'],
    [['epoch,loss', '1,x'], ':2: loss: got "x", wanted a number'],
    [['epoch,norm', '1,3'], ':1: lacks the column loss'],
    [['epoch,loss,later', '1,1,1'], ':1: has the column later, which this version'],
    [['epoch,loss', '2,1'], ':2: wanted the 2 fields of epoch 1'],
  ])('%j is refused', async (lines, message) => {
    expect(await messageOf(table(...lines))).toContain(message);
  });
});
