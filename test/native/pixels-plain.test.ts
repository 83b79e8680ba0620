// What pixels.test.ts expects, without instructions that only some processors have.
import './support/only-plain.js';
import './pixels.test.js';
