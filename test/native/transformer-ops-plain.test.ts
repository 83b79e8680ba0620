// What transformer-ops.test.ts expects, without instructions that only some processors have.
import './support/only-plain.js';
import './transformer-ops.test.js';
