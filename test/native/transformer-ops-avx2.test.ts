// What transformer-ops.test.ts expects, of the AVX2 instructions.
import './support/only-avx2.js';
import './transformer-ops.test.js';
