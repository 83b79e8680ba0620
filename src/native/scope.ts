// Name scopes for readable graphs, and the fate of tensors that leave tfjs's tidy scopes.
import { tf, type Tensor } from './tensorflow.js';

const names: string[] = [];

/** Runs `body` with `name` added to the names of the ops it records; eager execution ignores it. */
export function nameScope<T>(name: string, body: () => T): T {
  names.push(name);
  try {
    return body();
  } finally {
    names.pop();
  }
}

/** The scope in force, as a prefix: `stage1/block0/`, or empty. */
export function namePrefix(): string {
  return names.length === 0 ? '' : `${names.join('/')}/`;
}

let device = 0;

/** Runs `body`; the ops it records are executed on device number `index`, from 0. Eager execution has one. */
export function onDevice<T>(index: number, body: () => T): T {
  const outer = device;
  device = index;
  try {
    return body();
  } finally {
    device = outer;
  }
}

/** The device in force; 0 outside of `onDevice`. */
export const deviceInForce = (): number => device;

let awaited: readonly Tensor[] = [];

/**
 * Runs `body`; the ops it records are executed only when `tensors` have been computed. Eager
 * execution keeps that order by itself.
 */
export function runAfter<T>(tensors: readonly Tensor[], body: () => T): T {
  const outer = awaited;
  awaited = [...outer, ...tensors];
  try {
    return body();
  } finally {
    awaited = outer;
  }
}

/** The tensors that an op recorded now has to wait for. */
export const awaitedTensors = (): readonly Tensor[] => awaited;

/** Lets tensors outlive the tidy scope they were made in; hand them to `adopt` once outside it. */
export function rescue<T extends Tensor>(tensors: readonly T[]): readonly T[] {
  for (const tensor of tensors) tf.keep(tensor);
  return tensors;
}

/** Gives rescued tensors to the scope in force now, which disposes of them when it ends. */
export function adopt(tensors: readonly Tensor[]): void {
  for (const tensor of tensors) {
    (tensor as unknown as { kept: boolean }).kept = false;
    (tf.engine() as unknown as { track(tensor: Tensor): Tensor }).track(tensor);
  }
}
