// A table's rows by number, as a kernel with a gradient of its own: the sum over where each was taken.
import { intAttribute, typeAttribute } from './attributes.js';
import { input, register, run, saved, single } from './kernel.js';
import { usesStockOps } from './stock-ops.js';
import { activeBackend, tf, type Tensor, type Tensor1D, type Tensor2D } from './tensorflow.js';

register({
  name: 'fsam.Rows',
  forward: (inputs) =>
    activeBackend().executeSingleOutput(
      'GatherV2',
      [
        typeAttribute('Tparams', 'float32'),
        typeAttribute('Tindices', 'int32'),
        typeAttribute('Taxis', 'int32'),
        intAttribute('batch_dims', 0),
      ],
      [input(inputs, 'table'), input(inputs, 'indices'), tf.scalar(0, 'int32')],
    ),
  save: { inputs: ['indices'] },
  gradient: (dy, tensors, attributes) => ({
    table: () => sumsByRow(single(dy), saved(tensors, 0), Number(attributes['rows'])),
    indices: () => tf.zerosLike(saved(tensors, 0)),
  }),
});

register({
  name: 'fsam.RowSums',
  forward: (inputs, attributes) =>
    activeBackend().executeSingleOutput(
      'UnsortedSegmentSum',
      [
        typeAttribute('T', 'float32'),
        typeAttribute('Tindices', 'int32'),
        typeAttribute('Tnumsegments', 'int32'),
      ],
      [
        input(inputs, 'values'),
        input(inputs, 'indices'),
        tf.scalar(Number(attributes['rows']), 'int32'),
      ],
    ),
  save: { inputs: ['indices'] },
  gradient: (c, tensors, attributes) => ({
    values: () =>
      run(
        'fsam.Rows',
        { table: single(c), indices: saved(tensors, 0) },
        { rows: attributes['rows'] },
      ) as Tensor,
    indices: () => tf.zerosLike(saved(tensors, 0)),
  }),
});

const sumsByRow = (values: Tensor, indices: Tensor, rows: number): Tensor =>
  run('fsam.RowSums', { values, indices }, { rows }) as Tensor;

/** Rows of a table [V D] at indices [N] (int32, 0 .. V-1): [N D]. */
export function rowsOf(table: Tensor2D, indices: Tensor1D): Tensor2D {
  if (usesStockOps()) return tf.gather(table, indices);
  return run('fsam.Rows', { table, indices }, { rows: table.shape[0] }) as Tensor2D;
}
