// A random example of every op that has a shape rule.
import { ELEMENTWISE } from './op-examples-elementwise.js';
import { NETWORKS } from './op-examples-networks.js';
import { SHAPES } from './op-examples-shapes.js';
import type { Case } from './operands.js';

export const EXAMPLES: Readonly<Record<string, Case>> = { ...ELEMENTWISE, ...SHAPES, ...NETWORKS };
