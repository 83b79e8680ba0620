// Loads TensorFlow before the tests of a file, and after its imports, which may settle what it runs on.
import { beforeAll } from 'vitest';
import { openTensorFlow } from '../../../src/native/tensorflow.js';

beforeAll(() => {
  openTensorFlow();
});
