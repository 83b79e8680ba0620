// What patches.test.ts expects, of the AVX2 instructions.
import './support/only-avx2.js';
import './patches.test.js';
